"""The statements that take a change of a job back, to be pasted into psql."""

from psycopg import sql

from deploy.crons.compare import ADOPT, Change
from deploy.crons.state import InstalledJob


def undo(change: Change, role: str, database: str) -> str:
    """Give the statements that bring back what there was.

    Args:
        change: A change that was made, or would be.
        role: The role that runs our jobs.
        database: The database in which they run.
    """
    name = _literal(change.name)
    before = change.installed
    if before is None:
        return f"select cron.unschedule({name});"
    again = _schedule(before, role, database)
    if change.action != ADOPT:
        return again
    # Without this the next deploy would take our own job for altered.
    forget = f"delete from kiloscale.cron_registry where jobname = {name};"  # noqa: S608 - quoted
    return f"{again} {forget}"


def _schedule(job: InstalledJob, role: str, database: str) -> str:
    """Write a job as it was installed."""
    parts = [_literal(text) for text in (job.name, job.schedule, job.command)]
    if job.active and (job.username, job.database) == (role, database):
        return f"select cron.schedule({', '.join(parts)});"
    # cron.schedule over a job of that name would change neither of these.
    parts.append(_literal(job.database))
    if job.username != role:  # only a superuser may name a role, be it its own
        parts.append(f"username := {_literal(job.username)}")
    parts.append(f"active := {str(job.active).lower()}")
    return (
        f"select cron.unschedule({parts[0]});"
        f" select cron.schedule_in_database({', '.join(parts)});"
    )


def _literal(text: str) -> str:
    """Quote a text as SQL does."""
    return sql.Literal(text).as_string(None)
