"""What a database knows of the jobs: pg_cron's tables, our registry, our run log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import TupleRow, class_row

from deploy.errors import AuthError

Connection = psycopg.Connection[TupleRow]

JOBS = """
select jobid, jobname::text as name, schedule, command, database, username, active,
       nodename
  from cron.job
 where jobname is not null
 order by jobid
"""
REGISTRY = """
select jobname as name, jobid, database, username, schedule, command, registered_at,
       registered_runid
  from kiloscale.cron_registry
 order by jobname
"""
# By runid, the primary key: start_time is NULL for a run that never started, and has no
# index. Runs before the registration ran another command.
RUNS = """
select runid, job_pid, status, return_message, start_time, end_time
  from cron.job_run_details
 where jobid = %s and runid > %s
 order by runid desc
 limit %s
"""
# pg_cron keeps no index on start_time; purge-cron-history keeps 14 days of rows.
STARTS = """
select start_time
  from cron.job_run_details
 where jobid = any (%s) and start_time is not null
 order by start_time
"""
RUN_LOG = """
select id, job, started_at, finished_at, rows, batches, error, detail
  from kiloscale.run_log
"""


@dataclass(frozen=True, kw_only=True)
class InstalledJob:
    """A row of ``cron.job`` that this role may see."""

    jobid: int
    name: str
    schedule: str
    command: str
    database: str
    username: str
    active: bool
    nodename: str


@dataclass(frozen=True, kw_only=True)
class RegisteredJob:
    """A row of ``kiloscale.cron_registry``: a job that is ours."""

    name: str
    jobid: int
    database: str
    username: str
    schedule: str
    command: str
    registered_at: datetime
    registered_runid: int


@dataclass(frozen=True, kw_only=True)
class CronRun:
    """A row of ``cron.job_run_details``; times are ``None`` if it never started."""

    runid: int
    job_pid: int | None
    status: str
    return_message: str | None
    start_time: datetime | None
    end_time: datetime | None


@dataclass(frozen=True, kw_only=True)
class RunLogRow:
    """What a job wrote of one run.

    Attributes:
        id: Ascending.
        job: Name of the job.
        started_at: When it began.
        finished_at: When it ended; ``None`` while it runs, or if it was killed.
        rows: Rows that it changed.
        batches: Commits that it took.
        error: SQLSTATE and message; ``None`` if all went well.
        detail: Counts of its own.
    """

    id: int
    job: str
    started_at: datetime
    finished_at: datetime | None
    rows: int
    batches: int
    error: str | None
    detail: dict[str, Any]

    def evidence(self) -> dict[str, object]:
        """Give the row as JSON."""
        return {
            "id": self.id,
            "job": self.job,
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "rows": self.rows,
            "batches": self.batches,
            "error": self.error,
            "detail": self.detail,
        }


def iso(moment: datetime | None) -> str | None:
    """Give a time as text for evidence."""
    return None if moment is None else moment.isoformat(timespec="seconds")


def installed_jobs(conn: Connection) -> list[InstalledJob]:
    """List the named jobs that this role may see, oldest first.

    Raises:
        AuthError: The role may not look into schema cron.
    """
    try:
        with conn.cursor(row_factory=class_row(InstalledJob)) as cursor:
            return cursor.execute(JOBS).fetchall()
    except psycopg.errors.InsufficientPrivilege as error:
        raise AuthError(
            f"role {conn.info.user} may not read cron.job:"
            f" {error.diag.message_primary}",
            remedy=f"as superuser: grant usage on schema cron to {conn.info.user};",
        ) from error


def registered_jobs(conn: Connection) -> list[RegisteredJob]:
    """List the jobs that are ours, by name."""
    with conn.cursor(row_factory=class_row(RegisteredJob)) as cursor:
        return cursor.execute(REGISTRY).fetchall()


def runs(conn: Connection, job: RegisteredJob, most: int = 20) -> list[CronRun]:
    """List the newest runs of a job since it was registered, newest first."""
    with conn.cursor(row_factory=class_row(CronRun)) as cursor:
        values = [job.jobid, job.registered_runid, most]
        return cursor.execute(RUNS, values).fetchall()


def starts(conn: Connection, jobs: list[RegisteredJob]) -> tuple[datetime, ...]:
    """List when runs of some jobs started, ascending."""
    rows = conn.execute(STARTS, [[job.jobid for job in jobs]]).fetchall()
    return tuple(start for (start,) in rows)


def log_of_run(conn: Connection, job: str, run: CronRun) -> RunLogRow | None:
    """Find what a run of pg_cron wrote itself: same backend, not before it began."""
    query = (
        RUN_LOG
        + """
     where job = %s and pid = %s and started_at >= %s - interval '1 second'
     order by id desc limit 1"""
    )
    with conn.cursor(row_factory=class_row(RunLogRow)) as cursor:
        values = [job, run.job_pid, run.start_time]
        return cursor.execute(query, values).fetchone()


def newest_log(conn: Connection, job: str, after_id: int = 0) -> RunLogRow | None:
    """Find the newest row of a job in the run log, whoever ran it."""
    query = RUN_LOG + " where job = %s and id > %s order by id desc limit 1"
    with conn.cursor(row_factory=class_row(RunLogRow)) as cursor:
        return cursor.execute(query, [job, after_id]).fetchone()
