"""Prove that each declared job exists, runs and has its effect; change nothing.

pg_cron says "succeeded" of a job that did nothing, shows a role only its own jobs, and
records no time for a run that never started. So each answer here is put together from
``cron.job``, its history by runid, our registry and the run log that each job writes.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import psycopg
from psycopg.rows import dict_row

from deploy.checklist import Result, Status
from deploy.crons import presence, state
from deploy.crons.evidence import JobFacts
from deploy.crons.judge import judge
from deploy.crons.masking import masked
from deploy.crons.presence import CronFacts
from deploy.crons.state import Connection, InstalledJob, RegisteredJob
from deploy.database import explained
from infra.catalog.pg_crons import PgCronJob

LAUNCHER = """
select count(*) as launchers
  from pg_stat_activity
 where application_name = 'pg_cron scheduler' or backend_type = 'pg_cron launcher'
"""
# Superuser-only settings: NULL for a role that may not read all settings.
TRANSPORT = """
select current_setting('max_worker_processes')::int as max_worker_processes,
       (select setting from pg_settings where name = 'cron.use_background_workers')
           as use_background_workers,
       (select setting from pg_settings where name = 'cron.host') as cron_host
"""
UNSTARTED = """
select d.runid, d.return_message
  from cron.job_run_details d
 where d.status = 'failed' and d.start_time is null and d.jobid = any (%s)
   and d.runid > coalesce((select max(runid) from cron.job_run_details), 0) - 1000
   and not exists (select from cron.job_run_details later
        where later.jobid = d.jobid and later.runid > d.runid)
 order by d.runid desc
"""


def verify(conn: Connection, jobs: Sequence[PgCronJob], now: datetime) -> list[Result]:
    """Verify the declared jobs.

    Args:
        conn: Connection of the role that owns the jobs, in autocommit mode.
        jobs: The declared jobs.
        now: Aware time at which to judge what is due.

    Returns:
        The launcher, the transport, one result per job, the jobs of others.

    Raises:
        AuthError: The role may not read pg_cron's tables or ours.
        DeployError: The connection was lost.
    """
    with explained(conn, "verifying the pg_cron jobs"):
        return _verify(conn, jobs, now)


def _verify(conn: Connection, jobs: Sequence[PgCronJob], now: datetime) -> list[Result]:
    """Look and judge; the database's own errors pass through."""
    facts = presence.cron_facts(conn)
    if facts.version is None:
        return _without_pg_cron(jobs, facts)
    installed = state.installed_jobs(conn)
    registered = state.registered_jobs(conn) if facts.has_registry else []
    ours = {job.name: job for job in registered}
    results = [_launcher(conn), _transport(conn, registered)]
    all_runs = state.starts(conn, registered)
    for job in jobs:
        started = time.perf_counter()
        rows = [row for row in installed if row.name == job.name]
        seen = _look(conn, job, rows, ours.get(job.name))
        seen = replace(seen, all_runs=all_runs)
        result = judge(job, seen, facts, now)
        results.append(replace(result, ms=(time.perf_counter() - started) * 1000))
    results.append(_foreign(installed, registered))
    return results


def _without_pg_cron(jobs: Sequence[PgCronJob], facts: CronFacts) -> list[Result]:
    """Fail everything for one reason."""
    reason, remedy = presence.missing(facts)
    evidence = {"database": facts.database, "cron_database": facts.cron_database}
    first = Result(
        id="crons.launcher",
        title=reason,
        status=Status.FAIL,
        evidence=evidence,
        remedy=remedy,
    )
    return [
        first,
        *(
            Result(
                id=f"crons.{job.name}",
                title=f"{job.schedule:<11}  not installed: {reason}",
                status=Status.FAIL,
                evidence={
                    "declared": {"schedule": job.schedule, "command": job.command}
                },
                remedy=remedy,
            )
            for job in jobs
        ),
    ]


def _launcher(conn: Connection) -> Result:
    """Look for the process that starts the jobs: one per server."""
    row = conn.execute(LAUNCHER).fetchone()
    alive = bool(row and row[0])
    return Result(
        id="crons.launcher",
        title="pg_cron's launcher is alive"
        if alive
        else "pg_cron's launcher is gone: no job starts",
        status=Status.PASS if alive else Status.FAIL,
        evidence={"launchers": row[0] if row else 0},
        remedy=None if alive else "restart PostgreSQL, and see its log for pg_cron",
    )


def _transport(conn: Connection, registered: Sequence[RegisteredJob]) -> Result:
    """Look whether the launcher can start what is due: by worker or by connection."""
    with conn.cursor(row_factory=dict_row) as cursor:
        settings = cursor.execute(TRANSPORT).fetchall()[0]
        ids = [job.jobid for job in registered]
        unstarted = cursor.execute(UNSTARTED, [ids]).fetchall()
    workers = settings["use_background_workers"]
    if workers == "on":
        way = f"background workers, {settings['max_worker_processes']} at most"
    elif workers == "off":
        way = f"connections to {settings['cron_host'] or 'the local socket'}"
    else:
        way = "not visible to this role"
    reason = unstarted[0]["return_message"] if unstarted else None
    return Result(
        id="crons.transport",
        title=f"jobs run through {way}"
        if reason is None
        else f"jobs through {way} do not start: {reason}",
        status=Status.PASS if reason is None else Status.FAIL,
        evidence={**settings, "never_started": unstarted},
        remedy=None
        if reason is None
        else "alter system set cron.use_background_workers = on; alter system set"
        " max_worker_processes = 24; then restart PostgreSQL",
    )


def _look(
    conn: Connection,
    job: PgCronJob,
    rows: Sequence[InstalledJob],
    owned: RegisteredJob | None,
) -> JobFacts:
    """Look up what there is to know of one job."""
    mine = next((row for row in rows if owned and row.jobid == owned.jobid), None)
    runs = tuple(state.runs(conn, owned)) if owned and mine else ()
    found, problem = probe(conn, job)
    has_log = owned is not None
    return JobFacts(
        installed=mine,
        registered=owned,
        foreign=next((row for row in rows if row is not mine), None),
        runs=runs,
        log=state.log_of_run(conn, job.name, runs[0]) if runs else None,
        newest_log=state.newest_log(conn, job.name) if has_log else None,
        dry_run=found,
        dry_run_error=problem,
    )


def probe(conn: Connection, job: PgCronJob) -> tuple[Mapping[str, object], str | None]:
    """Run a job's probe in a transaction that the server keeps read-only.

    Returns:
        What a run would do now, and why that is not known.
    """
    try:
        with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
            cursor.execute("set transaction read only")
            row = cursor.execute(job.dry_run.encode()).fetchone() or {}
    except psycopg.Error as error:
        return {}, f"{error.diag.message_primary or error} (SQLSTATE {error.sqlstate})"
    return {name: _plain(value) for name, value in row.items()}, None


def _plain(value: object) -> object:
    """Give a value that JSON can hold."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return float(value) if isinstance(value, Decimal) else value


def _foreign(
    installed: Sequence[InstalledJob], registered: Sequence[RegisteredJob]
) -> Result:
    """List the jobs of others: known, and left alone."""
    ours = {job.jobid for job in registered}
    others = [row for row in installed if row.jobid not in ours]
    evidence = [
        {
            "jobid": row.jobid,
            "name": row.name,
            "schedule": row.schedule,
            "command": masked(row.command),
            "role": row.username,
            "active": row.active,
        }
        for row in others
    ]
    return Result(
        id="crons.foreign",
        title=f"{len(others)} job(s) of others, left alone: "
        + ", ".join(row.name for row in others)
        if others
        else "no jobs of others",
        status=Status.PASS,
        evidence={"jobs": evidence},
    )
