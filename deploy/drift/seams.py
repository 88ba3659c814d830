"""Parts whose looking is another package's."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from deploy.checklist import Result, Status

DIFFERS = (Status.WARN, Status.FAIL)


def counted(found: Iterable[Result]) -> Iterator[Result]:
    """Yield what another package finds, counted in one way whoever looked."""
    for result in found:
        is_drift = result.status in DIFFERS
        status = Status.WARN if is_drift else result.status
        yield replace(result, status=status, planned=is_drift)
