"""Nothing is provisioned on a cloud stack before somebody has seen what would be."""

from collections.abc import Sequence

from deploy import console, run
from deploy.checklist import Step
from deploy.deployment import Deployment

INFRASTRUCTURE = "infrastructure"


def accept(
    deployment: Deployment,
    steps: Sequence[Step[Deployment]],
    progress: console.Progress,
    *,
    yes: bool,
) -> None:
    """Show the engine's preview, refuse losses, and ask for the stack's name.

    Args:
        deployment: The run; it keeps the preview, so that it is made once.
        steps: What the run is about to do.
        progress: Told while the engine looks.
        yes: Whether somebody has said yes already.

    Raises:
        UsageError: Nobody said yes, or something would be lost that is not allowed.
    """
    if deployment.is_local or deployment.dry_run:
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
    run.confirm(deployment, yes=yes)
