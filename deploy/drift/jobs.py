"""The pg_cron jobs: what is scheduled against what is declared."""

from collections.abc import Iterator

from deploy.checklist import Result
from deploy.crons.compare import FOREIGN, NONE, Change
from deploy.deployment import Deployment
from deploy.drift.findings import Difference, differs, looked_at, skipped
from deploy.errors import UsageError
from infra.catalog.pg_crons import PG_CRON_JOBS

PART = "crons"


def look(deployment: Deployment) -> Iterator[Result]:
    """Compare ``cron.job`` and the registry with the declared jobs."""
    from deploy.crons.sync import diff
    from deploy.database import connect

    try:
        url = deployment.database_url()
    except UsageError as error:
        yield from skipped(PART, str(error), error.remedy)
        return
    if not deployment.has_database():
        yield from skipped(PART, "PostgreSQL does not run", "./bootstrap local.start")
        return
    with connect(url) as connection:
        changes = diff(connection, PG_CRON_JOBS)
    wrong = [change for change in changes if change.action != NONE]
    for change in wrong:
        yield differs(
            PART,
            change.name,
            f"job {change.name}",
            _differences(change),
            _remedy(change),
        )
    yield looked_at(PART, f"{len(changes)} jobs", len(wrong))


def _differences(change: Change) -> list[Difference]:
    """Say in what a job differs: by attribute where both are there."""
    job, row = change.job, change.installed
    if job and row and change.action != FOREIGN:
        pairs = (
            ("schedule", job.schedule, row.schedule),
            ("command", job.command, row.command),
            ("active", True, row.active),
        )
        found = [
            Difference(name=name, declared=declared, found=now)
            for name, declared, now in pairs
            if declared != now
        ]
        if found:
            return found
    declared = job.schedule if job else None
    reason = "; ".join(change.reasons)
    return [Difference(name="job", declared=declared, found=reason)]


def _remedy(change: Change) -> str:
    """Give the command that sets a job right."""
    if change.action == FOREIGN:
        return f"./bootstrap crons.adopt --job {change.name}"
    return "./bootstrap deploy --only crons"
