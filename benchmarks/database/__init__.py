"""The database at two million messages, beside what the plan's own SQL does there.

The data is made once, in a server of the suite's own; each group works on a copy.
"""

from collections.abc import Callable, Iterator
from importlib import import_module

from benchmarks.database import dataset
from deploy.bench import Figure

GROUPS: tuple[str, ...] = (
    "forecasting",
    "hot_paths",
    "reading",
    "exporting",
    "archiving",
    "reclaiming",
    "logs",
    "conversion",
)
"""Modules of this folder with ``measure(progress, data)``, in the order in which they
run; each takes a copy of the data, so that one can be run alone."""


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of all groups."""
    with dataset.filled(progress) as data:
        for name in GROUPS:
            yield from import_module(f"{__name__}.{name}").measure(progress, data)
