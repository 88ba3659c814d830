"""What verify-crons says after this machine's clock was set back."""

from datetime import timedelta

import pytest

from deploy.checklist import Status
from deploy.crons.evidence import JobFacts
from deploy.crons.judge import judge


@pytest.fixture
def verdict(rows):
    """Judges a job that ran, by a clock that was set back since."""

    def judge_with(back, **changes):
        values = {
            "installed": rows.installed(),
            "registered": rows.registered(),
            "runs": (rows.run(),),
            "log": rows.log(),
        }
        return judge(rows.job(), JobFacts(**values | changes), rows.facts(), back)

    return judge_with


def test_a_run_in_the_future_counts_as_the_last_one(rows, verdict):
    result = verdict(rows.now - timedelta(days=2))

    assert result.status is Status.PASS
    assert "next 2026-11-22 02:00 UTC" in result.title
    assert "last 2026-11-23 02:00 succeeded" in result.title


def test_a_job_registered_in_the_future_is_pending_and_never_overdue(rows, verdict):
    result = verdict(rows.now - timedelta(days=30), runs=(), log=None)

    assert result.status is Status.PENDING
    assert result.title.endswith("last: not due yet")


def test_a_run_that_began_in_the_future_is_not_too_long(rows, verdict):
    running = rows.run(status="running", end_time=None)

    result = verdict(rows.now - timedelta(days=2), runs=(running,), log=None)

    assert result.status is Status.PENDING


def test_what_is_wrong_with_a_job_is_still_said(rows, verdict):
    failed = rows.run(status="failed", return_message="no such table")

    result = verdict(rows.now - timedelta(days=2), runs=(failed,), log=None)

    assert result.status is Status.FAIL
    assert "no such table" in result.title
