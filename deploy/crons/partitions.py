"""Whether there are partitions for the logs of the next days."""

from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from deploy.checklist import Result, Status, skipped
from deploy.crons.state import Connection

DAYS_WARN = 10
"""The job keeps 14 days ahead: with fewer than this it has not run for four nights."""

DAYS_FAIL = 3
"""With fewer, the lines of the days after go to the DEFAULT partition, from which they
can only be deleted in slices."""

STATE = "select layout, days_ahead, rows_outside from kiloscale.log_partition_state()"
RUN = "./bootstrap crons.run --job cleanup-edge-function-logs"
ID = "crons.log-partitions"


@dataclass(frozen=True, kw_only=True)
class State:
    """What the database says of the partitions.

    Attributes:
        layout: ``partitioned``, ``plain`` or ``missing``.
        days_ahead: Days after today that have one, without a gap.
        rows_outside: Lines in the DEFAULT partition.
    """

    layout: str
    days_ahead: int | None
    rows_outside: int | None


def look(conn: Connection) -> Result:
    """Look how many days ahead there are partitions, and whether lines fell outside."""
    try:
        with conn.cursor(row_factory=class_row(State)) as cursor:
            state = cursor.execute(STATE).fetchall()[0]
    except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName):
        return skipped(
            ID, "the migrations are not applied", "./bootstrap deploy --only migrations"
        )
    return judge(state)


def judge(state: State) -> Result:
    """Judge what was seen.

    >>> judge(State(layout="partitioned", days_ahead=14, rows_outside=0)).title
    'partitions of edge_function_logs for 14 days ahead'
    """
    days, outside = state.days_ahead or 0, state.rows_outside or 0
    evidence: dict[str, object] = {
        "layout": state.layout,
        "days_ahead": state.days_ahead,
        "rows_outside": state.rows_outside,
    }
    if state.layout != "partitioned":
        plain = state.layout == "plain"
        return Result(
            id=ID,
            title="edge_function_logs is plain: old rows are deleted, not dropped"
            if plain
            else "there is no edge_function_logs",
            status=Status.PASS if plain else Status.FAIL,
            evidence=evidence,
            remedy="./bootstrap db.convert-logs --dry-run"
            if plain
            else "./bootstrap deploy --only migrations",
        )
    status = Status.FAIL if days < DAYS_FAIL else Status.PASS
    if status is Status.PASS and (days < DAYS_WARN or outside):
        status = Status.WARN
    told = f"; {outside:,} line(s) fell outside of them" if outside else ""
    return Result(
        id=ID,
        title=f"partitions of edge_function_logs for {days} days ahead{told}",
        status=status,
        evidence=evidence,
        remedy=None if status is Status.PASS else RUN,
    )
