"""The one session that migrates: no pooler in between, no second run beside it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg.rows import TupleRow

from deploy import advisory
from deploy.database import connect, port_of, redact, require_writable
from deploy.errors import UsageError

Connection = psycopg.Connection[TupleRow]

TRANSACTION_POOLER_PORT = 6543
"""Supabase's pooler hands out a server for each transaction on this port, and for a
whole session on 5432 (Supabase docs, "Connect to your database")."""


@contextmanager
def migrating(
    url: str, progress: Callable[[str], None], *, lock_wait_s: float = 0.0
) -> Iterator[Connection]:
    """Open the session that migrates, and hold the lock that keeps others out.

    Args:
        url: Connection URI of a role that owns the app's tables.
        progress: Told of waits and of the database's notices.
        lock_wait_s: How long to wait for another run, in seconds.

    Raises:
        UsageError: A transaction pooler stands in between.
        LockedError: Another run holds the lock.
    """
    refuse_pooler_port(url)
    name = advisory.application_name(advisory.MIGRATE.verb)
    with connect(url, application_name=name) as conn:
        _refuse_pooler(conn, url)
        require_writable(conn, advisory.MIGRATE.doing)
        conn.add_notice_handler(lambda notice: _tell(notice, progress))
        advisory.take(conn, advisory.MIGRATE, url, progress, lock_wait_s)
        yield conn  # closing the session gives the lock back


def reset(conn: Connection) -> None:
    """Give a file a session without the settings of the file before it."""
    conn.execute("reset all")
    # Supabase stops a statement after 2 min; building an index may take longer.
    conn.execute("set statement_timeout = 0")
    conn.execute("set idle_in_transaction_session_timeout = 0")


def refuse_pooler_port(url: str) -> None:
    """Refuse the port of Supabase's transaction pooler, without connecting."""
    if port_of(url) == TRANSACTION_POOLER_PORT:
        raise _pooler_error(url, f"port {TRANSACTION_POOLER_PORT}")


def _refuse_pooler(conn: Connection, url: str) -> None:
    """Refuse a pooler that changes the server connection between transactions.

    The backend that a pooler announces is not the one that answers. Then a setting of
    this session tells a session pooler from a transaction pooler: while a second client
    keeps the server connection that we used last, ours must still be there.
    """
    if _backend(conn) == conn.info.backend_pid:
        return
    mark = secrets.token_hex(8)
    conn.execute("select set_config('kiloscale.session', %s, false)", [mark])
    with connect(url, autocommit=False) as second:
        second.execute("select 1")
        try:
            row = conn.execute("select current_setting('kiloscale.session', true)")
            kept = row.fetchone() == (mark,)
        except psycopg.OperationalError:  # a pool of one connection gives us none
            kept = False
        second.rollback()
    if not kept:
        raise _pooler_error(url, "its settings change between transactions")


def _backend(conn: Connection) -> int:
    row = conn.execute("select pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0


def _pooler_error(url: str, sign: str) -> UsageError:
    return UsageError(
        f"{redact(url)} is a transaction pooler ({sign}): a lock and a concurrent index"
        " build need one session; nothing was changed",
        remedy="use the session pooler or the direct connection: port 5432 on Supabase",
    )


def _tell(notice: psycopg.errors.Diagnostic, progress: Callable[[str], None]) -> None:
    """Pass on what a migration raises, not what the server says of IF NOT EXISTS."""
    if notice.context and notice.message_primary:
        progress(f"{(notice.severity or 'notice').lower()}: {notice.message_primary}")
