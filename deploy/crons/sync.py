"""Bring ``cron.job`` to what is declared.

Whose a job is stands in ``kiloscale.cron_registry``. ``cron.schedule`` replaces a job
of the same name in silence, so one that is not in the registry is never scheduled over.
"""

from collections.abc import Sequence

import psycopg

from deploy import advisory
from deploy.crons.compare import FOREIGN, NONE, Change, compare
from deploy.crons.presence import cron_facts, require_pg_cron
from deploy.crons.state import (
    Connection,
    InstalledJob,
    installed_jobs,
    registered_jobs,
)
from deploy.database import explained
from deploy.errors import AuthError, DeployError
from infra.catalog.pg_crons import PgCronJob

LOCK = (advisory.LOCK_CLASS, 3)
"""Keeps two runs from changing jobs at once, for one transaction."""

REGISTER = """
insert into kiloscale.cron_registry as r
    (jobname, jobid, database, username, schedule, command, registered_runid)
select %(name)s, %(jobid)s, current_database(), current_user, %(schedule)s, %(command)s,
       coalesce((select max(runid) from cron.job_run_details), 0)
    on conflict (jobname) do update
   set jobid = excluded.jobid, database = excluded.database,
       username = excluded.username, schedule = excluded.schedule,
       command = excluded.command, registered_at = clock_timestamp(),
       registered_runid = excluded.registered_runid
"""


def diff(
    conn: Connection, jobs: Sequence[PgCronJob], *, adopt: bool = False
) -> list[Change]:
    """Compare the declared jobs with the database; change nothing.

    Args:
        conn: Connection of the role that is to run the jobs.
        jobs: The declared jobs.
        adopt: Whether to take over a job of the same name that is not ours.

    Raises:
        DeployError: pg_cron or the registry is not in this database.
        AuthError: The role may not read ``cron.job``.
    """
    with explained(conn, "looking for pg_cron"):
        facts = cron_facts(conn)
    require_pg_cron(facts)
    if not facts.has_registry:
        raise DeployError(
            "kiloscale.cron_registry does not exist: it is not known which jobs are"
            " ours",
            remedy="./bootstrap deploy --only migrations",
        )
    installed = installed_jobs(conn)
    with explained(conn, "reading the registry of jobs"):
        registered = registered_jobs(conn)
    return compare(jobs, installed, registered, facts, adopt)


def apply(conn: Connection, changes: Sequence[Change]) -> list[Change]:
    """Make the changes, all of them or none.

    Returns:
        The changes that were made; ``none`` is left out.

    Raises:
        DeployError: A job of the same name is foreign, or pg_cron refuses a job.
            Nothing was changed.
    """
    foreign = [change for change in changes if change.action == FOREIGN]
    if foreign:
        raise _taken(foreign)
    todo = [change for change in changes if change.action != NONE]
    current: Change | None = None
    try:
        with conn.transaction():
            conn.execute("select pg_advisory_xact_lock(%s, %s)", LOCK)
            for current in todo:
                _make(conn, current)
    except psycopg.OperationalError:
        # Not pg_cron's word on the job: the server went away, or was busy for too long.
        with explained(conn, "changing the jobs; nothing of it was changed"):
            raise
    except psycopg.Error as error:
        raise _refused(conn, current, error) from error
    return todo


def _refused(
    conn: Connection, change: Change | None, error: psycopg.Error
) -> DeployError:
    """Say which job pg_cron would not change, and why."""
    name = change.name if change else "the jobs"
    said = error.diag.message_primary or str(error)
    evidence: dict[str, object] = {"sqlstate": error.sqlstate}
    if not isinstance(error, psycopg.errors.InsufficientPrivilege):
        return DeployError(
            f"pg_cron refused {name}: {said}; nothing was changed",
            remedy="correct it in infra/catalog/pg_crons.py, then deploy again",
            evidence=evidence,
        )
    role = conn.info.user
    old = change.installed if change else None
    return AuthError(
        f"role {role} may not change {name}: {said}; nothing was changed",
        remedy=f"as role {old.username}: select cron.unschedule({old.jobid});"
        if old and old.username != role
        else f"as superuser: grant usage on schema cron to {role};",
        evidence=evidence,
    )


def _taken(foreign: Sequence[Change]) -> DeployError:
    """Say which names are somebody else's."""
    lines = "\n".join(f"  {item.name}: {'; '.join(item.reasons)}" for item in foreign)
    return DeployError(
        f"{len(foreign)} of the declared job names are taken by jobs that are not"
        f" ours; nothing was changed\n{lines}",
        remedy=f"./bootstrap crons.adopt --job {foreign[0].name}"
        if foreign[0].installed
        else "deploy as the role that registered the job",
        evidence={"foreign": [item.name for item in foreign]},
    )


def _make(conn: Connection, change: Change) -> None:
    """Make one change and write it to the registry."""
    old = change.installed
    if change.job is None:
        if old:
            conn.execute("select cron.unschedule(%s::bigint)", [old.jobid])
        conn.execute(
            "delete from kiloscale.cron_registry where jobname = %s", [change.name]
        )
        return
    # cron.schedule changes schedule and command of a job of the same name and role; it
    # neither activates it nor moves it to another database or role, and cron.alter_job
    # is not open to all.
    if old and not _can_be_replaced(conn, old):
        conn.execute("select cron.unschedule(%s::bigint)", [old.jobid])
    row = conn.execute(
        "select cron.schedule(%s, %s, %s)",
        [change.name, change.job.schedule, change.job.command],
    ).fetchone()
    values = {
        "name": change.name,
        "jobid": row[0] if row else None,
        "schedule": change.job.schedule,
        "command": change.job.command,
    }
    conn.execute(REGISTER, values)


def _can_be_replaced(conn: Connection, old: InstalledJob) -> bool:
    """Whether cron.schedule alone makes a job what it should be."""
    row = conn.execute("select current_database(), current_user").fetchone()
    return old.active and row == (old.database, old.username)
