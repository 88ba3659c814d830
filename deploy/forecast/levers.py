"""What would help: each step, what it frees, what it costs, and its command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.forecast.measures import (
    DELETE_MONTHS,
    LOG_DAYS,
    Measured,
    share_before,
)
from infra.catalog.hosting import DISK
from infra.catalog.limits import GIB, PlanLimit
from infra.catalog.unit_price import EVERYWHERE

STATISTICS_DAYS = 30
"""Days of statistics that it takes to call an index unused: a monthly report may use
one."""

TOGETHER = "together"
BLOAT_SHARE = 0.2
INDEX_ROW_BYTES = 60
"""A row's entry in the archive's one index: two keys of 16 bytes, a time, headers."""

HEAP_LEAST = 0.01
"""What frees less than this share of the limit is not worth a step."""


@dataclass(frozen=True, kw_only=True)
class Lever:
    """A step that moves the day on which a limit is reached.

    Attributes:
        id: Name in the report.
        does: What it does, in a few words.
        bytes: What it frees, or leaves free for new rows, at once; an estimate.
        returned: How much of it the disk gets back at once.
        takes: By how much the database is larger at first, in bytes: what is moved is
            there twice until new rows fill the space that it left.
        per_day: By how much it slows growth, in bytes a day.
        limit: The limit afterwards; ``None`` if it stays.
        usd_month: What it costs a month, in USD.
        command: How it is done.
        loses: What is lost for good; empty if nothing.
        locks: What it locks meanwhile; empty if nothing.
        unknown: Why nothing can be said; empty if something is.
        basis: What the numbers rest on.
    """

    id: str
    does: str
    bytes: float = 0.0
    returned: float = 0.0
    takes: float = 0.0
    per_day: float = 0.0
    limit: int | None = None
    usd_month: float = 0.0
    command: str = ""
    loses: str = ""
    locks: str = ""
    unknown: str = ""
    basis: str = "estimate"

    @property
    def helps(self) -> bool:
        """Whether it does anything."""
        return not self.unknown and (
            self.bytes > 0 or self.per_day > 0 or self.limit is not None
        )


def of_database(
    found: Mapping[str, Measured], limit: PlanLimit, logs_per_day: float, suffix: str
) -> list[Lever]:
    """List the steps for the database's size.

    Args:
        found: What `deploy.forecast.measures` saw.
        limit: The limit.
        logs_per_day: Growth of the logs, in bytes a day.
        suffix: What a command appends for the stack.
    """
    free = [
        _archive(found["archivable"], suffix),
        _logs(found["logs"], logs_per_day, suffix),
        _bloat(found["bloat"], limit),
        _indexes(found["indexes"]),
    ]
    return [
        *free,
        *_together([each for each in free if each.helps]),
        _hard_delete(found["deletable"]),
        larger_disk(limit, suffix),
    ]


def _together(free: Sequence[Lever]) -> list[Lever]:
    """Take all steps that are free and lose nothing as one, if there are several."""
    if len(free) < 2:
        return []
    names = ", ".join(each.id for each in free)
    return [
        Lever(
            id=TOGETHER,
            does=f"all of these: {names}",
            bytes=sum(each.bytes for each in free),
            returned=sum(each.returned for each in free),
            takes=max(each.takes for each in free),
            per_day=sum(each.per_day for each in free),
            locks="; ".join(each.locks for each in free if each.locks),
            basis="the sum of the steps",
        )
    ]


def _archive(measured: Measured, suffix: str) -> Lever:
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


def _logs(measured: Measured, per_day: float, suffix: str) -> Lever:
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


def _bloat(measured: Measured, limit: PlanLimit) -> Lever:
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


def _indexes(measured: Measured) -> Lever:
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


def _hard_delete(measured: Measured) -> Lever:
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


def larger_disk(limit: PlanLimit, suffix: str) -> Lever:
    """Double the disk, or take what is included if that is more."""
    gib = max(round(2 * limit.limit / GIB), int(DISK.free))
    price = DISK.usd[EVERYWHERE]
    paid = max(gib - DISK.free, 0) - max(limit.limit / GIB - DISK.free, 0)
    stack = suffix or " --stack local"
    return Lever(
        id="larger-disk",
        does=f"a disk of {gib} GiB",
        limit=gib * GIB,
        usd_month=paid * price,
        command=f"pulumi config set planDatabaseGib {gib}{stack}",
        basis=f"Supabase, Pro: {DISK.free:.0f} GB included, then {price} USD a GB and"
        f" month ({DISK.read[EVERYWHERE]})",
    )


def _why(measured: Measured) -> str:
    """Say why a query gave nothing."""
    return measured.failed or "the table is not there"
