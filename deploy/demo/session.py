"""A database session of a demo, and what may go wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from deploy import advisory
from deploy.advisory import Lock
from deploy.database import connect
from deploy.deployment import Deployment
from deploy.errors import DeployError, HalfDoneError
from deploy.local import stack

Connection = psycopg.Connection[tuple[object, ...]]

LOCK_WAIT_S = 5.0
"""A demo that was killed holds its lock until its last statement ends."""

LOCK = Lock(number=3, verb="demo", doing="filling or removing the demo of")


@contextmanager
def session(deployment: Deployment, *, alone: bool = False) -> Iterator[Connection]:
    """Open a session on the local stack, in autocommit mode.

    Args:
        deployment: The run.
        alone: Whether nobody else may fill or remove a demo until it is closed.

    Raises:
        DeployError: A part of the stack does not run, or there are no tables yet.
        HalfDoneError: The server went away, or its disk is full.
        LockedError: Another demo is at work on this database.
    """
    url = deployment.require_local().database_url
    down = [part.name for part in stack.status(deployment.state) if part.is_down]
    if down:
        raise DeployError(
            f"of the local stack {' and '.join(down)} do not run: nothing was changed",
            remedy="./bootstrap deploy",
        )
    name = advisory.application_name(LOCK.verb)
    with connect(url, application_name=name) as connection:
        _require_tables(connection)
        if alone:
            advisory.take(connection, LOCK, url, deployment.progress, LOCK_WAIT_S)
        try:
            yield connection
        except psycopg.OperationalError as error:
            raise HalfDoneError(
                f"the demo ended half-way: {str(error).splitlines()[0]}",
                remedy="./bootstrap deploy, then ./bootstrap demo: it begins afresh",
                evidence={"sqlstate": error.sqlstate},
            ) from error


def _require_tables(connection: Connection) -> None:
    """Refuse a database without the app's tables.

    Raises:
        DeployError: The migrations are not applied.
    """
    row = connection.execute("select to_regclass('kiloscale.messages_archive')")
    if row.fetchone() == (None,):
        raise DeployError(
            "the migrations are not applied to the local database: nothing was changed",
            remedy="./bootstrap deploy",
        )
