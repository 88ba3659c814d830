"""When a step fails on the local stack: which part ended while it ran."""

from collections.abc import Iterator
from dataclasses import replace

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.errors import DeployError


def watched(step: Step[Deployment]) -> Step[Deployment]:
    """Make a step that names the parts that do not run when it has failed.

    What fails then is a connection or an answer that does not come, and says so;
    this says why, and that a deploy starts the part again.
    """

    def run(deployment: Deployment) -> Iterator[Result]:
        failed = False
        try:
            for result in step.run(deployment):
                failed = failed or result.status is Status.FAIL
                yield result
        except DeployError:
            yield from dead_parts(step.id, deployment)
            raise
        if failed:
            yield from dead_parts(step.id, deployment)

    return replace(step, run=run)


def dead_parts(step_id: str, deployment: Deployment) -> Iterator[Result]:
    """Yield a warning for the parts that a stack has and that do not run."""
    from deploy.local import stack

    if not deployment.is_local or deployment.local_stack() is None:
        return
    dead = [part for part in stack.status(deployment.state) if part.is_down]
    if not dead:
        return
    names = ", ".join(part.name for part in dead)
    yield Result(
        id=f"{step_id}.local-stack",
        title=f"of the local stack {names} does not run; a deploy starts what is down",
        status=Status.WARN,
        evidence={part.name: f"{part.detail}; log: {part.log}" for part in dead},
        remedy="./bootstrap deploy",
    )
