"""How far a conversion is, as the database records it."""

from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from deploy.errors import DeployError, UsageError
from deploy.migrations.session import Connection

READ = """
select p.phase, p.partitions, p.rows_copied, p.restarts,
       case when p.source_blocks > 0
            then p.next_block::float / p.source_blocks else 1 end as share,
       p.verified_at is not null as is_verified, kiloscale.partition_lag() as lag
  from kiloscale.partitioning p
"""

NEXT = {
    "": "prepare",
    "shadowed": "prepare",
    "copying": "copy",
    "copied": "verify",
    "verified": "swap",
    "swapped": "finish",
    "returned": "abort",
}
"""Which phase goes on from a state; empty for no conversion."""


@dataclass(frozen=True, kw_only=True)
class State:
    """The row of ``kiloscale.partitioning``.

    Attributes:
        phase: ``shadowed``, ``copying``, ``copied``, ``verified``, ``swapped`` or
            ``returned``.
        partitions: How many the new table has.
        rows_copied: Rows that the copy wrote, those of a restart again.
        restarts: How often the copy began again, since the table's file was replaced.
        share: Part of the table that is copied, 0 to 1.
        is_verified: Whether both tables were compared and equal.
        lag: Changes that are noted and not applied yet.
    """

    phase: str
    partitions: int
    rows_copied: int
    restarts: int
    share: float
    is_verified: bool
    lag: int


def read(conn: Connection) -> State | None:
    """Give the state, or ``None`` if no conversion is under way.

    Raises:
        DeployError: The migration is not applied.
    """
    try:
        with conn.cursor(row_factory=class_row(State)) as cursor:
            return cursor.execute(READ).fetchone()
    except psycopg.errors.UndefinedTable as error:
        raise DeployError(
            f"{error.diag.message_primary}: the migrations are not applied; nothing was"
            " changed",
            remedy="./bootstrap deploy --only migrations",
        ) from error


def require(conn: Connection, doing: str, *phases: str) -> State:
    """Give the state, which must be one of those.

    Raises:
        UsageError: It is another one; names the phase that comes next.
    """
    state = read(conn)
    phase = state.phase if state else ""
    if state is None or phase not in phases:
        raise UsageError(
            f"--phase {doing} does not follow: the conversion is"
            f" {phase or 'not begun'}; nothing was changed",
            remedy=f"./bootstrap db.partition --phase {NEXT[phase]}",
            evidence={"phase": phase},
        )
    return state
