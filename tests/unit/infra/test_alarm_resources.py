"""What the alarms watch exists, is published, and tells the topic."""

import json
from dataclasses import replace

import pytest

from functions.health_check import health
from functions.health_check.cloudwatch import UNITS
from infra.catalog.alarms import (
    ALARMS,
    CRON_FAILURES,
    DATABASE_BYTES,
    DEAD_LETTERS,
    ERRORS,
    GAUGES,
    MONTH_TO_DATE_INVOCATIONS,
    OUTBOX_AGE,
    REALTIME,
)
from infra.catalog.services import SERVICES
from infra.components.alarms import Alarms, AlarmsArgs
from infra.components.encryption_key import EncryptionKey, EncryptionKeyArgs

ALARM = "cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
TOPIC_ARN = "arn:aws:sns:eu-central-1:123456789012:kiloscale-test-alarms"
OUR_ALARMS = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:kiloscale-test-*"


def test_the_thresholds_are_those_of_the_plan():
    assert DATABASE_BYTES.threshold == 6 * 1024**3
    assert MONTH_TO_DATE_INVOCATIONS.threshold == 750_000
    assert REALTIME.threshold == 400
    assert (OUTBOX_AGE.threshold, CRON_FAILURES.threshold) == (900, 0)


def test_the_health_check_alerts_at_the_same_age_of_the_outbox():
    assert OUTBOX_AGE.threshold == health.OUTBOX_OLDEST_MAX_S


def test_every_gauge_of_the_health_check_has_an_alarm():
    assert {alarm.metric for alarm in GAUGES} == set(UNITS)


def test_a_dead_health_check_rings():
    assert MONTH_TO_DATE_INVOCATIONS.missing == "breaching"


def test_every_service_and_every_dead_letter_queue_is_watched(stack):
    functions = {alarm.watched for alarm in ERRORS}
    queues = {each.name for each in stack[0].of("sqs/queue:Queue")}
    dead = {name for name in queues if name.endswith("-dead-letters")}

    assert functions == {service.name for service in SERVICES}
    assert {alarm.watched for alarm in DEAD_LETTERS} == dead


def test_names_are_unique():
    assert len({alarm.name for alarm in ALARMS}) == len(ALARMS)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"period_s": 90}, "period_s must be a multiple of 60, got 90"),
        ({"periods": 25}, "25 periods of 3600 s are more than 86400 s"),
        ({"periods_to_alarm": 2}, "must be between 1 and 1, got 2"),
    ],
)
def test_an_alarm_that_aws_would_refuse_is_named(changes, wrong):
    with pytest.raises(ValueError, match=f"alarm outbox-age: .*{wrong}"):
        replace(OUTBOX_AGE, **changes)


def test_dimensions_are_those_of_the_resources_that_write_the_metric(stack):
    resources = stack[0]
    named = {
        "FunctionName": {
            f.get("name") for f in resources.of("lambda/function:Function")
        },
        "QueueName": {q.get("name") for q in resources.of("sqs/queue:Queue")},
        "Stack": {"test"},
    }
    namespaces = {"AWS/Lambda", "AWS/SQS", "Kiloscale/test"}

    for alarm in resources.of(ALARM):
        ((dimension, value),) = alarm.get("dimensions").items()
        assert value in named[dimension], alarm.name
        assert alarm.get("namespace") in namespaces


def test_every_alarm_tells_the_topic_when_it_rings_and_when_it_stops(stack):
    alarms = list(stack[0].of(ALARM))

    assert len(alarms) == len(ALARMS)
    for alarm in alarms:
        assert alarm.get("alarmActions") == alarm.get("okActions") == [TOPIC_ARN]


def test_of_alarms_only_the_stack_s_may_publish(stack):
    (policy,) = stack[0].of("sns/topicPolicy:TopicPolicy")

    statement, _ = json.loads(policy.get("policy"))["Statement"]
    assert statement["Action"] == "sns:Publish"
    assert statement["Resource"] == TOPIC_ARN
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": OUR_ALARMS},
    }


def test_the_key_of_the_topic_admits_the_account_and_the_alarms(stack):
    (policy,) = stack[0].of("kms/keyPolicy:KeyPolicy")

    account, alarms, _ = json.loads(policy.get("policy"))["Statement"]
    assert account["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert alarms["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert alarms["Condition"]["ArnLike"] == {"aws:SourceArn": OUR_ALARMS}


def test_the_address_of_the_webhook_is_secret_and_its_protocol_is_not(stack):
    (hook,) = (each for each in stack[0] if each.name == "alarms-webhook")

    assert hook.inputs["protocol"] == "https"
    assert hook.inputs["endpoint"] != hook.get("endpoint")
    assert hook.get("endpoint") == "https://hooks.example.com/services/T0/B0/x"


def test_where_nobody_is_named_nobody_is_subscribed(provision):
    def declare() -> None:
        key_args = EncryptionKeyArgs(physical_name="kiloscale-test-key", stack="test")
        key = EncryptionKey("key", key_args)
        Alarms("alarms", AlarmsArgs(stack="test", alarms=ALARMS[:1], key=key))

    found = provision(declare)

    assert SUBSCRIPTION not in {kind for kind, _ in found}
    assert ("aws:sns/topic:Topic", "alarms") in found
