"""Declared jobs against installed ones: what each needs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.crons.masking import masked
from deploy.crons.presence import CronFacts
from deploy.crons.state import InstalledJob, RegisteredJob
from infra.catalog.pg_crons import PgCronJob

NONE = "none"
SCHEDULE = "schedule"
ALTER = "alter"
ADOPT = "adopt"
UNSCHEDULE = "unschedule"
FOREIGN = "foreign"


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
        # Role and name are unique together: ours to replace comes before another's.
        row = next((row for row in rows if row.username == facts.role), rows[0])
        reason = (
            f"job {row.jobid} of role {row.username} has this name and is not in the"
            f" registry: {row.schedule} {masked(row.command)}"
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
        f"{what} is {masked(found)!r}, declared {wanted!r}"
        for what, found, wanted in pairs
        if found != wanted
    )
