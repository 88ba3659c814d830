"""The one session that migrates: no pooler in between, no second run beside it."""

import getpass
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg.rows import TupleRow

from deploy.database import connect, port_of, redact
from deploy.errors import LockedError, UsageError

Connection = psycopg.Connection[TupleRow]

TRANSACTION_POOLER_PORT = 6543
"""Supabase's pooler hands out a server for each transaction on this port, and for a
whole session on 5432 (Supabase docs, "Connect to your database")."""

LOCK = (1263095887, 1)
"""'KILO' in ASCII, and the number of this lock among ours."""

LOCK_POLL_S = 0.25

HOLDER = """
select a.pid, a.application_name, a.usename, a.client_addr::text,
       extract(epoch from now() - a.backend_start)::int
  from pg_locks l join pg_stat_activity a using (pid)
 where l.locktype = 'advisory' and l.granted and l.objsubid = 2
   and l.classid = %s and l.objid = %s
"""


def application_name() -> str:
    """Name this run in ``pg_stat_activity``: who, where, which process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = str(os.getuid())
    # PostgreSQL cuts at 63 bytes.
    host = socket.gethostname()[:24]
    return f"kiloscale migrate {user[:16]}@{host} pid {os.getpid()}"


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
    with connect(url, application_name=application_name()) as conn:
        _refuse_pooler(conn, url)
        conn.add_notice_handler(lambda notice: _tell(notice, progress))
        _lock(conn, url, progress, lock_wait_s)
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
        row = conn.execute("select current_setting('kiloscale.session', true)")
        kept = row.fetchone() == (mark,)
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


def _lock(
    conn: Connection, url: str, progress: Callable[[str], None], wait_s: float
) -> None:
    """Take the lock of migrations, or say who has it."""
    deadline = time.monotonic() + wait_s
    told = False
    while True:
        row = conn.execute("select pg_try_advisory_lock(%s, %s)", LOCK).fetchone()
        if row and row[0]:
            return
        holder = _holder(conn)
        if time.monotonic() >= deadline:
            raise LockedError(
                f"another run is migrating {redact(url)}: {holder}; waited"
                f" {wait_s:.0f} s, nothing was changed",
                remedy="wait for it, or end it: select pg_terminate_backend(pid)",
                evidence={"holder": holder},
            )
        if not told:
            progress(f"waiting up to {wait_s:.0f} s for another run: {holder}")
            told = True
        time.sleep(LOCK_POLL_S)


def _holder(conn: Connection) -> str:
    """Describe the session that holds the lock."""
    row = conn.execute(HOLDER, LOCK).fetchone()
    if row is None:
        return "it ended a moment ago"
    pid, application, role, address, age_s = row
    place = address or "a local socket"
    return f"backend {pid}, {application}, role {role} from {place}, for {age_s} s"


def _tell(notice: psycopg.errors.Diagnostic, progress: Callable[[str], None]) -> None:
    """Pass on what a migration raises, not what the server says of IF NOT EXISTS."""
    if notice.context and notice.message_primary:
        progress(f"{(notice.severity or 'notice').lower()}: {notice.message_primary}")
