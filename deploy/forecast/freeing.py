"""The steps that free space: what each would free, by what was measured."""

from deploy.forecast.lever import Lever
from deploy.forecast.measures import (
    DELETE_MONTHS,
    LOG_DAYS,
    Measured,
    share_before,
)
from infra.catalog.limits import PlanLimit

STATISTICS_DAYS = 30
"""Days of statistics that it takes to call an index unused: a monthly report may use
one."""

BLOAT_SHARE = 0.2
INDEX_ROW_BYTES = 60
"""A row's entry in the archive's one index: two keys of 16 bytes, a time, headers."""

HEAP_LEAST = 0.01
"""What frees less than this share of the limit is not worth a step."""


def archive(measured: Measured, suffix: str) -> Lever:
    """Archive old messages and move them: the archive has fewer indexes."""
    does = "archive old messages and move them to the archive"
    if measured.failed or not measured.rows:
        return Lever(id="archive", does=does, unknown=_why(measured))
    row = measured.rows[0]
    if not row["rows"]:
        return Lever(id="archive", does=does, unknown="no statistics: run analyze")
    hot = row["total"] / row["rows"]
    cold = row["heap"] / row["rows"] + INDEX_ROW_BYTES
    if row["archive_rows"] > 1_000:
        cold = row["archive"] / row["archive_rows"]
    sampled = f", of 1 conversation in {row['share']}" if row["share"] > 1 else ""
    return Lever(
        id="archive",
        does=f"{does}, {row['messages']:,.0f} of them",
        bytes=max(row["messages"] * (hot - cold), 0.0),
        takes=row["messages"] * cold,
        command=f"./bootstrap crons.run --job archive-old-messages{suffix} &&"
        f" ./bootstrap crons.run --job reclaim-archived-messages{suffix}",
        basis=f"estimate: counted{sampled}; a row takes {hot:.0f} bytes, {cold:.0f} in"
        " the archive",
    )


def logs(measured: Measured, per_day: float, suffix: str) -> Lever:
    """Delete the logs that are older than they are to be kept."""
    does = f"delete logs older than {LOG_DAYS} days, as their retention says"
    if measured.failed or not measured.rows:
        return Lever(id="logs", does=does, unknown=_why(measured))
    row = measured.rows[0]
    overdue = float(row["bytes"])
    basis = "sizes of the partitions"
    if not row["is_partitioned"]:
        share = share_before(row["bounds"], row["cutoff"])
        if share is None:
            return Lever(id="logs", does=does, unknown="no statistics: run analyze")
        overdue *= share
        basis = "estimate: from the table's statistics"
    return Lever(
        id="logs",
        does=does,
        bytes=overdue,
        returned=overdue if row["is_partitioned"] else 0.0,
        per_day=max(per_day, 0.0) if overdue > 0 else 0.0,
        command=f"./bootstrap crons.run --job cleanup-edge-function-logs{suffix}",
        basis=basis,
    )


def bloat(measured: Measured, limit: PlanLimit) -> Lever:
    """Repack the tables that hold more pages than their rows need."""
    does = "repack bloated tables"
    if measured.failed:
        return Lever(id="repack", does=does, unknown=_why(measured))
    bloated = [
        row
        for row in measured.rows
        if row["bloat"] > BLOAT_SHARE * row["bytes"]
        and row["bloat"] > HEAP_LEAST * limit.limit
    ]
    if not bloated:
        return Lever(id="repack", does=does, basis="no table is bloated by 20 %")
    total = float(sum(row["bloat"] for row in bloated))
    names = ", ".join(row["name"] for row in bloated)
    tables = " ".join(f"--table {row['name']}" for row in bloated)
    return Lever(
        id="repack",
        does=f"repack {names}",
        bytes=total,
        returned=total,
        command=f"pg_repack --no-superuser-check {tables}",
        locks="each table for a moment at its begin and end",
        basis="estimate: from the tables' statistics",
    )


def indexes(measured: Measured) -> Lever:
    """Drop indexes that no query used."""
    does = "drop indexes that no query used"
    if measured.failed:
        return Lever(id="indexes", does=does, unknown=_why(measured))
    if not measured.rows:
        return Lever(id="indexes", does=does, basis="each index over 1 MiB is used")
    days = float(measured.rows[0]["days"])
    names = [row["name"] for row in measured.rows]
    total = float(sum(row["bytes"] for row in measured.rows))
    if days < STATISTICS_DAYS:
        why = (
            f"statistics are {days:.0f} days old, {STATISTICS_DAYS} needed;"
            f" {len(names)} unused so far"
        )
        return Lever(id="indexes", does=does, unknown=why)
    return Lever(
        id="indexes",
        does=f"drop {', '.join(names[:3])}{' and others' if names[3:] else ''}, unused"
        f" for {days:.0f} days",
        bytes=total,
        returned=total,
        command="; ".join(f"drop index concurrently {each}" for each in names),
        basis="sizes of the indexes; a replica has statistics of its own",
    )


def hard_delete(measured: Measured) -> Lever:
    """Delete the oldest archived messages for good."""
    does = f"delete archived messages older than {DELETE_MONTHS} months"
    if measured.failed or not measured.rows:
        return Lever(id="hard-delete", does=does, unknown=_why(measured))
    row = measured.rows[0]
    share = share_before(row["bounds"], row["cutoff"]) if row["rows"] else 0.0
    if share is None:
        return Lever(id="hard-delete", does=does, unknown="no statistics: run analyze")
    if not share:
        return Lever(id="hard-delete", does=does, basis="the archive has none")
    return Lever(
        id="hard-delete",
        does=does,
        bytes=share * float(row["total"]),
        command=f"select hard_delete_archived_messages({DELETE_MONTHS})",
        loses="those messages; only a backup gives them back",
        basis="estimate: from the table's statistics",
    )


def _why(measured: Measured) -> str:
    """Say why a query gave nothing."""
    return measured.failed or "the table is not there"
