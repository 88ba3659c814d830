"""The infrastructure in numbers: how fast it is planned and made, and what is proved.

Everything is made in temporary folders and on an emulator of the suite's own: neither a
running local stack nor an account is touched.
"""

from collections.abc import Callable, Iterator
from importlib import import_module

from deploy.bench import Figure

GROUPS = ("programs", "stacks", "seeded", "matrix")
"""Modules of this folder with ``measure(progress)``; each makes what it needs and
deletes it, so that one can be run alone."""


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of all groups."""
    for name in GROUPS:
        yield from import_module(f"{__name__}.{name}").measure(progress)
