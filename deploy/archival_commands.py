"""The tasks of archival: ``db.archive``, ``db.reclaim``, ``db.restore`` and others."""

from deploy import console, run
from deploy.archival import values
from deploy.checklist import Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.options import number


def archive(
    stack: str, months: str, keep: str, out: Output, *, dry_run: bool, yes: bool
) -> int:
    """Move the watermarks of inactive conversations; give the exit code."""
    task = "db.archive"
    with run.ending(task, stack, as_json=out.as_json, debug=out.debug):
        from deploy.archival.marking import archiving, command

        span = number("--months", months, values.MONTHS, task)
        newest = number("--keep", keep, values.KEEP, task)
        deployment, progress = _deployment(stack, dry_run=dry_run)
        run.confirm(
            deployment,
            yes=yes,
            task=command(span, newest),
            doing="archive its old messages",
        )
        step = archiving(span, newest)
        return _run(task, deployment, step, progress, out)


def stats(stack: str, out: Output) -> int:
    """Show what is archived; give the exit code."""
    task = "db.archival-stats"
    with run.ending(task, stack, as_json=out.as_json, debug=out.debug):
        from deploy.archival.marking import showing

        deployment, progress = _deployment(stack, dry_run=False)
        return _run(task, deployment, showing(), progress, out)


def reclaim(stack: str, out: Output, *, dry_run: bool, yes: bool) -> int:
    """Move archived messages out of the hot table; give the exit code."""
    task = "db.reclaim"
    with run.ending(task, stack, as_json=out.as_json, debug=out.debug):
        from deploy.archival.moving import moving

        deployment, progress = _deployment(stack, dry_run=dry_run)
        run.confirm(deployment, yes=yes, task=task, doing="move its archived messages")
        return _run(task, deployment, moving(), progress, out)


def restore(
    stack: str, conversation: str, out: Output, *, hold: bool, dry_run: bool, yes: bool
) -> int:
    """Undo the archival of one conversation; give the exit code."""
    task = "db.restore"
    with run.ending(task, stack, as_json=out.as_json, debug=out.debug):
        from deploy.archival.restoring import restoring

        chosen = values.conversation(conversation)
        deployment, progress = _deployment(stack, dry_run=dry_run)
        run.confirm(
            deployment,
            yes=yes,
            task=f"{task} --conversation {chosen}",
            doing="restore one of its conversations",
        )
        step = restoring(chosen, hold=hold)
        return _run(task, deployment, step, progress, out)


def hard_delete(
    stack: str, months: str, rows: str, out: Output, *, dry_run: bool, yes: bool
) -> int:
    """Delete for good what has long been in the archive; give the exit code."""
    task = "db.hard-delete"
    with run.ending(task, stack, as_json=out.as_json, debug=out.debug):
        from deploy.archival.deleting import confirm, deleting, foretell

        span = number("--months", months, values.HARD_DELETE_MONTHS, task)
        agreed = number("--rows", rows, values.ROWS, task) if rows else None
        deployment, progress = _deployment(stack, dry_run=dry_run)
        found = foretell(deployment, span)
        confirm(deployment, found, yes=yes, rows=agreed)
        step = deleting(span, found)
        return _run(task, deployment, step, progress, out)


def _deployment(stack: str, *, dry_run: bool) -> tuple[Deployment, console.Progress]:
    """Give what the steps act on."""
    check_stack(stack)
    progress = console.Progress()
    return Deployment(stack=stack, progress=progress.say, dry_run=dry_run), progress


def _run(
    task: str,
    deployment: Deployment,
    step: Step[Deployment],
    progress: console.Progress,
    out: Output,
) -> int:
    """Run one step and show its report."""
    report = run.checklist(task, deployment, [step], progress, judge=run.plain_judge)
    console.show(report, as_json=out.as_json, evidence=out.evidence)
    return int(report.exit_code)
