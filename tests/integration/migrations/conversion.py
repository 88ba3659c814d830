"""Runs phases of the conversion on a test's database.

As a program it goes on until the direction of ``DIRECTION`` is reached, whatever the
state is in which it finds ``DATABASE``: what a person does after an interruption.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.checklist import Result
from deploy.database import connect
from deploy.deployment import Deployment
from deploy.migrations import apply, discover
from deploy.migrations.session import migrating, reset
from deploy.partitioning import state
from deploy.partitioning.commands import Choice
from deploy.partitioning.phases import PHASES
from deploy.paths import REPOSITORY

ALL = ("prepare", "copy", "verify", "swap")


@contextmanager
def session(url: str) -> Iterator[Any]:
    """The session of a run."""
    with migrating(url, lambda _: None, lock_wait_s=30) as conn:
        reset(conn)
        yield conn


def convert(
    url: str, *phases: str, partitions: int = 4, anyway: bool = True, load: int = 100
) -> list[Result]:
    """Run phases, each in a session of its own; give all results."""
    results: list[Result] = []
    for phase in phases or ALL:
        choice = Choice(phase=phase, partitions=partitions, load=load, anyway=anyway)
        run = Deployment(stack="local", progress=lambda _: None)
        with session(url) as conn:
            results += PHASES[phase](conn, run, choice)
    return results


def partitioned_template(cluster: Any, name: str) -> str:
    """Make a database with all migrations, whose messages are partitioned for good."""
    with cluster.admin() as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE scratch_template OWNER postgres")
    apply(cluster.url(name), discover(REPOSITORY / "migrations"), lambda _: None)
    convert(cluster.url(name))
    convert(cluster.url(name), "finish")
    return name


def standing(url: str) -> str:
    """The phase in the database; empty for none."""
    with connect(url) as conn:
        found = state.read(conn)
    return found.phase if found else ""


def advance(url: str, direction: str) -> None:
    """Go on until the table is partitioned (forward), or as it was (back)."""
    goal = {"forward": "swapped", "back": ""}[direction]
    while (phase := standing(url)) != goal:
        following = state.NEXT[phase]
        if direction == "back":
            following = "back" if phase == "swapped" else "abort"
        convert(url, *(("back", "abort") if phase == "returned" else (following,)))


if __name__ == "__main__":
    advance(os.environ["DATABASE"], os.environ["DIRECTION"])
