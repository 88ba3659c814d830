"""What the provisioned functions can do, with IAM enforced, and what they cannot."""

import json
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from emulator_alone import zips

from deploy.emulator.clients import client
from deploy.emulator.provision import provision
from infra.catalog.services import SERVICES
from infra.naming import metrics_namespace

pytestmark = pytest.mark.integration

REFUSED = {"AccessDenied", "AccessDeniedException"}


@pytest.fixture(scope="module")
def stack(start):
    emulator = start()
    provision(emulator.stack, zips(emulator.stack.state), lambda _: None)
    return emulator.stack


def invoke(stack, service, **event):
    answer = client(stack, "lambda").invoke(
        FunctionName=f"kiloscale-local-{service}",
        Qualifier="live",
        Payload=json.dumps(event).encode(),
    )
    return json.loads(answer["Payload"].read())


def queue_url(stack, name):
    url = f"{stack.emulator_url}/000000000000/kiloscale-local-{name}"
    return {"QueueUrl": url}


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_a_function_has_the_environment_of_the_catalog(stack, service):
    names = set(invoke(stack, service.name)["names"])

    assert set(service.settings) <= names
    # Its role's keys and the emulator's address, which the runtime provides.
    assert {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_REGION"} <= names


SEND, READ = {"MessageBody": "{}"}, {"AttributeNames": ["All"]}
BATCH = {"Entries": [{"Id": "1", "MessageBody": "{}"}]}
METRIC = {
    "Namespace": metrics_namespace("local"),
    "MetricData": [{"MetricName": "Age", "Value": 1.0}],
}

MAY = [
    ("chat-send", "sqs", "send_message", "llm-requests", SEND),
    ("chat-send", "sqs", "send_message", "memory-extractions", SEND),
    ("relay-outbox", "sqs", "send_message_batch", "llm-requests", BATCH),
    ("relay-outbox", "sqs", "send_message_batch", "memory-extractions", BATCH),
    ("relay-outbox", "sqs", "send_message", "memory-extractions", SEND),
    ("relay-outbox", "sqs", "send_message", "relay-outbox-minutely-dead-letters", SEND),
    ("llm-handler", "sqs", "get_queue_attributes", "llm-requests", READ),
    ("llm-handler", "sqs", "send_message", "memory-extractions", SEND),
    ("extract-memory", "sqs", "get_queue_attributes", "memory-extractions", READ),
    ("health-check", "sqs", "get_queue_attributes", "llm-requests", READ),
    ("health-check", "sqs", "get_queue_attributes", "llm-requests-dead-letters", READ),
    ("health-check", "cloudwatch", "put_metric_data", None, METRIC),
]  # fmt: skip
MAY_NOT = [
    ("chat-send", "sqs", "receive_message", "llm-requests", {}),
    ("chat-send", "sqs", "send_message", "llm-requests-dead-letters", SEND),
    ("chat-send", "sqs", "send_message", "health-check-hourly-dead-letters", SEND),
    ("chat-send", "cloudwatch", "put_metric_data", None, METRIC),
    ("llm-handler", "sqs", "send_message", "llm-requests", SEND),
    ("llm-handler", "sqs", "send_message_batch", "llm-requests", BATCH),
    ("llm-handler", "sqs", "send_message", "llm-requests-dead-letters", SEND),
    ("extract-memory", "sqs", "send_message", "memory-extractions", SEND),
    ("extract-memory", "sqs", "receive_message", "llm-requests", {}),
    ("health-check", "sqs", "send_message", "llm-requests", SEND),
    ("health-check", "sqs", "receive_message", "llm-requests", {}),
    ("relay-outbox", "sqs", "receive_message", "llm-requests", {}),
    ("relay-outbox", "sqs", "purge_queue", "llm-requests", {}),
    ("chat-send", "iam", "list_roles", None, {}),
    ("llm-handler", "kms", "create_key", None, {}),
    ("relay-outbox", "lambda", "list_functions", None, {}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "api", "operation", "queue", "arguments"), MAY)
def test_a_function_may_do_its_work(stack, service, api, operation, queue, arguments):
    named = queue_url(stack, queue) if queue else {}

    answer = invoke(
        stack, service, api=api, operation=operation, arguments=arguments | named
    )

    assert answer == {"done": True}


@pytest.mark.parametrize(("service", "api", "operation", "queue", "arguments"), MAY_NOT)
def test_a_function_may_do_nothing_else(
    stack, service, api, operation, queue, arguments
):
    named = queue_url(stack, queue) if queue else {}

    answer = invoke(
        stack, service, api=api, operation=operation, arguments=arguments | named
    )

    assert answer["refused"] in REFUSED


def test_a_function_url_answers_callers_without_aws_keys(stack):
    urls = json.loads((stack.state / "functions.json").read_text())
    request = urllib.request.Request(
        f"{stack.emulator_url}/functions/v1/chat-send",
        data=b"{}",
        headers={
            "Host": urlsplit(urls["chat-send"]).netloc,
            "Authorization": "Bearer x",
        },
    )

    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_a_message_on_the_queue_is_worked_off_by_the_alias(stack):
    sqs = client(stack, "sqs")
    sqs.send_message(**queue_url(stack, "llm-requests"), MessageBody="{}")

    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = sqs.get_queue_attributes(
            **queue_url(stack, "llm-requests"), AttributeNames=counts
        )["Attributes"]
        if set(found.values()) == {"0"}:
            return
        time.sleep(0.1)
    pytest.fail(f"still on the queue: {found}")


def test_reserved_concurrency_is_set_where_no_queue_bounds(stack):
    functions = client(stack, "lambda")

    reserved = {
        service.name: functions.get_function_concurrency(
            FunctionName=f"kiloscale-local-{service.name}"
        ).get("ReservedConcurrentExecutions")
        for service in SERVICES
    }

    assert reserved == {
        "chat-send": 40,
        "relay-outbox": 1,
        "llm-handler": None,
        "extract-memory": None,
        "compress-image": None,
        "read-history": 20,
        "health-check": 2,
    }


def test_schedules_point_at_the_live_alias(stack):
    scheduler = client(stack, "scheduler")

    schedule = scheduler.get_schedule(Name="kiloscale-local-health-check-hourly")

    assert schedule["State"] == "ENABLED"
    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["Target"]["Arn"].endswith(":kiloscale-local-health-check:live")
