"""What the database says of the space that could be freed: cheap looks, estimates.

Each runs alone, reads only, and is given two seconds: what takes longer is left out
and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from deploy.forecast import measure_queries as queries
from deploy.forecast.history import Connection
from deploy.inspection.access import rows
from deploy.inspection.index_verdicts import SMALL_BYTES as INDEX_BYTES_MIN
from deploy.inspection.index_verdicts import Verdict

PATIENCE_MS = 2_000

STATISTICS_DAYS = 30
"""Days of statistics that it takes to call an index unused: a monthly report may use
one."""

Row = dict[str, Any]
Look = Callable[[Connection], list[Row]]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The rows of one query.

    Attributes:
        rows: What it found.
        failed: Why there are none; empty if it ran.
    """

    rows: Sequence[Row] = ()
    failed: str = ""


def measured(
    connection: Connection, progress: Callable[[str], None]
) -> dict[str, Measured]:
    """Take all looks."""
    found = {}
    for name, look in LOOKS.items():
        progress(f"estimating what could be freed: {name}")
        found[name] = _measured(connection, look)
    return found


def _measured(connection: Connection, look: Look) -> Measured:
    """Take one look; one that fails fails alone."""
    try:
        with connection.transaction():
            # For this transaction only: behind a pooler the session is not ours.
            connection.execute("set transaction read only")
            connection.execute(
                "select set_config('statement_timeout', %s, true)", (str(PATIENCE_MS),)
            )
            return Measured(rows=look(connection))
    except psycopg.errors.QueryCanceled:
        return Measured(failed=f"it took more than {PATIENCE_MS / 1000:g} s")
    except psycopg.Error as error:
        if connection.broken or connection.closed:
            raise
        return Measured(failed=str(error.diag.message_primary or error))


def _archivable(connection: Connection) -> list[Row]:
    """Count what archival and reclaim would move."""
    # A name of a table or column may have a sign that stands for a parameter.
    referenced = " or ".join(
        f"exists (select from {row['tab']} r where {row['matches']})"
        for row in rows(connection, queries.REFERENCES)
    ).replace("%", "%%")
    kept = queries.KEPT.format(referenced=referenced) if referenced else "0"
    values = {
        "counted": queries.COUNTED,
        "months": queries.MONTHS,
        "keep": queries.KEEP,
    }
    return rows(connection, queries.ARCHIVABLE.format(kept=kept), values)


def _unused(connection: Connection) -> list[Row]:
    """Name the indexes that ``db.index-usage`` would drop, the largest first."""
    from deploy.inspection.index_usage import judge_all

    judged, counted = judge_all(connection, STATISTICS_DAYS)
    days = counted.age.total_seconds() / 86_400
    found = [
        {
            "name": each.index.qualified,
            "drop": each.index.drop,
            "bytes": float(each.index.bytes),
            "days": days,
            "is_early": each.verdict is Verdict.EARLY,
        }
        for each in judged
        if each.index.bytes >= INDEX_BYTES_MIN
        and (each.is_droppable or each.verdict is Verdict.EARLY)
    ]
    return sorted(found, key=lambda row: -float(str(row["bytes"])))


LOOKS: dict[str, Look] = {
    "archivable": _archivable,
    "deletable": lambda connection: rows(
        connection,
        queries.DELETABLE,
        {"months": queries.DELETE_MONTHS, "pages": queries.DELETE_PAGES},
    ),
    "logs": lambda connection: rows(
        connection, queries.LOGS, {"days": queries.LOG_DAYS}
    ),
    "bloat": lambda connection: rows(
        connection, queries.BLOAT, {"pages": queries.BLOAT_PAGES_MIN}
    ),
    "indexes": _unused,
}


def share_before(bounds: Sequence[Any] | None, cutoff: Any) -> float | None:
    """Estimate which share of the rows is older than a moment.

    Args:
        bounds: Histogram of the column: as many rows between each two neighbours.
        cutoff: The moment.

    Returns:
        0 to 1; ``None`` where there is no histogram.
    """
    if not bounds or len(bounds) < 2:
        return None
    below = sum(each < cutoff for each in bounds)
    if below in (0, len(bounds)):
        return float(below / len(bounds))
    left, right = bounds[below - 1], bounds[below]
    inside = (cutoff - left) / (right - left) if right > left else 0.0
    return float((below - 1 + inside) / (len(bounds) - 1))
