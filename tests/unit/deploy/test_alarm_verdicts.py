"""Alarms are missing, different, silent, ringing or without data."""

import pytest

from deploy import alarms, ledger
from deploy.checklist import Status
from deploy.deployment import Deployment
from deploy.local.facts import new_stack
from deploy.smoke import alarms as proof
from deploy.steps import alarms as step
from infra.catalog.alarms import ALARMS, CRON_FAILURES, OUTBOX_AGE

TOPIC = "arn:aws:sns:eu-central-1:123456789012:kiloscale-local-alarms"


def described(alarm, state="OK", **changes):
    """What DescribeAlarms gives of an alarm that is as declared."""
    return {
        **alarms._expected(alarm, "local"),
        "AlarmName": f"kiloscale-local-{alarm.name}",
        "AlarmActions": [TOPIC],
        "OKActions": [TOPIC],
        "StateValue": state,
        "StateReason": f"it is {state}",
        **changes,
    }


def all_alarms(**states):
    """Every alarm by physical name; all OK but those that are named."""
    return {
        f"kiloscale-local-{each.name}": described(
            each, states.get(each.name.replace("-", "_"), "OK")
        )
        for each in ALARMS
    }


def test_alarms_as_declared_pass_and_the_evidence_says_when_each_rings():
    result = alarms.declared(all_alarms(), "local")

    assert result.status is Status.PASS
    assert result.evidence["rings_if"]["cron-failures"] == (
        "Maximum of Kiloscale/local CronFailures (Stack local) > 0 in 1 of 1 x 3600 s;"
        " no data is missing"
    )


def test_a_missing_alarm_fails():
    found = all_alarms()
    del found["kiloscale-local-outbox-age"]

    result = alarms.declared(found, "local")

    assert result.status is Status.FAIL
    assert result.title == (
        f"1 of {len(ALARMS)} differ from the catalog: outbox-age: does not exist"
    )
    assert result.remedy == "./bootstrap local.stop && ./bootstrap deploy"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"Threshold": 60.0}, "Threshold is 60.0 instead of 900.0"),
        ({"Period": 60}, "Period is 60 instead of 3600"),
        (
            {"ComparisonOperator": "LessThanThreshold"},
            "ComparisonOperator is LessThanThreshold instead of GreaterThanThreshold",
        ),
        ({"TreatMissingData": "ignore"}, "TreatMissingData is ignore instead of"),
        ({"Dimensions": []}, "Dimensions is [] instead of [{'Name': 'Stack', 'Value'"),
        ({"ActionsEnabled": False}, "ActionsEnabled is False instead of True"),
        ({"AlarmActions": []}, "AlarmActions does not name the topic alarms alone"),
        ({"OKActions": [TOPIC + "-old"]}, "OKActions does not name the topic alarms"),
    ],
)
def test_a_difference_is_told(change, told):
    (difference,) = alarms.differences(
        OUTBOX_AGE, described(OUTBOX_AGE, **change), "local"
    )

    assert difference.startswith(told)


def test_states_are_counted_and_silence_is_not_called_ok():
    result = alarms.states(
        all_alarms(realtime_connections="INSUFFICIENT_DATA"), "local"
    )

    assert result.status is Status.PASS
    assert result.title == f"none rings: {len(ALARMS) - 1} OK, 1 without data"


def test_an_alarm_that_rings_is_a_warning_and_no_failure():
    result = alarms.states(all_alarms(outbox_age="ALARM"), "local")

    assert result.status is Status.WARN
    assert result.title.startswith("1 ring: outbox-age (it is ALARM); ")
    assert result.evidence["means"] == {"outbox-age": OUTBOX_AGE.summary}


def test_one_look_shows_every_alarm():
    assert len(ALARMS) <= proof.RECORDS_MAX


def test_the_proof_takes_the_first_alarm_that_is_ok():
    assert proof.choose(all_alarms()) is CRON_FAILURES
    assert proof.choose(all_alarms(cron_failures="ALARM")) is OUTBOX_AGE
    none = all_alarms(
        cron_failures="ALARM", outbox_age="INSUFFICIENT_DATA", database_size="ALARM"
    )
    assert proof.choose(none) is None


def change(state, told):
    return proof.Change(
        wanted="ALARM",
        state={"value": state, "reason": ""},
        state_ms=4.2,
        told=told,
        told_ms=38.4,
    )


def test_a_change_is_done_once_the_webhook_is_told():
    done = change("ALARM", {"id": "1"})

    assert done.title(CRON_FAILURES, "CronFailures 1") == (
        "cron-failures: ALARM 4 ms after CronFailures 1, and the webhook is told after"
        " 38 ms"
    )


@pytest.mark.parametrize(
    ("state", "told", "says"),
    [
        ("OK", None, "it is OK instead of ALARM, and the webhook was told nothing"),
        (
            "ALARM",
            None,
            "it is ALARM, and the webhook was told nothing",
        ),
        ("OK", {"id": "1"}, "it is OK instead of ALARM, and the webhook was told"),
    ],
)
def test_a_change_that_nobody_hears_is_not_done(state, told, says):
    seen = change(state, told)

    assert not seen.is_done
    assert seen.title(CRON_FAILURES, "x") == f"cron-failures: 10 s after x {says}"


@pytest.fixture
def deployment(tmp_path):
    new_stack(tmp_path, home=tmp_path).save()
    return Deployment(stack="local", progress=lambda _: None, state=tmp_path)


def run(deployment, monkeypatch, **states):
    """The step's results as (id, status), with a proof that passes."""
    monkeypatch.setattr(proof, "look", lambda _: all_alarms(**states))
    fires = alarms.declared(all_alarms(), "local")
    monkeypatch.setattr(proof, "prove", lambda *_: iter([fires]))
    results = list(step.run(deployment))
    return [(each.status, each.title) for each in results]


def test_a_build_is_proved_once(deployment, monkeypatch):
    ledger.write(deployment.state, infrastructure="b1")
    first = run(deployment, monkeypatch)

    second = run(deployment, monkeypatch)
    ledger.write(deployment.state, infrastructure="b2")
    third = run(deployment, monkeypatch)

    assert [status for status, _ in first] == [Status.PASS] * 3
    assert [status for status, _ in second][2:] == [Status.SKIPPED]
    assert second[2][1].startswith("skipped: proved for this very build at 20")
    assert third == first


def test_without_an_alarm_that_is_ok_nothing_is_proved(deployment, monkeypatch):
    names = [each.name.replace("-", "_") for each in proof.PROVABLE]
    results = run(deployment, monkeypatch, **dict.fromkeys(names, "INSUFFICIENT_DATA"))

    assert results[-1] == (
        Status.SKIPPED,
        "skipped: no alarm is OK that could be made to ring",
    )
    assert "alarms_proved" not in ledger.read(deployment.state)


def test_alarms_that_differ_are_not_proved(deployment, monkeypatch):
    monkeypatch.setattr(proof, "look", lambda _: {})

    (result,) = step.run(deployment)

    assert result.status is Status.FAIL


def test_a_dry_run_looks_at_no_alarm_and_says_why(deployment):
    deployment.dry_run = True

    (result,) = step.run(deployment)

    assert (result.status, result.title) == (
        Status.SKIPPED,
        "skipped: a dry run does not know what a deploy would leave",
    )
