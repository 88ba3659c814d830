"""One job at a time: for who holds each job apart, as a Pulumi stack does.

The checklist brings all jobs to what is declared in one go, this module one of them. It
compares, schedules and registers by the same code, so the two never undo each other's
work. Each function looks and acts in one transaction under the lock of both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.crons import state, sync
from deploy.crons.compare import ALTER, FOREIGN, NONE, Change, differences
from deploy.crons.masking import masked
from deploy.crons.presence import cron_facts
from deploy.crons.state import Connection, InstalledJob
from deploy.database import explained
from deploy.errors import AuthError, DeployError
from infra.catalog.pg_crons import PgCronJob


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A job of ours as it is in the database.

    Attributes:
        jobid: ``cron.job.jobid``.
        role: The role that runs it.
        schedule: When it is due.
        command: What it runs; what looks like a key in it is masked, since somebody
            may have put one there.
        drift: In what else it is not as it should be, one line each.
    """

    jobid: int
    role: str
    schedule: str
    command: str
    drift: tuple[str, ...] = ()


def look(conn: Connection, job: PgCronJob) -> Seen | None:
    """Find a job of ours; change nothing.

    Args:
        conn: Connection of the role that runs the jobs.
        job: Its declaration.

    Returns:
        ``None`` if it is gone, be it that somebody else's job has its name.

    Raises:
        AuthError: The role lacks a right, or another role registered the job.
        DeployError: pg_cron or the registry is not in this database.
    """
    with _locked(conn, job.name):
        change = _change(conn, job)
        if change.action == FOREIGN and change.installed is None:
            raise _invisible(job.name, "; ".join(change.reasons))
        if change.action not in (NONE, ALTER) or change.installed is None:
            return None
        return _seen(conn, change.installed)


def settle(conn: Connection, job: PgCronJob) -> Seen:
    """Bring one job to its declaration; a foreign job of its name is left alone.

    Doing it again changes nothing, so whoever lost the answer may ask again.

    Raises:
        AuthError: The role lacks a right, or the job is another role's to end.
        DeployError: A job of that name is foreign, or pg_cron refuses the job.
            Nothing was changed.
    """
    with _locked(conn, job.name):
        sync.apply(conn, [_change(conn, job)])
        installed = _change(conn, job).installed
        if installed is None:
            raise DeployError(
                f"{job.name} was scheduled and cannot be seen in cron.job; nothing was"
                " changed",
                remedy=f"as superuser: grant select on cron.job to {conn.info.user};",
            )
        return _seen(conn, installed)


def remove(conn: Connection, name: str) -> str | None:
    """Unschedule a job of ours and forget it; one that is not ours is left alone.

    Returns:
        Why there was nothing to unschedule; ``None`` if there was.

    Raises:
        AuthError: The role lacks a right, or another role registered the job.
        DeployError: It cannot be known whose the job is.
    """
    with _locked(conn, name):
        facts = cron_facts(conn)
        if facts.version is None:
            return (
                f"{name}: pg_cron is not in database {facts.database}, nor is the job"
            )
        rows = [row for row in state.installed_jobs(conn) if row.name == name]
        if not facts.has_registry:
            return _without_registry(name, rows)
        registered = {job.name: job for job in state.registered_jobs(conn)}
        if not rows and name in registered and registered[name].username != facts.role:
            role = registered[name].username
            why = f"registered by role {role}, whose jobs {facts.role} cannot see"
            raise _invisible(name, why)
        changes = [each for each in sync.diff(conn, []) if each.name == name]
        sync.apply(conn, changes)
    if any(change.installed for change in changes):
        return None
    if rows:
        return (
            f"{name}: job {rows[0].jobid} of that name is not ours and was left alone"
        )
    return f"{name} was gone already"


@contextmanager
def _locked(conn: Connection, name: str) -> Iterator[None]:
    """Keep others from changing jobs until the transaction ends."""
    with explained(conn, f"managing the pg_cron job {name}"), conn.transaction():
        conn.execute("select pg_advisory_xact_lock(%s, %s)", sync.LOCK)
        yield


def _change(conn: Connection, job: PgCronJob) -> Change:
    """Work out what one job needs, among all that are registered."""
    changes = sync.diff(conn, [job])
    return next(change for change in changes if change.name == job.name)


def _seen(conn: Connection, row: InstalledJob) -> Seen:
    """Describe an installed job."""
    facts = cron_facts(conn)
    as_it_is = PgCronJob(
        name=row.name,
        schedule=row.schedule,
        command=row.command,
        purpose="",
        dry_run="",
    )
    return Seen(
        jobid=row.jobid,
        role=row.username,
        schedule=row.schedule,
        command=masked(row.command),
        drift=differences(as_it_is, row, facts),
    )


def _invisible(name: str, why: str) -> AuthError:
    """Refuse to judge, or to change, what only another role sees."""
    return AuthError(
        f"{name}: {why}; nothing was changed",
        remedy="use the role that registered the job in the database URL",
    )


def _without_registry(name: str, rows: list[InstalledJob]) -> str:
    """Say that there is nothing to remove, or that nobody knows whose a job is."""
    if not rows:
        return f"{name} was gone already"
    raise DeployError(
        f"kiloscale.cron_registry does not exist: it is not known whether job"
        f" {rows[0].jobid} named {name} is ours; nothing was changed",
        remedy=f"if it is: select cron.unschedule({rows[0].jobid});",
    )
