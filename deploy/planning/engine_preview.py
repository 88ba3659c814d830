"""Where the Pulumi CLI is, its preview says more: it knows the state.

The only place of the plan that knows of the engine. `deploy.engine` is asked if
this package has it and the CLI is on the path.
"""

import importlib
import importlib.util
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.deployment import Deployment
from deploy.errors import DeployError

CLI = "pulumi"
MODULE = "deploy.engine.previewing"
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
    """Ask the engine what it would do, where there is one; change nothing.

    `MODULE` offers ``preview(deployment)`` for it, whose ``changes`` each give a
    ``line()`` without secrets. An engine that cannot answer, since nobody is logged in
    for instance, leaves the plan as it is.
    """
    if deployment.is_local or shutil.which(CLI) is None or not _is_there():
        return Preview()
    engine = importlib.import_module(MODULE)
    try:
        found = engine.preview(deployment)
    except DeployError as error:
        return Preview(problem=str(error))
    return Preview(
        lines=tuple(each.line() for each in found.changes),
        source="the program's declarations, and the engine's preview of the state",
        asked=True,
    )


def _is_there() -> bool:
    """Whether this package can drive the engine."""
    package = MODULE.rpartition(".")[0]
    return (
        importlib.util.find_spec(package) is not None
        and importlib.util.find_spec(MODULE) is not None
    )
