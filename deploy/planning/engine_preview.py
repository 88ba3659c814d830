"""Where the Pulumi CLI is, its preview says more: it knows the state.

The only place of the plan that knows of the engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.deployment import Deployment
from deploy.errors import DeployError

DECLARATIONS = "the program's own declarations; no state was read"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What the engine would do, or why it was not asked.

    Attributes:
        lines: A line for each step, e.g. ``update lambda.Function chat-send``; empty
            if nothing would be done or nobody was asked.
        source: Where the plan comes from, in words.
        asked: Whether the engine answered.
        problem: Why it did not, if it was asked.
    """

    lines: Sequence[str] = ()
    source: str = DECLARATIONS
    asked: bool = False
    problem: str | None = None


def preview_with_engine(deployment: Deployment) -> Preview:
    """Ask the engine what it would do, where its CLI is; change nothing.

    An engine that cannot answer, since nobody is logged in for instance, leaves the
    plan as it is.
    """
    from deploy.engine import cli

    if deployment.is_local or cli.where() is None:
        return Preview()
    from deploy.engine import previewing

    try:
        found = previewing.preview(deployment)
    except DeployError as error:
        return Preview(problem=str(error))
    return Preview(
        lines=tuple(each.line() for each in found.changes),
        source="the program's declarations, and the engine's preview of the state",
        asked=True,
    )
