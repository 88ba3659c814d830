import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deploy.checklist import Status
from deploy.crons.run import run_job
from deploy.crons.verify import verify
from deploy.database import connect
from deploy.errors import DeployError
from infra.catalog.pg_crons import PG_CRON_JOBS

pytestmark = pytest.mark.integration

FIRST_RUN_S = 75


def by_id(results):
    return {result.id: result for result in results}


def test_after_the_first_deploy_everything_is_alive_and_nothing_was_due(cron_conn, put):
    put(*PG_CRON_JOBS)

    results = by_id(verify(cron_conn, PG_CRON_JOBS, datetime.now(UTC)))

    assert list(results) == [
        "crons.launcher",
        "crons.transport",
        *(f"crons.{job.name}" for job in PG_CRON_JOBS),
        "crons.foreign",
    ]
    assert results.pop("crons.launcher").status is Status.PASS
    assert results.pop("crons.transport").title.startswith(
        "jobs run through background workers"
    )
    assert results.pop("crons.foreign").status is Status.PASS
    for result in results.values():
        assert result.status is Status.PENDING, result
        assert result.evidence["role"] == "postgres"
        assert result.evidence["database"] == "postgres"
        assert result.evidence["dry_run"]
        json.dumps(result.as_json())


def test_verifying_changes_nothing(cron_conn, put):
    put(*PG_CRON_JOBS)
    query = "select pg_current_wal_insert_lsn()"
    before = cron_conn.execute(query).fetchone()

    verify(cron_conn, PG_CRON_JOBS, datetime.now(UTC))

    rows = cron_conn.execute("select count(*) from kiloscale.run_log").fetchone()
    assert rows == (0,)
    assert before is not None


@pytest.mark.parametrize("job", PG_CRON_JOBS, ids=lambda job: job.name)
def test_each_declared_command_runs_by_hand_and_logs_itself(cron_conn, cron_url, job):
    logged = run_job(cron_url, job)

    assert logged.job == job.name
    assert logged.error is None
    assert logged.finished_at is not None
    json.dumps(logged.evidence())


def test_running_a_job_that_fails_gives_its_row(cron_conn, cron_url, tidy):
    broken = replace(tidy, command=tidy.command.replace("400", "many"))

    with pytest.raises(DeployError, match="invalid input syntax for type json"):
        run_job(cron_url, broken)

    cron_conn.execute("drop table kiloscale.health_snapshots")
    logged = run_job(cron_url, tidy)
    assert logged.error.startswith("42P01 relation")


def test_running_a_job_that_runs_already_says_so(cron_conn, cron_url, tidy):
    with connect(cron_url, autocommit=False) as other:
        other.execute("select kiloscale.take_job_lock('tidy', false)")
        with pytest.raises(DeployError) as caught:
            run_job(cron_url, tidy)
        other.rollback()

    assert "job tidy is already running in backend" in str(caught.value)
    assert str(caught.value).endswith("try again when that run has ended")
    assert caught.value.remedy == "./bootstrap crons.run --job tidy"


def test_without_pg_cron_each_job_fails_with_the_command_that_installs_it(plain_url):
    with connect(plain_url) as conn:
        results = verify(conn, PG_CRON_JOBS, datetime.now(UTC))

    assert len(results) == 1 + len(PG_CRON_JOBS)
    assert {result.status for result in results} == {Status.FAIL}
    assert all("create extension pg_cron" in result.remedy for result in results)


def test_a_foreign_job_is_listed_and_one_of_our_name_fails(cron_conn, tidy):
    cron_conn.execute("select cron.schedule('theirs', '0 9 * * *', 'select 42')")
    cron_conn.execute("select cron.schedule('tidy', '0 9 * * *', 'select 43')")

    results = by_id(verify(cron_conn, [tidy], datetime.now(UTC)))

    assert "theirs, tidy" in results["crons.foreign"].title
    assert results["crons.tidy"].status is Status.FAIL
    assert "select 43" in results["crons.tidy"].title


def wait_for_runs(conn, jobs):
    """Wait until each job has ended once; pg_cron starts them on the next minute."""
    names = [job.name for job in jobs]
    ended = (
        "select j.jobname::text from cron.job j where j.jobname = any (%s)"
        " and exists (select from cron.job_run_details d where d.jobid = j.jobid"
        " and d.status in ('succeeded', 'failed'))"
    )
    deadline = time.monotonic() + FIRST_RUN_S
    while len(done := conn.execute(ended, [names]).fetchall()) < len(names):
        assert time.monotonic() < deadline, f"pg_cron ended only {done}"
        time.sleep(0.2)


def test_pg_cron_fires_the_jobs_and_the_verdicts_are_told_apart(cron_conn, put, tidy):
    """One minute of waiting for all: the shortest schedule of pg_cron 1.4."""
    declared = [replace(job, schedule="* * * * *") for job in PG_CRON_JOBS]
    broken = replace(tidy, name="broken", command="select 1/0")
    lying = replace(tidy, name="lying", command="select 'nothing was done'")
    half_a_day_away = (datetime.now(UTC).hour + 12) % 24
    late = replace(tidy, name="late", schedule=f"0 {half_a_day_away} * * *")
    broken, lying = (replace(job, schedule="* * * * *") for job in (broken, lying))
    put(*declared, broken, lying, late)
    wait_for_runs(cron_conn, [*declared, broken, lying])
    # The late job is looked at as if it had been due before the server started.
    cron_conn.execute(
        "update kiloscale.cron_registry set registered_at = now() - interval '3 days'"
        " where jobname = 'late'"
    )
    # A minute may begin meanwhile, so judge at the moment after the first runs.
    now = cron_conn.execute("select max(end_time) from cron.job_run_details").fetchone()

    results = by_id(
        verify(
            cron_conn, [*declared, broken, lying, late], now[0] + timedelta(seconds=1)
        )
    )

    for job in declared:
        result = results[f"crons.{job.name}"]
        assert result.status is Status.PASS, result.title
        assert result.evidence["last_run"]["status"] == "succeeded"
        assert result.evidence["run_log"]["error"] is None
    assert results["crons.broken"].status is Status.FAIL
    assert "ERROR: division by zero" in results["crons.broken"].title
    assert results["crons.lying"].status is Status.FAIL
    assert "the run log has no row of it" in results["crons.lying"].title
    assert results["crons.late"].status is Status.PENDING
    assert "missed " in results["crons.late"].title
    assert ": the server started at " in results["crons.late"].title
    (*_, later, _) = verify(cron_conn, [late], now[0] + timedelta(days=2))
    assert later.status is Status.FAIL
    assert "overdue since" in later.title
