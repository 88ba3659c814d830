"""Apply the migrations that the database lacks."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.paths import REPOSITORY
from deploy.steps.backup import look
from deploy.steps.watching import watched

if TYPE_CHECKING:
    from deploy.migrations import Plan

FOLDER = REPOSITORY / "migrations"


def run(deployment: Deployment) -> Iterator[Result]:
    """Look at the history, apply what is pending, look again."""
    from deploy import migrations
    from deploy.database import connect

    found = migrations.discover(FOLDER)
    yield Result(
        id="migrations.files",
        title=f"{len(found)} files parse, versions unique, headers complete",
        status=Status.PASS,
        evidence={"files": [migration.path.name for migration in found]},
    )
    if deployment.dry_run and not deployment.has_database():
        yield _pending([migration.path.name for migration in found], planned=True)
        return
    with connect(deployment.database_url()) as connection:
        plan = migrations.plan(connection, found)
        if plan.pending and not (deployment.is_local or deployment.looked_for_backup):
            # --only, --from and --resume may begin after the step that looks.
            yield replace(look(deployment, connection), id="migrations.backup")
    yield from _findings(plan)
    names = [migration.path.name for migration in plan.pending]
    if plan.problems or deployment.dry_run or not (names or plan.adopted):
        yield _pending(names, planned=bool(names))
        return
    url = deployment.database_url()
    files = {migration.version: migration for migration in found}
    for applied in migrations.apply(url, found, deployment.progress):
        yield Result(
            id=f"migrations.{applied.version}",
            title=f"{applied.name}: {applied.statements} statements",
            status=Status.PASS,
            evidence={
                "file": files[applied.version].path.name,
                "statements": applied.statements,
                "locks": files[applied.version].header.locks,
                "undo": files[applied.version].header.reversal,
            },
            changed=True,
            ms=applied.ms,
        )
    with connect(url) as connection:
        left = migrations.plan(connection, found).pending
    yield Result(
        id="migrations.history",
        title="all are recorded in supabase_migrations.schema_migrations"
        if not left
        else f"{len(left)} are still not recorded",
        status=Status.FAIL if left else Status.PASS,
        evidence={"pending": [migration.path.name for migration in left]},
    )


def _findings(plan: "Plan") -> Iterator[Result]:
    """Yield what a run would refuse, and what is unusual but stops nothing."""
    for number, problem in enumerate(plan.problems, 1):
        yield Result(
            id=f"migrations.problem-{number}",
            title=f"{problem}. Nothing was applied",
            status=Status.FAIL,
            # Each problem begins with the name of its file.
            remedy=f"git log -p -- migrations/{problem.split()[0].rstrip(':')}",
        )
    for number, note in enumerate(plan.notes, 1):
        yield Result(id=f"migrations.note-{number}", title=note, status=Status.WARN)


def _pending(names: list[str], *, planned: bool) -> Result:
    """Say what is pending and would be applied."""
    return Result(
        id="migrations.pending",
        title=f"would apply {len(names)}: {', '.join(names)}"
        if names
        else "nothing to apply",
        status=Status.PASS,
        evidence={"pending": names},
        planned=planned,
    )


STEP = watched(Step(id="migrations", title="apply pending migrations", run=run))
