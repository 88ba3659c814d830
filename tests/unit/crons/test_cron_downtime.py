"""A due time that a stop explains is pending; one at which the server was up fails.

It is 2026-11-23 12:00, a Monday, and the job is due each night at 02:00.
"""

from datetime import UTC, datetime, timedelta

import pytest

from deploy.checklist import Status
from deploy.crons.evidence import JobFacts
from deploy.crons.judge import judge

MORNING = datetime(2026, 11, 23, 8, 12, tzinfo=UTC)
BY_HAND = "./bootstrap crons.run --job tidy"


@pytest.fixture
def verdict(rows):
    """Judges a job that ran on Sunday night, by default; the server started today."""

    def judge_with(schedule="0 2 * * *", started=MORNING, launcher=None, **changes):
        last = rows.run(start_time=rows.now - timedelta(days=1, hours=10))
        values = {
            "installed": rows.installed(schedule=schedule),
            "registered": rows.registered(registered_at=rows.now - timedelta(days=90)),
            "runs": (last,),
            "log": rows.log(),
        }
        facts = rows.facts(server_started_at=started, launcher_started_at=launcher)
        seen = JobFacts(**values | changes)
        return judge(rows.job(schedule=schedule), seen, facts, rows.now)

    return judge_with


def test_a_due_time_before_the_server_s_start_was_missed_and_is_pending(verdict):
    result = verdict()

    assert (result.status, result.remedy) == (Status.PENDING, BY_HAND)
    assert result.title == (
        "0 2 * * *    next 2026-11-24 02:00 UTC  missed 2026-11-23 02:00 UTC: the"
        " server started at 2026-11-23 08:12 UTC; last 2026-11-22 02:00 succeeded,"
        " 1234 rows"
    )
    assert result.evidence["server_started_at"] == "2026-11-23T08:12:00+00:00"


def test_a_weekend_off_is_told_as_one(rows, verdict):
    friday = rows.run(start_time=rows.now - timedelta(days=3, hours=10))

    result = verdict(runs=(friday,))

    assert result.status is Status.PENDING
    assert "missed 2026-11-23 02:00 UTC and 2 before it: the server" in result.title


def test_a_job_that_never_ran_because_of_stops_is_pending(verdict):
    result = verdict(runs=(), log=None)

    assert (result.status, result.remedy) == (Status.PENDING, BY_HAND)
    assert result.title.endswith("08:12 UTC; no run yet")


@pytest.mark.parametrize(
    ("schedule", "due"), [("30 4 * * 0", "22"), ("0 4 1 * *", "01")]
)
def test_weekly_and_monthly_jobs_wait_for_a_person_not_for_two_periods(
    rows, verdict, schedule, due
):
    long_ago = rows.run(start_time=rows.now - timedelta(days=60))

    result = verdict(schedule, runs=(long_ago,))

    assert (result.status, result.remedy) == (Status.PENDING, BY_HAND)
    assert f"missed 2026-11-{due} 04:" in result.title


def test_after_a_run_by_hand_a_missed_due_time_is_made_good(rows, verdict):
    by_hand = rows.log(started_at=rows.now, finished_at=rows.now)

    result = verdict(newest_log=by_hand)

    assert (result.status, result.remedy) == (Status.PASS, None)
    assert result.title.endswith("; by hand it worked since")


def test_a_run_by_hand_does_not_prove_that_pg_cron_starts_the_job(rows, verdict):
    by_hand = rows.log(started_at=rows.now, finished_at=rows.now)

    result = verdict(runs=(), log=None, newest_log=by_hand)

    assert (result.status, result.remedy) == (Status.PENDING, None)


def test_a_due_time_after_the_start_without_a_run_is_overdue(verdict):
    result = verdict(started=datetime(2026, 11, 23, 1, 58, tzinfo=UTC))

    assert result.status is Status.FAIL
    assert "overdue since 2026-11-23 02:00 UTC" in result.title


def test_a_job_that_was_dropped_while_others_ran_is_overdue_after_a_restart(verdict):
    around = [MORNING.replace(hour=hour, minute=5) for hour in (0, 1, 2, 3)]

    result = verdict(all_runs=tuple(around))

    assert result.status is Status.FAIL
    assert "overdue since 2026-11-23 02:00 UTC" in result.title


@pytest.mark.parametrize("hours", [(0, 1), (3, 4), ()])
def test_runs_on_one_side_only_do_not_say_that_the_server_was_up(verdict, hours):
    runs = tuple(MORNING.replace(hour=hour, minute=5) for hour in hours)

    assert verdict(all_runs=runs).status is Status.PENDING


def test_a_run_after_the_start_does_not_say_that_the_server_was_up_before(verdict):
    runs = tuple(MORNING.replace(hour=hour, minute=5) for hour in (1, 3))
    started = MORNING.replace(hour=2, minute=30)

    assert verdict(started=started, all_runs=runs).status is Status.PENDING


def test_a_launcher_that_came_later_than_the_server_is_named(rows, verdict):
    result = verdict(started=rows.now - timedelta(days=9), launcher=MORNING)

    assert result.status is Status.PENDING
    assert "pg_cron's launcher started at 2026-11-23 08:12 UTC" in result.title
