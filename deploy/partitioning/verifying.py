"""Compare both tables, row by row content, in one snapshot."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import IsolationLevel

from deploy.checklist import Result, Status
from deploy.migrations.session import Connection
from deploy.partitioning import notes

COMPARE = """
select id_range, rows_here, rows_there, is_equal from kiloscale.partition_compare()
 order by id_range
"""
LAG = "select kiloscale.partition_lag()"
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a comparison saw.

    Attributes:
        ranges: Ranges of ids that were compared, by their first two digits.
        rows: Rows of messages in them.
        rows_there: Rows of the other table.
        unequal: Ranges whose counts or hashes differ.
        pending: Changes noted in the same snapshot, whose rows were left out.
    """

    ranges: int
    rows: int
    rows_there: int
    unequal: tuple[str, ...]
    pending: int


def compare(conn: Connection, progress: Callable[[str], None]) -> Comparison:
    """Compare public.messages with the other table.

    Args:
        conn: In autocommit mode.
        progress: Told that it takes a while: both tables are read as a whole.
    """
    notes.catch_up(conn, progress)
    progress("comparing both tables by counts and hashes")
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with conn.transaction():
            lag = conn.execute(LAG).fetchone()
            rows = conn.execute(COMPARE).fetchall()
    finally:
        conn.isolation_level = None
    return Comparison(
        ranges=len(rows),
        rows=sum(int(row[1]) for row in rows),
        rows_there=sum(int(row[2]) for row in rows),
        unequal=tuple(str(row[0]) for row in rows if not row[3]),
        pending=int(lag[0]) if lag else 0,
    )


def result(found: Comparison, remedy: str | None) -> Result:
    """Turn a comparison into a result."""
    evidence: dict[str, object] = {
        "ranges": found.ranges,
        "rows": found.rows,
        "rows_there": found.rows_there,
        "pending": found.pending,
        "unequal": len(found.unequal),
    }
    if found.unequal:
        named = ", ".join(f"{one}..." for one in found.unequal[:SHOWN])
        return Result(
            id="verify.rows",
            title=f"{len(found.unequal)} of {found.ranges} ranges of ids differ"
            f" ({found.rows:,} rows and {found.rows_there:,}): {named}",
            status=Status.FAIL,
            evidence=evidence,
            remedy="./bootstrap db.partition --phase abort",
        )
    return Result(
        id="verify.rows",
        title=f"{found.rows:,} rows are equal in both tables, by count and hash of"
        f" {found.ranges} ranges of ids; {found.pending} being changed were left out",
        status=Status.PASS,
        evidence=evidence,
        remedy=remedy,
    )
