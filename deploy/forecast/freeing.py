"""The steps that free space: what each would free, by what was measured."""

from deploy.forecast.lever import Lever
from deploy.forecast.measure_queries import DELETE_MONTHS, LOG_DAYS
from deploy.forecast.measures import STATISTICS_DAYS, Measured, share_before
from infra.catalog.limits import PlanLimit

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
        command=f"./bootstrap db.archive{suffix} && ./bootstrap db.reclaim{suffix}",
        basis=f"estimate: counted{sampled}, without what another table references; a"
        f" row takes {hot:.0f} bytes, {cold:.0f} in the archive",
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
    """Drop the indexes that ``db.index-usage`` calls safe to drop."""
    does = "drop indexes that nothing needs"
    if measured.failed:
        return Lever(id="indexes", does=does, unknown=_why(measured))
    if not measured.rows:
        return Lever(id="indexes", does=does, basis="each index over 1 MiB is needed")
    useless = [row for row in measured.rows if not row["is_early"]]
    if not useless:
        why = (
            f"statistics are {measured.rows[0]['days']:.0f} days old,"
            f" {STATISTICS_DAYS} needed; {len(measured.rows)} unused so far"
        )
        return Lever(id="indexes", does=does, unknown=why)
    names = [row["name"] for row in useless]
    total = float(sum(row["bytes"] for row in useless))
    return Lever(
        id="indexes",
        does=f"drop {', '.join(names[:3])}{' and others' if names[3:] else ''}, which"
        " nothing needs: see db.index-usage",
        bytes=total,
        returned=total,
        command=" ".join(row["drop"] for row in useless),
        basis="sizes of the indexes; a replica has statistics of its own",
    )


def hard_delete(measured: Measured, suffix: str) -> Lever:
    """Delete for good what has long been in the archive."""
    does = f"delete what was moved to the archive {DELETE_MONTHS} months ago"
    if measured.failed or not measured.rows:
        return Lever(id="hard-delete", does=does, unknown=_why(measured))
    row = measured.rows[0]
    if not row["share"]:
        return Lever(id="hard-delete", does=does, basis="the archive has none")
    return Lever(
        id="hard-delete",
        does=does,
        bytes=row["share"] * row["total"],
        command=f"./bootstrap db.hard-delete --months {DELETE_MONTHS} --dry-run"
        + suffix,
        loses="those messages; only a backup gives them back",
        basis=f"estimate: from {row['rows']:,.0f} messages of the archive",
    )


def _why(measured: Measured) -> str:
    """Say why a query gave nothing."""
    return measured.failed or "the table is not there"
