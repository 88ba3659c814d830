"""Images in numbers: bytes saved, speed beside sharp, memory, hostile files."""

from collections.abc import Callable, Iterator
from importlib import import_module

from deploy.bench import Figure

GROUPS = ("savings", "memory", "hostile", "sharp")
"""Modules of this folder with ``measure(progress)``; each makes what it needs and
deletes it, so that one can be run alone."""


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of all groups."""
    for name in GROUPS:
        yield from import_module(f"{__name__}.{name}").measure(progress)
