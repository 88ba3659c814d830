"""Session locks in the database: one holder, named to everybody who waits."""

import getpass
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from deploy.database import redact
from deploy.errors import LockedError

LOCK_CLASS = 1263095887
"""'KILO' in ASCII; the first half of the key of each lock of ours."""

POLL_S = 0.25

HOLDER = """
select a.pid, a.application_name, a.usename, a.client_addr::text,
       extract(epoch from now() - a.backend_start)::int
  from pg_locks l join pg_stat_activity a using (pid)
 where l.locktype = 'advisory' and l.granted and l.objsubid = 2
   and l.classid = %s and l.objid = %s
"""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One lock of ours.

    Attributes:
        number: Second half of its key.
        verb: What its holder does, for ``pg_stat_activity``, e.g. ``migrate``.
        doing: The same in a sentence, e.g. ``migrating``.
    """

    number: int
    verb: str
    doing: str

    @property
    def key(self) -> tuple[int, int]:
        """The key, as ``pg_advisory_lock`` takes it."""
        return LOCK_CLASS, self.number


MIGRATE = Lock(number=1, verb="migrate", doing="migrating")
DEPLOY = Lock(number=2, verb="deploy", doing="deploying to")


def application_name(verb: str) -> str:
    """Name this run in ``pg_stat_activity``: what, who, where, which process."""
    # PostgreSQL cuts at 63 bytes.
    return f"kiloscale {verb} {whoami()} pid {os.getpid()}"


def whoami() -> str:
    """Give ``user@host``, shortened to fit into an application name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = str(os.getuid())
    return f"{user[:16]}@{socket.gethostname()[:24]}"


def take(
    conn: psycopg.Connection[TupleRow],
    lock: Lock,
    url: str,
    progress: Callable[[str], None],
    wait_s: float = 0.0,
) -> None:
    """Take a lock for the life of the session.

    Args:
        conn: A session of its own; closing it gives the lock back.
        lock: Which lock.
        url: Where the session leads, for the message.
        progress: Told once if somebody else holds the lock.
        wait_s: How long to wait for them, in seconds.

    Raises:
        LockedError: Somebody else holds it; names them.
    """
    deadline = time.monotonic() + wait_s
    told = False
    while True:
        row = conn.execute("select pg_try_advisory_lock(%s, %s)", lock.key).fetchone()
        if row and row[0]:
            return
        holder = _holder(conn, lock)
        if time.monotonic() >= deadline:
            raise LockedError(
                f"another run is {lock.doing} {redact(url)}: {holder}; waited"
                f" {wait_s:.0f} s, nothing was changed",
                remedy="wait for it, or end it: select pg_terminate_backend(pid)",
                evidence={"holder": holder},
            )
        if not told:
            progress(f"waiting up to {wait_s:.0f} s for another run: {holder}")
            told = True
        time.sleep(POLL_S)


def _holder(conn: psycopg.Connection[TupleRow], lock: Lock) -> str:
    """Describe the session that holds a lock."""
    row = conn.execute(HOLDER, lock.key).fetchone()
    if row is None:
        return "it ended a moment ago"
    pid, application, role, address, age_s = row
    place = address or "a local socket"
    return f"backend {pid}, {application}, role {role} from {place}, for {age_s} s"
