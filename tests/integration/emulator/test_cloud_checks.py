"""Schedules, alarms and functions of a cloud stack, looked at with boto3.

The account is the emulator: real calls, real answers, none of AWS's own refusals.
"""

from datetime import UTC, datetime, timedelta

import pytest
from as_cloud import deployment_of
from emulator_alone import zips

from deploy.account import NotThereError
from deploy.checklist import Status
from deploy.cloud import alarms, functions, schedules
from deploy.emulator.clients import client
from deploy.emulator.provision import provision
from deploy.errors import AuthError
from deploy.steps import alarms as alarms_step
from deploy.steps import cloud_functions, monitoring
from infra.catalog.alarms import ALARMS
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES

pytestmark = pytest.mark.integration

HOURLY = "kiloscale-local-health-check-hourly"


@pytest.fixture(scope="module")
def stack(start):
    emulator = start()
    provision(emulator.stack, zips(emulator.stack.state), lambda _: None)
    return emulator.stack


@pytest.fixture
def cloud(stack, tmp_path, monkeypatch):
    return deployment_of(stack, tmp_path, monkeypatch)


@pytest.fixture
def nothing(start, tmp_path, monkeypatch):
    """An account in which nothing was deployed."""
    return deployment_of(start().stack, tmp_path, monkeypatch)


def by_id(results):
    return {each.id: each for each in results}


def test_schedules_as_declared_wait_for_their_first_run(cloud):
    found = by_id(monitoring.schedules(cloud))

    hourly = found["schedules.health-check-hourly"]
    assert len(found) == len(SCHEDULES)
    assert hourly.status is Status.PENDING
    assert hourly.evidence["installed"] == "rate(1 hour)"
    assert hourly.evidence["target"].endswith(":live")


def test_a_schedule_that_runs_late_names_the_log_of_its_function(cloud):
    later = datetime.now(UTC) + timedelta(hours=2)

    found = by_id(schedules.verify(cloud, later))

    late = found["schedules.health-check-hourly"]
    assert (late.status, "overdue" in late.title) == (Status.FAIL, True)
    assert late.remedy == (
        "aws logs tail /aws/lambda/kiloscale-local-health-check --since 1h"
    )


def test_a_run_is_found_in_the_log(cloud, stack):
    logs = client(stack, "logs")
    group = "/aws/lambda/kiloscale-local-health-check"
    moment = datetime.now(UTC) + timedelta(seconds=1)
    event = {
        "timestamp": int(moment.timestamp() * 1000),
        "message": '{"schedule": "health-check-hourly"}',
    }
    logs.create_log_stream(logGroupName=group, logStreamName="test")
    logs.put_log_events(logGroupName=group, logStreamName="test", logEvents=[event])

    found = by_id(monitoring.schedules(cloud))["schedules.health-check-hourly"]

    assert found.status is Status.PASS
    assert found.title.startswith(f"rate(1 hour): ran at {moment:%H:%M:%S}")


def test_a_schedule_that_somebody_disabled_fails_with_what_mends_it(cloud, stack):
    scheduler = client(stack, "scheduler")
    known = scheduler.get_schedule(Name=HOURLY)
    kept = {
        key: known[key]
        for key in ("Name", "ScheduleExpression", "Target", "FlexibleTimeWindow")
    }
    scheduler.update_schedule(**kept, State="DISABLED")

    found = by_id(monitoring.schedules(cloud))["schedules.health-check-hourly"]
    scheduler.update_schedule(**kept, State="ENABLED")

    assert found.status is Status.FAIL
    assert found.title == "differs from the catalog: state DISABLED"
    assert found.remedy == "pulumi up --refresh --stack local"


def test_alarms_as_declared_pass_and_none_is_made_to_ring(cloud):
    found = by_id(alarms_step.run(cloud))

    assert found["alarms.declared"].title.startswith(f"all {len(ALARMS)} exist")
    assert found["alarms.states"].status is Status.PASS
    assert found["alarms.heard"].evidence["confirmed"] in (["http"], ["https"])
    assert found["alarms.fires"].status is Status.SKIPPED
    assert found["alarms.fires"].remedy.startswith("aws cloudwatch set-alarm-state")


def test_a_deleted_alarm_fails_with_what_mends_it(cloud, stack, monkeypatch):
    cloudwatch = client(stack, "cloudwatch")
    name = f"kiloscale-local-{ALARMS[-1].name}"
    (known,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    cloudwatch.delete_alarms(AlarmNames=[name])

    (found,) = alarms.verify(cloud)

    assert found.status is Status.FAIL
    assert f"{ALARMS[-1].name}: does not exist" in found.title
    assert found.remedy == "pulumi up --refresh --stack local"
    model = cloudwatch.meta.service_model.operation_model("PutMetricAlarm")
    kept = {key: known[key] for key in model.input_shape.members if key in known}
    cloudwatch.put_metric_alarm(**kept)


@pytest.mark.parametrize(
    ("subscriptions", "status", "title"),
    [
        ([], Status.WARN, "nobody is told of alarms"),
        (
            [{"Protocol": "email", "SubscriptionArn": "PendingConfirmation"}],
            Status.WARN,
            "told: nobody; not confirmed yet, so told nothing: email",
        ),
        (
            [{"Protocol": "email", "SubscriptionArn": "arn:aws:sns:x"}],
            Status.PASS,
            "told: email",
        ),
    ],
)
def test_who_hears_alarms(cloud, monkeypatch, subscriptions, status, title):
    found = alarms.look(cloud)

    class Topic:
        def get_paginator(self, _):
            return self

        def paginate(self, **asked):
            assert asked["TopicArn"].endswith(":kiloscale-local-alarms")
            return [{"Subscriptions": subscriptions}]

    monkeypatch.setattr(alarms, "client", lambda *_: Topic())

    result = alarms.heard(cloud, found)

    assert (result.status, result.title) == (status, title)


def test_each_public_function_has_its_address_and_a_build_its_digest(cloud, stack):
    urls = functions.where(cloud).urls
    first = functions.build(cloud)

    assert set(urls) == {each.name for each in SERVICES if each.route}
    assert all(url.startswith("https://") for url in urls.values())
    assert functions.build(cloud) == first
    provision(stack, zips(stack.state, version="2"), lambda _: None)
    assert functions.build(cloud) != first


def test_nothing_deployed_is_told_as_that(nothing):
    found = by_id(monitoring.schedules(nothing))

    assert {each.title for each in found.values()} == {
        "not installed: nothing invokes the service by itself"
    }
    assert by_id(alarms.verify(nothing))["alarms.declared"].status is Status.FAIL
    with pytest.raises(NotThereError, match="was never deployed"):
        list(cloud_functions.run(nothing))


def test_an_account_that_does_not_answer_is_not_a_missing_schedule(cloud, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(NotThereError, match="AWS does not answer"):
        list(monitoring.schedules(cloud))


def test_without_credentials_the_remedy_is_a_login(cloud, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(AuthError) as caught:
        list(monitoring.schedules(cloud))

    assert "no AWS credentials for schedule" in str(caught.value)
    assert caught.value.remedy.startswith("aws sso login")


def test_a_health_check_without_a_key_is_skipped_with_the_reason(cloud, monkeypatch):
    monkeypatch.delenv("KILOSCALE_INTERNAL_API_KEY", raising=False)

    result = monitoring.health(cloud)

    assert result.status is Status.SKIPPED
    assert result.remedy == "export KILOSCALE_INTERNAL_API_KEY=..."
    assert "no Pulumi CLI gives it" in result.title


def test_a_dry_run_asks_the_account_nothing(cloud, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    cloud.dry_run = True

    steps = (monitoring.run, alarms_step.run, cloud_functions.run)
    results = [each for run in steps for each in run(cloud)]

    assert {each.status for each in results} == {Status.SKIPPED}
