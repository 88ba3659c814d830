"""Put the shadow in the place of messages, and the way back."""

from collections.abc import Iterator

from psycopg import sql

from deploy.checklist import Result, Status
from deploy.errors import DeployError
from deploy.migrations.session import Connection
from deploy.partitioning import notes, state, verifying
from deploy.partitioning.patience import Patience, patiently

SWAP = "select kiloscale.partition_swap(%s, %s, %s)"
RETURN = "select kiloscale.partition_return(%s, %s, %s)"
UNCHECKED = """
select k.conrelid::regclass::text, k.conname from pg_constraint k
 where k.contype = 'f' and not k.convalidated
   and k.confrelid = 'public.messages'::regclass order by 1, 2
"""


def swap(conn: Connection, patience: Patience) -> Iterator[Result]:
    """Swap; the old table is kept up to date from then on."""
    state.require(conn, "swap", "verified")
    told = _at_once(conn, SWAP, "swapping", patience)
    yield Result(
        id="swap.messages",
        title=f"messages is partitioned: writers waited {told['held_ms']} ms at most;"
        " the old table is kept up to date, and --phase back returns to it",
        status=Status.PASS,
        evidence=told,
        changed=True,
        remedy="./bootstrap db.partition --phase finish",
    )


def back(conn: Connection, patience: Patience) -> Iterator[Result]:
    """Give the old table its place again, with all that was written since.

    Raises:
        DeployError: The tables differ; nothing was changed.
    """
    found = state.require(conn, "back", "swapped", "returned")
    if found.phase == "swapped":
        same = verifying.compare(conn, patience.tell)
        if same.unequal:
            raise DeployError(
                f"{len(same.unequal)} of {same.ranges} ranges of ids differ from the"
                " old table: a key that only partitions admit was used twice; messages"
                " stays partitioned, nothing was changed",
                remedy="./bootstrap db.partition --phase finish",
                evidence={"unequal": list(same.unequal[: verifying.SHOWN])},
            )
        told = _at_once(conn, RETURN, "going back", patience)
        yield Result(
            id="back.messages",
            title=f"messages is the old table again, with all rows: writers waited"
            f" {told['held_ms']} ms at most",
            status=Status.PASS,
            evidence=told,
            changed=True,
        )
    checked = 0
    for table, name in conn.execute(UNCHECKED).fetchall():
        patience.tell(f"checking foreign key {name} of {table}")
        conn.execute(
            sql.SQL("alter table {} validate constraint {}").format(
                sql.SQL(str(table)), sql.Identifier(str(name))
            )
        )
        checked += 1
    yield Result(
        id="back.references",
        title=f"foreign keys to messages are back and checked ({checked} now); --phase"
        " abort removes the partitions",
        status=Status.PASS,
        changed=bool(checked),
        remedy="./bootstrap db.partition --phase abort",
    )


def _at_once(
    conn: Connection,
    statement: str,
    doing: str,
    patience: Patience,
) -> dict[str, object]:
    """Apply what is noted, then change places; again until a moment is found."""

    def attempt() -> dict[str, object]:
        notes.catch_up(conn, patience.tell)
        values = [patience.lock_ms, patience.hold_ms, notes.FEW]
        row = conn.execute(statement.encode(), values).fetchone()
        return dict(row[0]) if row else {}

    return patiently(conn, doing, attempt, patience)
