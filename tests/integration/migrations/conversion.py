"""Runs phases of the conversion on a test's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.migrations.session import migrating, reset
from deploy.partitioning.commands import Choice
from deploy.partitioning.phases import PHASES

ALL = ("prepare", "copy", "verify", "swap")


@contextmanager
def session(url: str) -> Iterator[Any]:
    """The session of a run."""
    with migrating(url, lambda _: None, lock_wait_s=10) as conn:
        reset(conn)
        yield conn


def convert(url: str, *phases: str, partitions: int = 4) -> list[Result]:
    """Run phases, each in a session of its own; give all results."""
    results: list[Result] = []
    for phase in phases or ALL:
        choice = Choice(phase=phase, partitions=partitions, load=100, anyway=True)
        run = Deployment(stack="local", progress=lambda _: None)
        with session(url) as conn:
            results += PHASES[phase](conn, run, choice)
    return results
