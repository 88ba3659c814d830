"""The task ``demo``: fill, replay, show; or remove."""

from deploy import console, run
from deploy.checklist import Status
from deploy.commands import Output
from deploy.deployment import LOCAL, Deployment, check_stack
from deploy.errors import UsageError


def demo(
    stack: str,
    users: int,
    minutes: float,
    *,
    remove: bool,
    dry_run: bool,
    out: Output,
) -> int:
    """Fill the local database and replay traffic, or remove it; give the exit code."""
    with run.ending("demo", stack, as_json=out.as_json, debug=out.debug):
        from deploy.demo.steps import REMOVAL, demo_steps

        _refuse_cloud(stack)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
        steps = [REMOVAL] if remove else demo_steps(users, minutes)
        report = run.checklist(
            "demo", deployment, steps, progress, judge=run.plain_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        if report.status is not Status.FAIL and not out.as_json:
            console.say_lines([_next(remove=remove, dry_run=dry_run)])
        return int(report.exit_code)


def _refuse_cloud(stack: str) -> None:
    """Refuse every stack but the embedded one.

    Raises:
        UsageError: The stack is another one, or unknown.
    """
    check_stack(stack)
    if stack != LOCAL:
        raise UsageError(
            f"demo fills a database with invented users: it runs on {LOCAL} only,"
            f" not on {stack}; nothing was made",
            remedy="./bootstrap demo",
        )


def _next(*, remove: bool, dry_run: bool) -> str:
    """Say what to type after a demo."""
    if dry_run:
        return f"next: ./bootstrap demo{' --remove' if remove else ''}"
    if remove:
        return "next: ./bootstrap demo"
    return (
        "next: ./bootstrap crons.run --job archive-old-messages;"
        " ./bootstrap demo --remove takes it all away"
    )
