"""Nothing is provisioned on a cloud stack before somebody has seen what would be."""

from collections.abc import Sequence
from pathlib import Path

from deploy import console, run
from deploy.checklist import Step
from deploy.deployment import Deployment
from deploy.engine.plans import accepted, refuse_others

INFRASTRUCTURE = "infrastructure"


def accept(
    deployment: Deployment,
    steps: Sequence[Step[Deployment]],
    progress: console.Progress,
    *,
    yes: bool,
    plan: Path | None = None,
) -> None:
    """Show the engine's preview, refuse losses, and ask for the stack's name.

    Args:
        deployment: The run; it keeps the preview, so that it is made once.
        steps: What the run is about to do.
        progress: Told while the engine looks.
        yes: Whether somebody has said yes already.
        plan: A plan file that somebody has accepted; it replaces the question, unless
            it was made without the engine, which would change something.

    Raises:
        UsageError: Nobody said yes, something would be lost that is not allowed, or the
            plan file is not what would happen.
    """
    if deployment.dry_run:
        return
    looked_at = accepted(deployment, plan) if plan else None
    is_accepted = looked_at is not None
    if deployment.is_local:
        return
    if any(step.id == INFRASTRUCTURE for step in steps):
        from deploy.engine.previewing import preview, refuse_losses

        progress.step_started("preview", "looking at what would change")
        try:
            deployment.preview = preview(deployment)
        finally:
            progress.close()
        console.tell_lines(deployment.preview.lines())
        refuse_losses(deployment, deployment.preview)
        if plan and looked_at:
            is_accepted = refuse_others(looked_at, deployment.preview, plan)
    run.confirm(deployment, yes=yes or is_accepted)
