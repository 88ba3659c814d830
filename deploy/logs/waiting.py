"""Take a lock that everybody else queues behind: for a moment, again and again."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from deploy.errors import DeployError
from deploy.logs.places import Connection

LOCK_MS = 80
"""How long one attempt waits, in milliseconds. Inserts wait behind it for as long."""

PATIENCE_S = 120.0
"""How long attempts go on, in seconds: a vacuum of millions of rows takes as long."""

HOLDERS = """
select a.pid, a.application_name, a.state,
       extract(epoch from clock_timestamp() - a.xact_start)::int
  from pg_locks l join pg_stat_activity a using (pid)
 where l.relation = any (select to_regclass(n) from unnest(%s::text[]) n)
   and l.granted and a.pid <> pg_backend_pid()
 order by a.xact_start limit 3
"""

Value = TypeVar("Value")


def patiently(
    conn: Connection,
    body: Callable[[], Value],
    progress: Callable[[str], None],
    *,
    tables: tuple[str, ...],
    patience_s: float = PATIENCE_S,
) -> Value:
    """Run a transaction whose locks are waited for briefly, until it goes through.

    Args:
        conn: In autocommit mode.
        body: What the transaction does; it runs again after a failed attempt.
        progress: Told who stands in the way.
        tables: What is locked, for the message.
        patience_s: How long to go on, in seconds.

    Raises:
        DeployError: Somebody holds a lock for longer; names them.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with conn.transaction():
                conn.execute(f"set local lock_timeout = '{LOCK_MS}ms'".encode())
                return body()
        except (
            psycopg.errors.LockNotAvailable,
            psycopg.errors.DeadlockDetected,
        ) as error:
            holders = conn.execute(HOLDERS, [list(tables)]).fetchall()
            told = "; ".join(
                f"pid {pid} ({name or 'no name'}, {state}, {age or 0} s)"
                for pid, name, state, age in holders
            )
            progress(f"waiting for {tables[0]}: {told or 'somebody'}")
            if time.monotonic() > deadline:
                raise DeployError(
                    f"{tables[0]} was locked by others for {patience_s:.0f} s:"
                    f" {told or 'they ended just now'}; nothing of this step was"
                    " changed, and the logs work",
                    remedy="end that session, or wait for it; then the same again",
                    evidence={"holders": told},
                ) from error
            time.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - not a secret
