"""Where the export reads: one moment, read only, no row hidden by a policy."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.advisory import Lock, application_name, take
from deploy.database import connect, explained
from deploy.deployment import Deployment
from deploy.errors import UsageError

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

REPLICA_VARIABLE = "DATABASE_REPLICA_URL"
"""The same name as in the functions' environment."""

EXPORT = Lock(number=7, verb="export", doing="exporting from")

# Off means that a policy which would hide rows is an error instead: an export that
# misses rows without a word would be worse than none. The zone decides about months.
SETTINGS = (
    "set transaction isolation level repeatable read, read only",
    "set local row_security = off",
    "set local timezone = 'UTC'",
    "set local datestyle = 'ISO'",
    "set local statement_timeout = 0",
    "set local idle_in_transaction_session_timeout = 0",
    "set local search_path = ''",
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A database in a transaction that sees one moment.

    Attributes:
        connection: Its rows may be copied as long as the block lasts.
        behind_s: How far a replica is behind its primary, in seconds; ``None`` for a
            primary.
    """

    connection: "psycopg.Connection[TupleRow]"
    behind_s: float | None


def url(deployment: Deployment, *, from_replica: bool) -> str:
    """Give the URL of the database to read.

    Raises:
        UsageError: No replica is named, or the stack's database is unknown.
    """
    if not from_replica:
        return deployment.database_url()
    found = os.environ.get(REPLICA_VARIABLE, "")
    if not found:
        raise UsageError(
            f"--from-replica: {REPLICA_VARIABLE} is not set; nothing was exported",
            remedy=f"export {REPLICA_VARIABLE}=postgresql://..., or leave"
            " --from-replica out",
        )
    return found


@contextmanager
def locked(deployment: Deployment, place: str) -> Iterator[None]:
    """Let nobody else export from the database meanwhile.

    Raises:
        LockedError: Somebody else does; names them.
    """
    with connect(place, application_name=application_name(EXPORT.verb)) as connection:
        take(connection, EXPORT, place, deployment.progress)
        yield


@contextmanager
def snapshot(place: str) -> Iterator[Source]:
    """Open a transaction that sees one moment of the database.

    Args:
        place: Connection URL.

    Raises:
        AuthError: The role may not read a table, or a policy would hide rows from it.
        DeployError: The connection was lost, or a replica had to end the reading.
    """
    name = application_name(EXPORT.verb)
    with (
        connect(place, autocommit=False, application_name=name) as connection,
        explained(connection, "exporting its tables"),
    ):
        for setting in SETTINGS:
            connection.execute(setting)
        row = connection.execute(
            "select pg_is_in_recovery(), extract(epoch from"
            " clock_timestamp() - pg_last_xact_replay_timestamp())::float8"
        ).fetchone()
        standby, behind = row or (False, None)
        yield Source(connection=connection, behind_s=behind if standby else None)
