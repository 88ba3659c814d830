"""Parts whose looking is another package's: they are asked if they are there."""

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.drift.findings import skipped

FUNCTION = "drift"
"""``drift(deployment)`` yields results; what differs is a warning or a failure."""

DIFFERS = (Status.WARN, Status.FAIL)


def others(
    deployment: Deployment,
    part: str,
    module: str,
    *,
    function: str = FUNCTION,
    otherwise: str,
    remedy: str | None = None,
) -> Iterator[Result]:
    """Yield what another package finds, or why nothing was looked at.

    Args:
        deployment: The stack.
        part: Name of the part.
        module: Who looks, e.g. ``deploy.engine.drift``.
        function: Its function, that takes the stack.
        otherwise: Why nothing is looked at without it.
        remedy: What to type then.
    """
    look = _function(module, function)
    if look is None:
        yield from skipped(part, otherwise, remedy)
        return
    for result in look(deployment):
        # Counted in one way, whoever looked.
        is_drift = result.status in DIFFERS
        status = Status.WARN if is_drift else result.status
        yield replace(result, status=status, planned=is_drift)


def _function(
    module: str, function: str
) -> Callable[[Deployment], Iterator[Result]] | None:
    """Find the function that looks; ``None`` if its package is not there."""
    is_there = False
    with suppress(ModuleNotFoundError):  # of a package above it
        is_there = importlib.util.find_spec(module) is not None
    if not is_there:
        return None
    found: Callable[[Deployment], Iterator[Result]] | None = getattr(
        importlib.import_module(module), function, None
    )
    return found
