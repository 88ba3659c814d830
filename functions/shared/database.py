"""One connection to PostgreSQL for each Lambda environment, made at the first use.

An environment serves one request at a time, so it needs one connection and no pool: a
pool's worker threads would freeze with the environment. ``asgi.py`` has a pool behind
the same `Database`.
"""

import logging
import select
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import psycopg

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[tuple[object, ...]]
Result = TypeVar("Result")

CONNECT_TIMEOUT_S = 5
UNACKNOWLEDGED_MS = 5_000
"""How long sent data may stay unacknowledged before the kernel gives the connection
up; without it a peer that vanished during a freeze hangs the request for minutes."""


class Database(Protocol):
    """Runs work on a connection in autocommit mode."""

    def run(self, work: Callable[[Connection], Result], *, repeatable: bool) -> Result:
        """Run ``work`` on a live connection.

        Args:
            work: Called with the connection; called again only if ``repeatable``.
            repeatable: Whether the work may run twice. When a connection dies
                while a statement runs, nobody can tell whether it was committed, so
                only work whose second run finds the effect of the first may say
                true: reads, deletes, and an insert deduplicated by a key of the
                caller's (chat_send: ``(chat_id, client_msg_id)``).

        Raises:
            psycopg.OperationalError: The database cannot be reached, or the
                connection died and the work may not be repeated.
        """


def options(application_name: str) -> dict[str, Any]:
    """Give the options of a connection that works through a transaction pooler.

    Nothing is set on the session and nothing prepared: behind PgBouncer or Supavisor
    the next statement may run on another server connection.
    """
    return {
        "autocommit": True,
        "prepare_threshold": None,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 30,
        "tcp_user_timeout": UNACKNOWLEDGED_MS,
        "application_name": application_name,
    }


class SingleConnection:
    """A `Database` with one connection, replaced when it is found dead.

    Args:
        url: libpq connection URI.
        application_name: Shown in ``pg_stat_activity``.
        connect_timeout_s: How long it may take to connect, in seconds; at least 2.
    """

    def __init__(
        self,
        url: str,
        application_name: str,
        *,
        connect_timeout_s: int = CONNECT_TIMEOUT_S,
    ) -> None:
        self._url = url
        self._connect_timeout_s = connect_timeout_s
        self._application_name = application_name
        self._connection: Connection | None = None
        # Lambda never contends for it; a test or a tool with threads would otherwise
        # interleave two requests on one connection.
        self._lock = threading.Lock()

    def run(self, work: Callable[[Connection], Result], *, repeatable: bool) -> Result:
        """Run ``work``; see `Database.run`."""
        with self._lock:
            connection = self._live()
            try:
                return work(connection)
            except psycopg.OperationalError:
                # A living connection reported an error of the statement itself, e.g.
                # a statement timeout: a repetition would meet it again.
                if not (connection.broken and repeatable):
                    raise
            logger.warning("connection lost during a statement; repeating it once")
            return work(self._live())

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _live(self) -> Connection:
        """Give the connection, or another one where it is seen to be dead."""
        if self._connection is not None and not is_alive(self._connection):
            self.close()
        if self._connection is None:
            given = options(self._application_name)
            given["connect_timeout"] = self._connect_timeout_s
            self._connection = psycopg.connect(self._url, **given)
        return self._connection


def is_alive(connection: psycopg.BaseConnection[Any]) -> bool:
    """Tell whether an idle connection still looks usable, without a round trip.

    An environment is frozen between requests, often long enough for the pooler to
    hang up. The end of the stream is then waiting to be read. Nothing else is ever
    sent to an idle connection without LISTEN, except the notice of a shutdown, so
    that anything readable means that the connection is dead or dying.
    """
    if connection.closed:
        return False
    # Not `select.select`, which knows no descriptor from 1,024 up: a server that holds
    # a thousand clients has them.
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
