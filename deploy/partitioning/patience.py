"""Take a lock that stops others for a moment only, again and again until it is free."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from psycopg.rows import class_row

from deploy.errors import DeployError
from deploy.migrations.session import Connection
from deploy.migrations.watch import Blocker
from deploy.partitioning.limits import HOLD_MS, LOCK_MS

PATIENCE_S = 120.0
PAUSE_S = (0.2, 0.8)
"""Between two attempts, drawn anew each time: whoever waited goes first, and two jobs
that try in step fall out of it."""

TOO_MANY_NOTES = "KS002"
HELD_TOO_LONG = "KS003"

HOLDERS = """
select a.pid, coalesce(a.usename, '') as role,
       coalesce(a.application_name, '') as application,
       coalesce(a.state, 'unknown') as state,
       coalesce(extract(epoch from clock_timestamp() - a.xact_start), 0)::float
           as open_s,
       '' as query
  from pg_locks l join pg_stat_activity a using (pid)
 where l.relation = any (%s::regclass[]) and l.granted and l.pid <> pg_backend_pid()
 group by a.pid, a.usename, a.application_name, a.state, a.xact_start
 order by open_s desc limit 3
"""
"""Without the text of their statements, which may quote a user."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often and how long a short lock is tried for.

    Attributes:
        lock_ms: Longest wait in the queue of a lock, in ms (1 to 60000).
        hold_ms: Longest time that a swap may keep writers waiting, in ms.
        whole_s: When to give up, in seconds.
        tell: Told of each failed attempt and of what takes time.
    """

    tell: Callable[[str], None]

    lock_ms: int = LOCK_MS
    hold_ms: int = HOLD_MS
    whole_s: float = PATIENCE_S


def patiently(
    conn: Connection,
    doing: str,
    attempt: Callable[[], T],
    patience: Patience,
    tables: Sequence[str] = ("public.messages",),
) -> T:
    """Repeat an attempt until it gets its locks.

    Args:
        conn: The session that attempts.
        doing: What needs the lock, e.g. ``swap``.
        attempt: One transaction that gives up after ``lock_ms`` by itself.
        patience: How long to go on.
        tables: Whose holders are named in the end.

    Raises:
        DeployError: The time is used up; names who holds the tables.
    """
    ends = time.monotonic() + patience.whole_s
    attempts = 0
    while True:
        attempts += 1
        try:
            return attempt()
        except psycopg.Error as error:
            reason = _reason(error)
            if reason is None:
                raise
            if time.monotonic() > ends:
                raise _given_up(conn, doing, attempts, reason, tables) from error
            patience.tell(f"{doing}, attempt {attempts}: {reason}; trying again")
        time.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - jitter, not a secret


def _reason(error: psycopg.Error) -> str | None:
    """Say why an attempt may be repeated; ``None`` if it may not."""
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return "somebody holds the table"
    if isinstance(error, psycopg.errors.DeadlockDetected):
        return "somebody else went first"
    if error.sqlstate in (TOO_MANY_NOTES, HELD_TOO_LONG):
        return error.diag.message_primary
    return None


def _given_up(
    conn: Connection, doing: str, attempts: int, reason: str, tables: Sequence[str]
) -> DeployError:
    """Say who holds the tables after the last attempt."""
    with conn.cursor(row_factory=class_row(Blocker)) as cursor:
        found = cursor.execute(HOLDERS, [list(tables)]).fetchall()
    who = "; ".join(str(one) for one in found) or "nobody at this moment"
    return DeployError(
        f"{doing}: no moment found in {attempts} attempts ({reason}); in use by {who}."
        " What was done before is kept",
        remedy="end or wait for these transactions, then run the same command again",
        evidence={"attempts": attempts, "pids": [one.pid for one in found]},
    )
