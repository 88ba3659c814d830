"""A pool of connections behind the services' `Database`, for the ASGI server."""

import logging
from collections.abc import Callable

import psycopg
from psycopg_pool import ConnectionPool

from functions.shared.database import (
    CONNECT_TIMEOUT_S,
    Connection,
    Result,
    is_alive,
    options,
)

logger = logging.getLogger(__name__)

CONNECTIONS = 8
"""Measured, chat_send's kind of statement with 50 clients: 3,010 messages/s with a pool
of 8, 2,665 with one of 20."""


class PooledDatabase:
    """A `Database` for many threads.

    Args:
        url: libpq connection URI.
        timeout_s: How long to wait for a connection, in seconds.
    """

    def __init__(self, url: str, *, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            kwargs=options("asgi"),
            min_size=1,
            max_size=CONNECTIONS,
            timeout=timeout_s,
            check=_check,
            open=False,
        )

    def open(self) -> None:
        """Start connecting; requests wait for the first connection."""
        self._pool.open()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def run(self, work: Callable[[Connection], Result], *, repeatable: bool) -> Result:
        """Run ``work``; see `functions.shared.database.Database.run`."""
        with self._pool.connection() as connection:
            try:
                return work(connection)
            except psycopg.OperationalError:
                if not (connection.broken and repeatable):
                    raise
        logger.warning("connection lost during a statement; repeating it once")
        with self._pool.connection() as connection:
            return work(connection)


def _check(connection: Connection) -> None:
    """Refuse a connection that is seen to be dead, without a round trip."""
    if not is_alive(connection):
        raise psycopg.OperationalError("the connection was closed while it was idle")
