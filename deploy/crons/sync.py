"""Bring ``cron.job`` to what is declared.

Whose a job is stands in ``kiloscale.cron_registry``. ``cron.schedule`` replaces a job
of the same name in silence, so one that is not in the registry is never scheduled over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from deploy.crons.state import (
    CronFacts,
    InstalledJob,
    RegisteredJob,
    cron_facts,
    installed_jobs,
    registered_jobs,
    require_pg_cron,
)
from deploy.errors import AuthError, DeployError
from infra.catalog.pg_crons import PgCronJob

Connection = psycopg.Connection[TupleRow]

NONE = "none"
SCHEDULE = "schedule"
ALTER = "alter"
ADOPT = "adopt"
UNSCHEDULE = "unschedule"
FOREIGN = "foreign"

LOCK = (1263095887, 2)
"""'KILO' in ASCII, and the number of this lock among ours."""

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


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one job needs.

    Attributes:
        action: ``none``, ``schedule``, ``alter``, ``adopt``, ``unschedule``, or
            ``foreign``: a job of that name is somebody else's.
        name: The job's name.
        job: The declaration; ``None`` for ``unschedule``.
        installed: What there is; ``None`` if nothing is.
        reasons: Why, one line each.
    """

    action: str
    name: str
    job: PgCronJob | None = None
    installed: InstalledJob | None = None
    reasons: tuple[str, ...] = ()


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
    facts = cron_facts(conn)
    require_pg_cron(facts)
    if not facts.has_registry:
        raise DeployError(
            "kiloscale.cron_registry does not exist: it is not known which jobs are"
            " ours",
            remedy="./bootstrap deploy --only migrations",
        )
    return compare(jobs, installed_jobs(conn), registered_jobs(conn), facts, adopt)


def compare(
    jobs: Sequence[PgCronJob],
    installed: Sequence[InstalledJob],
    registered: Sequence[RegisteredJob],
    facts: CronFacts,
    adopt: bool = False,
) -> list[Change]:
    """Work out what each job needs; declared jobs first, in their order."""
    ours = {job.name: job for job in registered}
    changes = [
        _change(
            job,
            [row for row in installed if row.name == job.name],
            ours.get(job.name),
            facts,
            adopt,
        )
        for job in jobs
    ]
    declared = {job.name for job in jobs}
    for gone in registered:
        if gone.name not in declared:
            row = next((row for row in installed if row.jobid == gone.jobid), None)
            reason = "is ours and not declared any more"
            changes.append(
                Change(
                    action=UNSCHEDULE,
                    name=gone.name,
                    installed=row,
                    reasons=(reason,),
                )
            )
    return changes


def _change(
    job: PgCronJob,
    rows: Sequence[InstalledJob],
    owned: RegisteredJob | None,
    facts: CronFacts,
    adopt: bool,
) -> Change:
    """Work out what one declared job needs."""
    if not rows and owned and owned.username != facts.role:
        reason = (
            f"registered by role {owned.username}, whose jobs role {facts.role} cannot"
            " see: scheduling it again could run it twice"
        )
        return Change(action=FOREIGN, name=job.name, job=job, reasons=(reason,))
    if not rows:
        reason = "was unscheduled by somebody" if owned else "is not there"
        return Change(action=SCHEDULE, name=job.name, job=job, reasons=(reason,))
    mine = next((row for row in rows if owned and row.jobid == owned.jobid), None)
    if mine is None:
        row = rows[0]
        reason = (
            f"job {row.jobid} of role {row.username} has this name and is not in the"
            f" registry: {row.schedule} {row.command}"
        )
        return Change(
            action=ADOPT if adopt else FOREIGN,
            name=job.name,
            job=job,
            installed=row,
            reasons=(reason,),
        )
    reasons = differences(job, mine, facts)
    return Change(
        action=ALTER if reasons else NONE,
        name=job.name,
        job=job,
        installed=mine,
        reasons=reasons,
    )


def differences(job: PgCronJob, row: InstalledJob, facts: CronFacts) -> tuple[str, ...]:
    """Say in what an installed job is not what is declared."""
    pairs = (
        ("schedule", row.schedule, job.schedule),
        ("command", row.command, job.command),
        ("database", row.database, facts.database),
        ("role", row.username, facts.role),
        ("active", str(row.active).lower(), "true"),
    )
    return tuple(
        f"{what} is {found!r}, declared {wanted!r}"
        for what, found, wanted in pairs
        if found != wanted
    )


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
    try:
        with conn.transaction():
            conn.execute("select pg_advisory_xact_lock(%s, %s)", LOCK)
            for change in todo:
                _make(conn, change)
    except psycopg.errors.InsufficientPrivilege as error:
        raise AuthError(
            f"role {conn.info.user} may not change jobs: {error.diag.message_primary};"
            " nothing was changed",
            remedy=f"as superuser: grant usage on schema cron to {conn.info.user};",
        ) from error
    except psycopg.Error as error:
        raise DeployError(
            f"pg_cron refused a job: {error.diag.message_primary or error}; nothing was"
            " changed",
            remedy="correct it in infra/catalog/pg_crons.py, then deploy again",
            evidence={"sqlstate": error.sqlstate},
        ) from error
    return todo


def _taken(foreign: Sequence[Change]) -> DeployError:
    """Say which names are somebody else's."""
    lines = "\n".join(f"  {item.name}: {'; '.join(item.reasons)}" for item in foreign)
    found = foreign[0].installed
    return DeployError(
        f"{len(foreign)} of the declared job names are taken by jobs that are not"
        f" ours; nothing was changed\n{lines}",
        remedy=f"if that job may go: select cron.unschedule({found.jobid});"
        if found
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
