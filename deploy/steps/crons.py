"""Schedule the declared pg_cron jobs and verify them.

On a cloud stack the resources of `infra.components.pg_cron_job` hold the same jobs.
Both compare by the same code and go by the registry, so who comes second has nothing to
do.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.steps.watching import watched
from infra.catalog.pg_crons import PG_CRON_JOBS, PgCronJob

if TYPE_CHECKING:
    from deploy.crons.compare import Change

HAS_REGISTRY = "select to_regclass('kiloscale.cron_registry') is not null"


def run(deployment: Deployment) -> Iterator[Result]:
    """Bring ``cron.job`` to what is declared, then verify each job."""
    yield from schedule(deployment)
    if not deployment.dry_run:
        yield from verify(deployment)


def schedule(deployment: Deployment) -> Iterator[Result]:
    """Schedule, alter or unschedule what differs; a foreign job is never touched."""
    from deploy.crons.sync import apply, diff
    from deploy.crons.undo import undo
    from deploy.database import connect

    if deployment.dry_run and not deployment.has_database():
        yield _would_schedule_all()
        return
    with connect(deployment.database_url()) as connection:
        registry = connection.execute(HAS_REGISTRY).fetchone()
        if deployment.dry_run and not (registry and registry[0]):
            yield _would_schedule_all()
            return
        changes = diff(connection, PG_CRON_JOBS)
        todo = [change for change in changes if change.action != "none"]
        role, database = connection.info.user, connection.info.dbname
        if not deployment.dry_run:
            apply(connection, changes)
    foreign = [change.name for change in todo if change.action == "foreign"]
    yield Result(
        id="crons.schedule",
        title=_told(todo, dry_run=deployment.dry_run),
        # `apply` refuses a foreign job; a dry run only shows it.
        status=Status.FAIL if foreign else Status.PASS,
        evidence={
            "changes": [
                {
                    "action": change.action,
                    "job": change.name,
                    "why": list(change.reasons),
                    "undo": undo(change, role, database),
                }
                for change in todo
            ]
        },
        changed=bool(todo) and not deployment.dry_run,
        planned=bool(todo) and deployment.dry_run,
    )


def _would_schedule_all() -> Result:
    """Say what a deploy would do on a database without our schema."""
    return Result(
        id="crons.schedule",
        title=f"would schedule all {len(PG_CRON_JOBS)} once the migrations are there",
        status=Status.PASS,
        evidence={"jobs": [job.name for job in PG_CRON_JOBS]},
        planned=True,
    )


def _told(todo: Sequence["Change"], *, dry_run: bool) -> str:
    """Say what is changed, by action."""
    if not todo:
        return f"all {len(PG_CRON_JOBS)} are scheduled as declared"
    by_action: dict[str, list[str]] = {}
    for change in todo:
        by_action.setdefault(change.action, []).append(change.name)
    told = "; ".join(f"{verb} {', '.join(names)}" for verb, names in by_action.items())
    return f"{'would ' if dry_run else ''}{told}"


def verify(deployment: Deployment) -> Iterator[Result]:
    """Verify each declared job: it exists, runs and has its effect."""
    from deploy.crons import partitions
    from deploy.crons.verify import verify as verify_jobs
    from deploy.database import connect

    with connect(deployment.database_url()) as connection:
        yield from verify_jobs(connection, PG_CRON_JOBS, datetime.now(UTC))
        yield partitions.look(connection)


def running(jobs: Sequence[PgCronJob]) -> Step[Deployment]:
    """Make the step that runs the declared commands of jobs at once."""

    def body(deployment: Deployment) -> Iterator[Result]:
        from deploy.crons.run import run_job

        for job in jobs:
            if deployment.dry_run:
                yield _would_run(deployment, job)
                continue
            deployment.progress(f"running {job.command}")
            done = run_job(deployment.database_url(), job)
            yield Result(
                id=f"crons.{job.name}",
                title=f"{job.command}: {done.rows} rows in {done.batches} batches"
                if done.error is None
                else f"{job.command} failed: {done.error}",
                status=Status.PASS if done.error is None else Status.FAIL,
                evidence=done.evidence(),
                changed=True,
            )

    return Step(id="crons", title="run jobs at once", run=body, verifies=True)


def _would_run(deployment: Deployment, job: PgCronJob) -> Result:
    """Say what a run would do now, by the job's own probe."""
    from deploy.crons.verify import probe
    from deploy.database import connect

    with connect(deployment.database_url()) as connection:
        found, problem = probe(connection, job)
    told = ", ".join(f"{name} {value}" for name, value in found.items())
    return Result(
        id=f"crons.{job.name}",
        title=f"{job.command}: its dry run failed: {problem}"
        if problem
        else f"would run {job.command}: {told}",
        status=Status.FAIL if problem else Status.PASS,
        evidence={"probe": job.dry_run, "found": dict(found)},
        remedy="./bootstrap deploy --only migrations" if problem else None,
        planned=problem is None,
    )


VERIFY = watched(
    Step(id="crons", title="verify the pg_cron jobs", run=verify, verifies=True)
)

STEP = watched(
    Step(
        id="crons", title="schedule and verify the pg_cron jobs", run=run, verifies=True
    )
)
