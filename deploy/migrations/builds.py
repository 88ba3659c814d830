"""Concurrent index builds: a clear way before, a used index after."""

from collections.abc import Callable

import psycopg

from deploy.errors import DeployError
from deploy.migrations import indexes
from deploy.migrations.failures import AGAIN
from deploy.migrations.history import Connection
from deploy.migrations.statements import IndexBuild

Progress = Callable[[str], None]


def clear_way(conn: Connection, build: IndexBuild, progress: Progress) -> None:
    """Drop an INVALID index that stands where a build would find it and do nothing.

    Raises:
        DeployError: Somebody is building it at this moment.
    """
    index = indexes.find(conn, build)
    if index is None:
        return
    if index.builder_pid is not None:
        raise DeployError(
            f"index {index.schema}.{index.name} is being built by backend"
            f" {index.builder_pid} at this moment; it was left alone, wait for it",
            remedy=AGAIN,
        )
    if index.is_valid:
        progress(f"index {index.name} exists, kept as it is: {index.definition}")
        return
    progress(f"index {index.name} is INVALID, left by a failed build: dropping it")
    indexes.drop(conn, index)


def drop_leftover(conn: Connection, build: IndexBuild, progress: Progress) -> None:
    """Drop what a failed build left: each write would go on to maintain it.

    The build's own error matters more than one of this: it is only reported.
    """
    try:
        index = indexes.find(conn, build)
        if index and not index.is_valid and index.builder_pid is None:
            progress(f"dropping the INVALID index {index.name} that the build left")
            indexes.drop(conn, index)
    except psycopg.Error as error:
        progress(f"index {build.name} stays INVALID until the next run: {error}")


def require_index(conn: Connection, build: IndexBuild) -> None:
    """Make sure that a built index stands and is used.

    Raises:
        DeployError: It is not there or INVALID although its statement succeeded.
    """
    if build.name is None:
        return
    index = indexes.find(conn, build)
    if index is None or not index.is_valid:
        state = "does not exist" if index is None else "is INVALID"
        raise DeployError(
            f"index {build.name} {state} although its CREATE INDEX succeeded",
            remedy=AGAIN,
        )
