"""A schedule is missing, different, pending, on time or overdue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deploy.checklist import Status
from deploy.schedules import GRACE, Seen, judge
from infra.catalog.schedules import HOURLY_HEALTH_CHECK

CREATED = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SEEN = Seen(
    state="ENABLED",
    expression="rate(1 hour)",
    target="arn:aws:lambda:eu-central-1:123456789012:function:health:live",
    created_at=CREATED,
    fired_at=None,
)
HOUR = timedelta(hours=1)


def test_a_missing_schedule_fails():
    assert judge(HOURLY_HEALTH_CHECK, None, CREATED).status is Status.FAIL


def test_a_first_run_that_is_not_due_yet_is_pending():
    result = judge(HOURLY_HEALTH_CHECK, SEEN, CREATED + timedelta(minutes=5))

    assert result.status is Status.PENDING
    assert result.title == "rate(1 hour): first run due at 2026-11-23 02:00:00 UTC"


def test_a_first_run_that_never_came_is_overdue():
    late = CREATED + HOUR + GRACE + timedelta(seconds=1)

    result = judge(HOURLY_HEALTH_CHECK, SEEN, late)

    assert (result.status, "overdue" in result.title) == (Status.FAIL, True)


def test_a_run_in_time_passes_and_tells_the_next():
    seen = replace(SEEN, fired_at=CREATED + HOUR)

    result = judge(HOURLY_HEALTH_CHECK, seen, CREATED + HOUR + timedelta(minutes=3))

    assert result.status is Status.PASS
    assert result.title.endswith("next at 2026-11-23 03:00:00 UTC")


def test_a_schedule_that_stopped_firing_is_overdue():
    seen = replace(SEEN, fired_at=CREATED + HOUR)

    result = judge(HOURLY_HEALTH_CHECK, seen, CREATED + 3 * HOUR)

    assert result.status is Status.FAIL


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"expression": "rate(2 hours)"}, "rate(2 hours) instead of rate(1 hour)"),
        ({"state": "DISABLED"}, "state DISABLED"),
        ({"target": "arn:aws:lambda:x:1:function:health"}, "not the alias live"),
    ],
)
def test_a_difference_from_the_catalog_fails(change, told):
    result = judge(HOURLY_HEALTH_CHECK, replace(SEEN, **change), CREATED)

    assert (result.status, told in result.title) == (Status.FAIL, True)


def test_the_evidence_hides_the_account():
    result = judge(HOURLY_HEALTH_CHECK, SEEN, CREATED)

    assert "123456789012" not in str(result.evidence)
