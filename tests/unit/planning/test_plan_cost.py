"""The estimate, against numbers computed by hand."""

from dataclasses import replace

import pytest

from deploy.planning import cost, quantities
from functions.shared.providers import gemini, models
from infra.catalog import loads
from infra.catalog.loads import PLAN
from infra.catalog.models import Price
from infra.policies.resources import SECRET, Registered, Resources

EU, US = "eu-central-1", "us-east-1"


def resource(kind, name, /, **inputs):
    return Registered(type=f"aws:{kind}", name=name, inputs=inputs)


def function(name, memory, **more):
    inputs = {
        "name": f"kiloscale-test-{name}",
        "memorySize": float(memory),
        "architectures": ["arm64"],
        **more,
    }
    return resource("lambda/function:Function", name, **inputs)


def lines(*resources, load=PLAN, region=EU):
    found = cost.estimate(Resources(resources), load, region)
    return {
        f"{line.quantity.price.service} {line.quantity.price.what}": line
        for line in found.lines
    }


def test_a_function_costs_its_calls_and_its_gigabyte_seconds():
    found = lines(function("llm-handler", 512))

    # 200,000 calls of 3 s with half a GB: 300,000 GB-s, all of it free.
    duration = found["Lambda GB-seconds, arm64"]
    assert duration.quantity.amount == 300_000
    assert duration.usd == pytest.approx(4.00002)
    assert duration.usd_after_free == 0
    assert found["Lambda requests"].usd == pytest.approx(0.04)


def test_only_what_is_above_the_free_part_is_paid():
    found = lines(function("llm-handler", 1_024))

    # 600,000 GB-s, 400,000 of them free.
    duration = found["Lambda GB-seconds, arm64"]
    assert duration.usd == pytest.approx(8.00004)
    assert duration.usd_after_free == pytest.approx(2.66668)


def test_the_price_of_a_second_follows_the_architecture():
    found = lines(function("llm-handler", 512, architectures=["x86_64"]))

    assert found["Lambda GB-seconds, x86_64"].usd == pytest.approx(5.00001)
    assert "Lambda GB-seconds, arm64" not in found


def test_five_thousand_users_do_five_times_as_much():
    found = lines(function("extract-memory", 512), load=PLAN.times(5))

    # 450,000 calls of 3 s with half a GB.
    assert found["Lambda GB-seconds, arm64"].quantity.amount == 675_000


def test_a_schedule_pays_for_its_runs_and_for_its_function():
    schedule = resource(
        "scheduler/schedule:Schedule",
        "relay-outbox-minutely",
        scheduleExpression="rate(1 minute)",
        target={"arn": "arn:aws:lambda:x:1:function:kiloscale-test-relay-outbox:live"},
    )

    found = lines(function("relay-outbox", 256), schedule)

    assert found["EventBridge Scheduler invocations"].quantity.amount == 43_800
    assert found["Lambda requests"].quantity.amount == 43_800
    # 43,800 x 0.2 s x 0.25 GB
    assert found["Lambda GB-seconds, arm64"].quantity.amount == pytest.approx(2_190)


def test_a_schedule_whose_rate_is_not_known_is_not_counted_and_said_so():
    schedule = resource(
        "scheduler/schedule:Schedule", "new", scheduleExpression="cron(0 4 * * ? *)"
    )

    month = quantities.of(Resources([schedule]), PLAN)

    assert month.quantities == []
    assert month.not_counted == ["runs of schedule new"]


def test_a_function_without_a_known_load_is_said_to_be_left_out():
    month = quantities.of(Resources([function("new-service", 512)]), PLAN)

    assert month.not_counted == ["calls of new-service: no load is known for it"]


def test_a_queue_costs_its_messages_and_the_polls_while_it_is_empty():
    consumer = resource("lambda/eventSourceMapping:EventSourceMapping", "c")

    found = lines(consumer)["SQS requests, standard queues"]

    # 290,000 messages x 3, and 5 polls every 20 s for 730 h.
    assert found.quantity.amount == 870_000 + 657_000
    assert found.usd == pytest.approx(0.6108)
    assert found.usd_after_free == pytest.approx(0.2108)


def test_an_alarm_on_two_metrics_counts_twice():
    simple = resource("cloudwatch/metricAlarm:MetricAlarm", "a", metricName="Errors")
    queries = [{"id": "e", "expression": "a+b"}, {"metric": {}}, {"metric": {"m": 1}}]
    double = resource("cloudwatch/metricAlarm:MetricAlarm", "b", metricQueries=queries)

    found = lines(simple, double)["CloudWatch alarm metrics"]

    assert found.quantity.amount == 2  # an empty metric is none
    assert found.usd == pytest.approx(0.20)


def test_own_metrics_are_counted_once_from_alarms_dashboard_and_caches():
    alarm = resource(
        "cloudwatch/metricAlarm:MetricAlarm",
        "a",
        namespace="Kiloscale/test",
        metricName="OutboxOldestSeconds",
    )
    of_aws = resource(
        "cloudwatch/metricAlarm:MetricAlarm",
        "b",
        namespace="AWS/Lambda",
        metricName="Errors",
    )
    body = (
        '{"widgets": [{"metrics": [["Kiloscale/test", "OutboxOldestSeconds", "Stack"],'
        ' ["Kiloscale/test", "DatabaseBytes"], ["AWS/SQS", "Sent"]]}]}'
    )
    board = resource("cloudwatch/dashboard:Dashboard", "d", dashboardBody=body)
    variables = {
        "METRICS_NAMESPACE": "Kiloscale/test",
        "CACHE_USAGE_S": "60",
        "CACHE_ABSENT_S": "60",
    }
    environment = {SECRET: "", "value": {"variables": variables}}
    reader = function("read-history", 512, environment=environment)

    found = lines(alarm, of_aws, board, reader)

    assert found["CloudWatch custom metrics"].quantity.amount == 2 + 2
    assert found["CloudWatch dashboards"].usd == 3.00


def test_logs_cost_more_in_frankfurt_than_in_virginia():
    group = resource("cloudwatch/logGroup:LogGroup", "g", retentionInDays=30.0)
    service = function("chat-send", 512)

    here, there = lines(service, group), lines(service, group, region=US)

    # 200,000 calls of 1,000 bytes: 0.2 GB.
    assert here["CloudWatch GB of logs written"].usd == pytest.approx(0.126)
    assert there["CloudWatch GB of logs written"].usd == pytest.approx(0.10)
    kept = here["CloudWatch GB of logs kept, compressed"]
    assert kept.quantity.amount == pytest.approx(0.2 * 30 / (730 / 24) * 0.15)


def test_a_topic_pays_for_mails_and_posts():
    mail = resource("sns/topicSubscription:TopicSubscription", "m", protocol="email")
    post = resource("sns/topicSubscription:TopicSubscription", "p", protocol="https")

    found = lines(mail, post)

    assert found["SNS emails"].quantity.amount == 100
    assert found["SNS emails"].usd_after_free == 0
    assert found["SNS https notifications"].usd == pytest.approx(0.00006)


def test_the_edge_costs_where_it_is_declared():
    distribution = resource("cloudfront/distribution:Distribution", "cdn")
    worker = Registered(
        type="cloudflare:index/workersScript:WorkersScript", name="w", inputs={}
    )

    found = lines(distribution, worker)

    # 91,250 requests and 18.25 GB a month.
    assert found["CloudFront https requests"].usd == pytest.approx(0.1095)
    assert found["CloudFront GB to the internet"].usd == pytest.approx(1.55125)
    assert found["Cloudflare Workers requests"].usd == pytest.approx(0.027375)
    assert "Cloudflare Workers paid plan" not in found


def test_a_front_passes_on_the_calls_of_the_app_and_no_images():
    front = resource("cloudfront/distribution:Distribution", "api-front")
    functions = [
        resource("cloudfront/function:Function", f"api-front-{way}")
        for way in ("request", "response")
    ]

    found = lines(front, *functions)

    # 200,000 messages and 100,000 other calls.
    assert found["CloudFront https requests"].quantity.amount == 300_000
    assert found["CloudFront runs of edge functions"].usd == pytest.approx(0.06)
    assert "CloudFront GB to the internet" not in found


def test_a_worker_above_the_free_plans_requests_needs_the_paid_plan():
    worker = Registered(
        type="cloudflare:index/workersScript:WorkersScript", name="w", inputs={}
    )
    busy = replace(PLAN, edge_requests=4_000_000)

    assert lines(worker, load=busy)["Cloudflare Workers paid plan"].usd == 5.00


def test_a_key_has_no_free_part():
    found = lines(resource("kms/key:Key", "functions"))["KMS keys of the customer's"]

    assert (found.usd, found.usd_after_free) == (1.00, 1.00)


def test_a_language_model_costs_its_tokens():
    model = Price(model="m", input_usd=1.0, output_usd=10.0)

    # 200,000 x (2,500 x 1 + 300 x 10) + 90,000 x (1,500 x 1 + 150 x 10), a million each
    assert cost.llm_usd(PLAN, model) == pytest.approx(1_100 + 270)


def test_what_a_model_thinks_is_paid_as_answer():
    model = Price(model="m", input_usd=1.0, output_usd=10.0)

    thought = cost.llm_usd(PLAN, model, thinking=1_000) - cost.llm_usd(PLAN, model)

    # 290,000 calls x 1,000 tokens x 10, a million each
    assert thought == pytest.approx(2_900)


def test_the_estimate_takes_the_thinking_that_the_services_allow():
    assert gemini.THINKING_TOKENS_MAX == loads.THINKING_TOKENS_MAX
    assert cost.DEFAULT_MODEL.startswith(gemini.THINKING)


def test_the_estimate_takes_the_model_that_the_services_take():
    assert models.DEFAULT_MODEL == cost.DEFAULT_MODEL


def test_every_service_of_the_catalog_has_a_load():
    from infra.catalog.services import SERVICES

    assert {service.name for service in SERVICES} <= set(loads.USES)
