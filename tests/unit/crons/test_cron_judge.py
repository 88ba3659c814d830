from datetime import timedelta

import pytest

from deploy.checklist import Status
from deploy.crons.evidence import JobFacts, zone_of
from deploy.crons.judge import judge


@pytest.fixture
def verdict(rows):
    """Judges a job that ran last night; changes one thing at a time."""

    def judge_with(job=None, facts=None, **changes):
        values = {
            "installed": rows.installed(),
            "registered": rows.registered(),
            "runs": (rows.run(),),
            "log": rows.log(),
        }
        seen = JobFacts(**values | changes)
        return judge(job or rows.job(), seen, facts or rows.facts(), rows.now)

    return judge_with


def test_a_job_that_ran_when_due_and_logged_its_rows_passes(verdict):
    result = verdict()

    assert result.status is Status.PASS
    assert result.id == "crons.tidy"
    assert "next 2026-11-24 02:00 UTC" in result.title
    assert result.title.endswith("last 2026-11-23 02:00 succeeded, 1234 rows")


def test_a_job_that_was_not_due_since_its_registration_is_pending(rows, verdict):
    fresh = rows.registered(registered_at=rows.now - timedelta(hours=1))

    result = verdict(registered=fresh, runs=(), log=None)

    assert result.status is Status.PENDING
    assert result.title.endswith("last: not due yet")


def test_a_job_that_was_due_and_never_ran_is_overdue(verdict):
    result = verdict(runs=(), log=None)

    assert result.status is Status.FAIL
    assert "overdue since 2026-11-23 02:00 UTC (600 min)" in result.title
    assert "launcher" in result.remedy


def test_a_run_before_the_last_due_time_is_overdue(rows, verdict):
    old = rows.run(start_time=rows.now - timedelta(days=1, hours=10))

    assert verdict(runs=(old,)).status is Status.FAIL


def test_a_due_time_within_the_grace_is_not_yet_missed(rows, verdict):
    job = rows.job(schedule="50 11 * * *", grace_s=900)
    installed = rows.installed(schedule="50 11 * * *")
    yesterday = rows.run(start_time=rows.now - timedelta(days=1, minutes=10))

    result = verdict(job, installed=installed, runs=(yesterday,))

    assert result.status is Status.PASS


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schedule": "0 3 * * *"}, "schedule is '0 3 * * *', declared '0 2 * * *'"),
        ({"command": "select 1"}, "command is 'select 1'"),
        ({"active": False}, "active is 'false', declared 'true'"),
        ({"database": "app"}, "database is 'app', declared 'postgres'"),
    ],
)
def test_what_is_installed_differently_fails(rows, verdict, changes, words):
    result = verdict(installed=rows.installed(**changes))

    assert result.status is Status.FAIL
    assert words in result.title
    assert result.remedy == "./bootstrap deploy --only crons"


def test_a_job_that_is_not_there_fails(verdict):
    result = verdict(installed=None, registered=None, runs=(), log=None)

    assert (result.status, result.evidence["installed"]) == (Status.FAIL, False)


def test_a_foreign_job_of_the_name_fails_and_is_shown(rows, verdict):
    result = verdict(installed=None, foreign=rows.installed(jobid=9, username="app"))

    assert result.status is Status.FAIL
    assert "job 9 of role app" in result.title
    assert result.remedy == "./bootstrap crons.adopt --job tidy"


def test_a_second_job_of_the_name_beside_ours_is_its_role_s_to_end(rows, verdict):
    result = verdict(foreign=rows.installed(jobid=9, username="app"))

    assert "job 9 of role app has the same name and runs as well" in result.title
    assert result.remedy == "as role app: select cron.unschedule(9);"


def test_a_schedule_that_never_comes_fails(rows, verdict):
    job = rows.job(schedule="0 4 31 2 *")

    result = verdict(job, installed=rows.installed(schedule="0 4 31 2 *"))

    assert result.status is Status.FAIL
    assert "never due" in result.title


def test_a_failed_last_run_fails_although_it_has_no_time(rows, verdict):
    failed = rows.run(
        status="failed",
        return_message="connection failed",
        start_time=None,
        end_time=None,
    )

    result = verdict(runs=(failed, rows.run(runid=29)), log=None)

    assert result.status is Status.FAIL
    assert "last run 30 failed at an unknown time: connection failed" in result.title
    assert result.remedy == "./bootstrap crons.run --job tidy"


def test_a_run_by_hand_after_a_failure_makes_it_pending(rows, verdict):
    failed = rows.run(status="failed", return_message="ERROR: x")
    by_hand = rows.log(started_at=rows.now - timedelta(hours=1))

    result = verdict(runs=(failed,), log=None, newest_log=by_hand)

    assert result.status is Status.PENDING
    assert result.title.endswith("by hand it worked since")


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (None, "the run log has no row of it"),
        ({"error": "22012 division by zero"}, "its run log says: 22012 division"),
        ({"finished_at": None}, "its run log row 12 was never finished"),
    ],
)
def test_succeeded_without_an_effect_of_its_own_fails(rows, verdict, log, words):
    result = verdict(log=rows.log(**log) if log else None)

    assert result.status is Status.FAIL
    assert words in result.title


def test_a_run_in_progress_is_pending_and_a_stuck_one_fails(rows, verdict):
    fresh = rows.run(status="running", start_time=rows.now - timedelta(seconds=9))
    stuck = rows.run(status="running", start_time=rows.now - timedelta(seconds=999))

    assert verdict(runs=(fresh,)).status is Status.PENDING
    assert verdict(runs=(stuck,)).status is Status.FAIL
    assert verdict(runs=(stuck,)).remedy == "select pg_cancel_backend(4711);"


def test_a_run_that_a_stop_cut_off_is_not_told_to_be_cancelled(rows, verdict):
    facts = rows.facts(server_started_at=rows.now - timedelta(hours=1))

    result = verdict(runs=(rows.run(status="running"),), facts=facts)

    assert (result.status, result.remedy) == (
        Status.FAIL,
        "./bootstrap crons.run --job tidy",
    )


def test_a_probe_that_fails_fails_the_job(verdict):
    result = verdict(dry_run_error="function x does not exist (SQLSTATE 42883)")

    assert result.status is Status.FAIL
    assert "its dry run failed: function x does not exist" in result.title


def test_the_evidence_holds_what_the_checklist_promises(verdict):
    evidence = verdict(dry_run={"rows_to_delete": 3}).evidence

    assert evidence["next_due_utc"][0] == "2026-11-24T02:00:00+00:00"
    assert len(evidence["next_due_local"]) == 3
    assert evidence["previous_due_utc"] == "2026-11-23T02:00:00+00:00"
    assert evidence["last_run"]["runid"] == 30
    assert evidence["run_log"]["rows"] == 1234
    assert evidence["dry_run"] == {"rows_to_delete": 3}


@pytest.mark.parametrize(
    ("version", "zone"),
    [("1.4-1", "UTC"), ("1.4.2", "UTC"), ("1.5", "Asia/Tokyo"), ("1.6", "Asia/Tokyo")],
)
def test_the_time_zone_counts_since_pg_cron_1_5(rows, version, zone):
    facts = rows.facts(version=version, timezone="Asia/Tokyo")

    assert str(zone_of(facts)) == zone
