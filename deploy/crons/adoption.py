"""Take over a job of somebody else that has the name of a declared one."""

from collections.abc import Sequence

from deploy.checklist import Result, Status
from deploy.crons import sync
from deploy.crons.compare import ADOPT, ALTER, FOREIGN, SCHEDULE, Change
from deploy.crons.masking import masked
from deploy.crons.state import Connection, InstalledJob
from deploy.crons.undo import undo
from deploy.errors import DeployError
from infra.catalog.pg_crons import PgCronJob


def look(conn: Connection, jobs: Sequence[PgCronJob], name: str) -> Change:
    """Find out what taking over one job means; change nothing.

    Args:
        conn: Connection of the role that runs the jobs.
        jobs: All declared jobs.
        name: Name of one of them.

    Raises:
        DeployError: pg_cron or the registry is not in this database.
        AuthError: The role may not read ``cron.job``.
    """
    changes = sync.diff(conn, jobs, adopt=True)
    return next(change for change in changes if change.name == name)


def definitions(change: Change) -> list[str]:
    """Show what there is beside what it becomes, for a person to compare."""
    theirs, ours = change.installed, change.job
    lines = []
    if theirs:
        state = "" if theirs.active else ", not active"
        lines.append(
            f"there is: job {theirs.jobid} of role {theirs.username} in database"
            f" {theirs.database}{state}: {theirs.schedule} {masked(theirs.command)}"
        )
    if ours:
        lines.append(f"declared: {ours.schedule} {ours.command}")
    return lines


def adopt(
    conn: Connection, change: Change, *, shown: Change | None, dry_run: bool
) -> Result:
    """Take a job over, or say why there is nothing to take over.

    Args:
        conn: Connection of the role that runs the jobs.
        change: From `look`.
        shown: What somebody agreed to; ``None`` if nobody was asked.
        dry_run: Only say what would be done.

    Raises:
        AuthError: The job is another role's, who alone may end it.
        DeployError: The job is not the one that was shown, or pg_cron refuses.
    """
    if change.action != ADOPT:
        return _nothing(change)
    if shown and shown.installed != change.installed:
        raise DeployError(
            f"{change.name} was changed after it was shown; nothing was changed",
            remedy=f"./bootstrap crons.adopt --job {change.name}",
            evidence={"shown": definitions(shown), "found": definitions(change)},
        )
    if not dry_run:
        sync.apply(conn, [change])
    was, job = change.installed, change.job
    if was is None or job is None:
        raise TypeError(f"{change.name}: a job to adopt is installed and declared")
    return Result(
        id=f"crons.{change.name}",
        title=f"{'would take' if dry_run else 'took'} over job {was.jobid} of role"
        f" {was.username}: {was.schedule} {masked(was.command)} becomes"
        f" {job.schedule} {job.command}",
        status=Status.PASS,
        evidence={
            "before": _definition(was),
            "declared": {"schedule": job.schedule, "command": job.command},
            "undo": undo(change, conn.info.user, conn.info.dbname),
        },
        changed=not dry_run,
        planned=dry_run,
    )


def _definition(job: InstalledJob) -> dict[str, object]:
    """Give all that is needed to make a job again."""
    return {
        "jobid": job.jobid,
        "schedule": job.schedule,
        "command": job.command,
        "database": job.database,
        "role": job.username,
        "active": job.active,
    }


def _nothing(change: Change) -> Result:
    """Say why there is no job to take over, and what to do instead."""
    deploy = "./bootstrap deploy --only crons"
    status, title, remedy = {
        SCHEDULE: (Status.SKIPPED, "no job has this name: a deploy makes it", deploy),
        ALTER: (
            Status.SKIPPED,
            "is ours already, and differs: a deploy alters it",
            deploy,
        ),
        FOREIGN: (
            Status.FAIL,
            "; ".join(change.reasons),
            "deploy as the role that registered the job",
        ),
    }.get(change.action, (Status.PASS, "is ours already, as declared", None))
    return Result(
        id=f"crons.{change.name}",
        title=title,
        status=status,
        evidence={"action": change.action, "why": list(change.reasons)},
        remedy=remedy,
    )
