"""Make the empty shadow, begin to note changes, and rehearse the swap."""

from collections.abc import Iterator

import psycopg

from deploy.checklist import Result, Status
from deploy.errors import DeployError
from deploy.migrations.session import Connection
from deploy.partitioning import ending, state
from deploy.partitioning.patience import Patience, patiently

BEGIN = "select kiloscale.partition_begin(%s)"
WATCH = "select kiloscale.partition_watch(%s)"
REHEARSE = "select kiloscale.partition_rehearse(%s, %s)"


def prepare(
    conn: Connection,
    partitions: int,
    patience: Patience,
) -> Iterator[Result]:
    """Prepare, or go on with it where it stopped.

    Raises:
        DeployError: The rehearsal of the swap failed; nothing is kept.
    """
    found = state.read(conn)
    if found is None:
        patience.tell(f"making {partitions} empty partitions")
        conn.execute(BEGIN, [partitions])
        found = state.require(conn, "prepare", "shadowed")
    yield Result(
        id="prepare.shadow",
        title=f"shadow of {found.partitions} partitions in schema kiloscale",
        status=Status.PASS,
        changed=True,
    )
    if found.phase == "shadowed":
        patiently(
            conn,
            "beginning to note changes",
            lambda: conn.execute(WATCH, [patience.lock_ms]),
            patience,
        )
    yield Result(
        id="prepare.watch",
        title="every change of messages is noted from now on",
        status=Status.PASS,
        changed=True,
    )
    yield _rehearsed(conn, patience)


def _rehearsed(conn: Connection, patience: Patience) -> Result:
    """Swap with the empty shadow and take it back, in one transaction."""
    try:
        cursor = patiently(
            conn,
            "rehearsing the swap",
            lambda: conn.execute(REHEARSE, [patience.lock_ms, patience.hold_ms]),
            patience,
        )
    except psycopg.Error as error:
        if conn.closed:
            raise
        ending.take_down(conn, ending.ABORT, patience)
        raise DeployError(
            f"the swap cannot be made: {error.diag.message_primary} (SQLSTATE"
            f" {error.sqlstate}); it was only rehearsed, and the shadow is removed",
            remedy="./bootstrap db.partition --evidence",
            evidence={"sqlstate": error.sqlstate, "context": error.diag.context},
        ) from error
    row = cursor.fetchone()
    told = dict(row[0]) if row else {}
    return Result(
        id="prepare.rehearsal",
        title=f"the swap was made with the empty shadow and taken back in"
        f" {told.get('held_ms')} ms",
        status=Status.PASS,
        evidence=told,
        remedy="./bootstrap db.partition --phase copy",
    )
