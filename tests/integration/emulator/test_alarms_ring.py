"""The provisioned alarms: they ring, the webhook hears it, and they stop."""

import json
import time

import pytest
from emulator_alone import zips

from deploy import alarms
from deploy.checklist import Status
from deploy.emulator.clients import client
from deploy.emulator.provision import provision
from deploy.smoke import alarms as proof
from infra.catalog.alarms import (
    ALARMS,
    CRON_FAILURES,
    DATABASE_BYTES,
    GAUGES,
    MONTH_TO_DATE_INVOCATIONS,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def emulator(start):
    one = start()
    provision(one.stack, zips(one.stack.state), lambda _: None)
    return one


def state(stack, name):
    return proof.look(stack)[f"kiloscale-local-{name}"]["StateValue"]


def wait_for(emulator, name, value):
    """The subject of the notification of one alarm's change."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for each in emulator.webhook.notifications.all():
            message = json.loads(each["Message"])
            called = message["AlarmName"], message["NewStateValue"]
            if called == (f"kiloscale-local-{name}", value):
                return each["Subject"]
        time.sleep(0.02)
    pytest.fail(f"nobody was told that {name} is {value}")


def test_every_alarm_is_as_declared_and_has_no_data_yet(emulator):
    found = proof.look(emulator.stack)

    as_declared = alarms.declared(found, "local")
    now = alarms.states(found, "local")

    assert as_declared.status is Status.PASS, as_declared.title
    assert as_declared.title.startswith(f"all {len(ALARMS)} exist as declared")
    assert now.title == f"none rings: 0 OK, {len(ALARMS)} without data"
    assert proof.choose(found) is None


def test_an_alarm_that_somebody_changed_is_named_with_the_difference(emulator):
    cloudwatch = client(emulator.stack, "cloudwatch")
    name = "kiloscale-local-chat-send-answers-5xx"
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    written = ("AlarmName", "MetricName", "Namespace", "Period", "Statistic")
    kept = {key: alarm[key] for key in written}
    kept |= {"ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": 1}
    cloudwatch.put_metric_alarm(**kept, Threshold=4000.0)

    result = alarms.declared(proof.look(emulator.stack), "local")

    assert result.status is Status.FAIL
    assert result.title.startswith(f"1 of {len(ALARMS)} differ from the catalog: cha")
    assert "Threshold is 4000.0 instead of 5.0" in result.title
    assert "OKActions does not name the topic alarms alone" in result.title


@pytest.mark.parametrize("alarm", GAUGES, ids=lambda each: each.name)
def test_a_gauge_rings_above_its_threshold_and_not_at_it(emulator, alarm):
    stack, leaves_at = emulator.stack, time.time() + 1.0
    proof.put(stack, alarm, alarm.threshold, time.time() - 1)
    assert state(stack, alarm.name) == "OK"

    at = leaves_at - alarm.periods * alarm.period_s
    proof.put(stack, alarm, alarm.threshold + 1, at)

    assert state(stack, alarm.name) == "ALARM"
    told = wait_for(emulator, alarm.name, "ALARM")
    assert told == f'ALARM: "kiloscale-local-{alarm.name}" in {stack.region}'
    time.sleep(max(0.0, leaves_at - time.time()) + 0.05)
    proof.put(stack, alarm, alarm.threshold, time.time())
    assert state(stack, alarm.name) == "OK"
    assert wait_for(emulator, alarm.name, "OK").startswith("OK: ")


def test_errors_of_a_function_ring(emulator):
    stack = emulator.stack
    # Two errors: more than a scheduled function may have, and less than a called one.
    for _ in range(2):
        answer = client(stack, "lambda").invoke(
            FunctionName="kiloscale-local-relay-outbox",
            Qualifier="live",
            Payload=json.dumps({"operation": "unknown", "api": "sqs"}).encode(),
        )
        assert "FunctionError" in answer
    # The emulator judges alarms when data is put.
    proof.put(stack, DATABASE_BYTES, 1, time.time())

    assert state(stack, "relay-outbox-errors") == "ALARM"
    assert wait_for(emulator, "relay-outbox-errors", "ALARM")
    assert state(stack, "chat-send-errors") == "OK"


def test_what_rings_is_a_warning_that_says_what_it_means(emulator):
    stack = emulator.stack
    proof.put(stack, CRON_FAILURES, 2, time.time())

    result = alarms.states(proof.look(stack), "local")

    assert result.status is Status.WARN
    assert "cron-failures (Threshold Crossed: Maximum 2.0" in result.title
    assert result.evidence["means"]["cron-failures"] == CRON_FAILURES.summary
    assert result.remedy == "./bootstrap deploy --only monitoring,alarms --evidence"


def test_an_alarm_that_rings_by_itself_is_not_chosen_for_the_proof(emulator):
    chosen = proof.choose(proof.look(emulator.stack))

    assert chosen is not CRON_FAILURES
    assert chosen is not MONTH_TO_DATE_INVOCATIONS
    assert state(emulator.stack, chosen.name) == "OK"
