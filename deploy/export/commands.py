"""The task ``db.export``: look, read, publish."""

from collections.abc import Iterator

from deploy import console, run
from deploy.checklist import Report, Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.export import forget_steps, steps
from deploy.export.catalog import TABLES
from deploy.export.choices import Choices, user
from deploy.export.session import Session
from deploy.export.source import locked, url

TASK = "db.export"


def export(
    stack: str, choices: Choices, out: Output, *, dry_run: bool, yes: bool
) -> int:
    """Bring an export up to date with the database; give the exit code."""
    with run.ending(TASK, stack, as_json=out.as_json, debug=out.debug):
        choices.check()
        check_stack(stack)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
        if choices.forget:
            run.confirm(deployment, yes=yes, task=TASK, doing="forget a user for good")
        elif choices.is_private:
            console.tell_lines(_leaving(choices))
            doing = "let that leave its database"
            run.confirm(deployment, yes=yes, task=TASK, doing=doing)
        report = _exported(deployment, choices, progress)
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _exported(
    deployment: Deployment, choices: Choices, progress: console.Progress
) -> Report:
    """Run the export, alone if it is one that writes."""
    place = url(deployment, from_replica=choices.from_replica)

    def checklist() -> Report:
        session = Session(deployment, choices)
        try:
            return run.checklist(
                TASK,
                deployment,
                _steps(session, place, choices, dry_run=deployment.dry_run),
                progress,
                judge=run.plain_judge,
            )
        finally:
            if not deployment.dry_run:
                session.place.clear()

    if deployment.dry_run and not choices.forget:  # this one needs a scratch folder
        return checklist()
    with locked(deployment, place):
        return checklist()


def _steps(
    session: Session, place: str, choices: Choices, *, dry_run: bool
) -> list[Step[Deployment]]:
    """Make the steps of an export."""
    if choices.forget:
        return [forget_steps.forgetting(session, place, user(choices.forget))]
    if dry_run:
        return [steps.looking(session, place)]
    return [steps.reading(session, place), steps.publishing(session)]


def _leaving(choices: Choices) -> Iterator[str]:
    """Say what of users leaves the database with these options."""
    yield f"What would leave the database for {choices.to}:"
    for table in choices.chosen():
        private = [each.name for each in table.columns if each.private]
        if choices.include_text and private:
            yield f"  {table.name}: {', '.join(private)}"
    if choices.all_columns:
        yield "  every column that the app added to these tables"
    if choices.real_ids:
        yield "  the real ids of users and profiles"
    names = ", ".join(table.name for table in TABLES if table.keeps)
    yield f"  ({names} has neither text nor users)"
