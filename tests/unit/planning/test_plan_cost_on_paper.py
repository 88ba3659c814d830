"""One month of one stack, as somebody would compute it on paper.

The stack is the shape of `Pulumi.production.example.yaml` in Frankfurt at 1,000 users.
Nothing here is read from the catalog of loads or prices: the numbers are written out.
"""

import pytest

from deploy.planning import cost
from infra.catalog.loads import PLAN
from infra.policies.resources import Registered, Resources

MEMORY_MIB = {
    "chat-send": 512,
    "llm-handler": 512,
    "extract-memory": 512,
    "read-history": 512,
    "relay-outbox": 256,
    "health-check": 256,
}
RATES = {"relay-outbox": "rate(1 minute)", "health-check": "rate(1 hour)"}


def resource(kind, name, /, **inputs):
    return Registered(type=f"aws:{kind}", name=name, inputs=inputs)


def stack():
    """Six functions, two queues read, two schedules, 18 alarms, and what is beside."""
    yield resource("kms/key:Key", "functions")
    for name, memory in MEMORY_MIB.items():
        yield resource(
            "lambda/function:Function",
            name,
            name=f"k-{name}",
            memorySize=float(memory),
            architectures=["arm64"],
        )
        yield resource("cloudwatch/logGroup:LogGroup", name, retentionInDays=30.0)
    for name, rate in RATES.items():
        target = {"arn": f"arn:aws:lambda:eu-central-1:1:function:k-{name}:live"}
        yield resource(
            "scheduler/schedule:Schedule", name, scheduleExpression=rate, target=target
        )
    for name in ("llm", "extraction"):
        yield resource("lambda/eventSourceMapping:EventSourceMapping", name)
    for number in range(18):
        yield resource(
            "cloudwatch/metricAlarm:MetricAlarm",
            f"a{number}",
            namespace="AWS/Lambda",
            metricName="Errors",
        )
    yield resource("sns/topicSubscription:TopicSubscription", "m", protocol="email")


@pytest.fixture(scope="module")
def month():
    return cost.estimate(Resources(list(stack())), PLAN, "eu-central-1")


@pytest.fixture(scope="module")
def lines(month):
    return {line.quantity.price.what: line for line in month.lines}


def test_invocations(lines):
    # Sent 200,000, answered 200,000, extracted 90,000, read 100,000.
    # A month has 730 hours, so 43,800 minutes and 730 health checks.
    calls = 200_000 + 200_000 + 90_000 + 100_000 + 43_800 + 730
    assert calls == 634_530
    assert lines["requests"].quantity.amount == calls
    # 0.634530 million at 0.20; a million is free.
    assert lines["requests"].usd == pytest.approx(0.126906)
    assert lines["requests"].usd_after_free == 0


def test_gigabyte_seconds(lines):
    answers = 200_000 * 3 * 0.5  # 3 s, half a GB
    extractions = 90_000 * 3 * 0.5
    sent = 200_000 * 0.06 * 0.5  # 60 ms
    read = 100_000 * 0.06 * 0.5
    relayed = 43_800 * 0.2 * 0.25  # 200 ms, a quarter of a GB
    checked = 730 * 2 * 0.25
    assert answers + extractions == 435_000
    assert (sent, read, relayed, checked) == (6_000, 3_000, 2_190, 365)
    found = lines["GB-seconds, arm64"]
    assert found.quantity.amount == pytest.approx(446_555)
    # 446,555 x 0.0000133334; 46,555 of them after the free 400,000.
    assert found.usd == pytest.approx(5.954096, abs=1e-6)
    assert found.usd_after_free == pytest.approx(0.620736, abs=1e-6)


def test_messages_and_the_polls_of_empty_queues(lines):
    # 290,000 messages are sent, received and deleted.
    messages = 290_000 * 3
    # 5 pollers, 3 polls of 20 s a minute each, 43,800 minutes, 2 queues.
    polls = 5 * 3 * 43_800 * 2
    assert (messages, polls) == (870_000, 1_314_000)
    found = lines["requests, standard queues"]
    assert found.quantity.amount == 2_184_000
    # 2.184 million at 0.40; a million is free.
    assert found.usd == pytest.approx(0.8736)
    assert found.usd_after_free == pytest.approx(0.4736)


def test_alarms(lines):
    assert lines["alarm metrics"].quantity.amount == 18
    assert lines["alarm metrics"].usd == pytest.approx(1.80)
    # 10 are free.
    assert lines["alarm metrics"].usd_after_free == pytest.approx(0.80)


def test_logs(lines):
    # 634,530 calls x 1,000 bytes = 0.634530 GB, at 0.63; 5 GB are free.
    assert lines["GB of logs written"].usd == pytest.approx(0.399754, abs=1e-6)
    assert lines["GB of logs written"].usd_after_free == 0
    # 30 days of a month of 30.4167, and 15 % of it once compressed, at 0.0324.
    kept = lines["GB of logs kept, compressed"]
    assert kept.quantity.amount == pytest.approx(0.093876, abs=1e-6)
    assert kept.usd == pytest.approx(0.003042, abs=1e-6)


def test_what_is_left_and_the_sum(month, lines):
    # 44,530 runs at 1.00 a million; 14,600 metrics read at 0.01 a thousand.
    assert lines["invocations"].usd == pytest.approx(0.04453)
    assert lines["metrics read (GetMetricData)"].usd == pytest.approx(0.146)
    # 100 mails at 2.00 for 100,000, and one key.
    assert lines["emails"].usd == pytest.approx(0.002)
    assert lines["keys of the customer's"].usd == 1.00
    # 0.1269 + 5.9541 + 0.8736 + 1.80 + 0.3998 + 0.0030 + 0.0445 + 0.146 + 0.002 + 1
    assert month.usd == pytest.approx(10.3499, abs=1e-4)
    # 0.6207 + 0.4736 + 0.80 + 0.0030 + 0.146 + 1
    assert month.usd_after_free == pytest.approx(3.0434, abs=1e-4)
    assert month.not_counted == ()


def test_the_language_model(month):
    # Prompts: 200,000 x 2,500 + 90,000 x 1,500 = 635 million tokens at 0.30.
    # Answers: 200,000 x 300 + 90,000 x 150 = 73.5 million at 2.50.
    assert month.llm_usd == pytest.approx(190.50 + 183.75)
    # Thinking: 290,000 calls x 1,024 = 296.96 million at 2.50.
    assert month.llm_usd_at_most == pytest.approx(374.25 + 742.40)
