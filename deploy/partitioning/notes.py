"""Apply what was noted of changes to the other table."""

import time
from collections.abc import Callable

import psycopg

from deploy.errors import DeployError
from deploy.migrations.session import Connection

BATCH = 2_000
FEW = 200
"""Notes that a swap may apply under its lock: a few ms."""

RETRIES = 200
"""With `PAUSE_S` and the 100 ms after which a batch gives a lock up: half a minute."""

PAUSE_S = 0.05
TELL_S = 2.0

APPLY = "select kiloscale.partition_apply_step(%s)"


def catch_up(conn: Connection, progress: Callable[[str], None]) -> int:
    """Apply notes until few are left; give how many were applied.

    Args:
        conn: In autocommit mode; each batch is a transaction.
        progress: Told every two seconds.

    Raises:
        DeployError: Rows are refused again and again.
    """
    applied, told_at = 0, time.monotonic()
    while True:
        done = apply_batch(conn)
        applied += done
        if time.monotonic() - told_at > TELL_S:
            told_at = time.monotonic()
            progress(f"{applied:,} noted changes applied")
        # A batch that is not full was the last: to wait for an empty one would take as
        # long as somebody writes.
        if done < BATCH:
            return applied


def apply_batch(conn: Connection) -> int:
    """Apply one batch; give how many notes it had."""
    for attempt in range(RETRIES):
        try:
            row = conn.execute(APPLY, [BATCH]).fetchone()
            return int(row[0]) if row else 0
        except (
            psycopg.errors.ForeignKeyViolation,
            psycopg.errors.LockNotAvailable,
        ) as error:
            # A conversation was deleted between the reading of its message and the
            # check, and the next reading does not find the message any more; or it is
            # being deleted.
            if attempt == RETRIES - 1:
                raise DeployError(
                    f"noted changes are refused: {error.diag.message_primary}"
                    f" (SQLSTATE {error.sqlstate}); what was done before is kept",
                    remedy="./bootstrap db.partition --phase sync",
                    evidence={"constraint": error.diag.constraint_name},
                ) from error
            time.sleep(PAUSE_S)
    raise AssertionError  # the loop returns or raises
