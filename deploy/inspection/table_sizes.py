"""The sizes of ``db.table-sizes`` as results of a checklist."""

from collections.abc import Iterator, Sequence

from deploy.amounts import number, size
from deploy.checklist import Result, Status, skipped
from deploy.inspection import growth, table_facts
from deploy.inspection.access import OTHERS, Connection
from deploy.inspection.growth import Past
from deploy.inspection.table_facts import Table

SHOWN_BYTES = 64 * 1024
"""Below it a table has a page or so and its empty indexes: it counts, unnamed."""


def look(connection: Connection) -> Iterator[Result]:
    """Show the large tables by name, then everything else, then the sum."""
    total = table_facts.database_bytes(connection)
    tables = table_facts.read(connection)
    past = growth.read(connection)
    own = [table for table in tables if table.is_users and table.schema not in OTHERS]
    schemas = list(dict.fromkeys(table.schema for table in own))
    # The largest first, in one group for each schema.
    own.sort(key=lambda table: (schemas.index(table.schema), -table.bytes))
    named = [table for table in own if table.bytes >= SHOWN_BYTES]
    for table in named:
        yield _table(table, total, past)
    yield from _rest(tables, own, named, total)
    yield _total(tables, total, past)
    if not past:
        yield skipped(
            "total.growth",
            "no snapshot is a day old; pg_cron's job snapshot-health makes one an hour",
            "./bootstrap verify-crons",
        )


def _table(table: Table, total: int, past: Sequence[Past]) -> Result:
    """Show one table."""
    parts = [
        f"{size(table.bytes):>8} {_share(table.bytes, total)}",
        f"heap {size(table.heap_bytes)}",
        f"indexes {size(table.index_bytes)}",
    ]
    if table.toast_bytes > SHOWN_BYTES:
        parts.insert(2, f"toast {size(table.toast_bytes)}")
    told = f"{', '.join(parts)}; ~{number(table.rows)} rows"
    if table.dead_rows:
        told += f", {number(table.dead_rows)} dead"
    if table.partitions:
        told += f", {table.partitions} partitions"
    grown = _grown(past, table.bytes, table.qualified)
    told += "".join(f"; {_sign(value)} in {days} d" for days, value in grown.items())
    return Result(
        id=f"{table.schema}.{table.table}",
        title=told,
        status=Status.PASS,
        evidence={
            "bytes": table.bytes,
            "heap_bytes": table.heap_bytes,
            "toast_bytes": table.toast_bytes,
            "index_bytes": table.index_bytes,
            "share": round(table.bytes / total, 4) if total else 0.0,
            "rows_estimated": table.rows,
            "dead_rows": table.dead_rows,
            "partitions": table.partitions,
            "growth_bytes": {f"{days}d": value for days, value in grown.items()},
        },
    )


def _rest(
    tables: Sequence[Table], own: Sequence[Table], named: Sequence[Table], total: int
) -> Iterator[Result]:
    """Show what is not named: small tables, the provider's, the system's."""
    named_ones = {table.qualified for table in named}
    groups = {
        "small-tables": [t for t in own if t.qualified not in named_ones],
        "other-schemas": [t for t in tables if t.is_users and t.schema in OTHERS],
        "system": [t for t in tables if not t.is_users],
    }
    for name, members in groups.items():
        bytes_ = sum(member.bytes for member in members)
        yield Result(
            id=f"rest.{name}",
            title=f"{size(bytes_):>8} {_share(bytes_, total)}, {len(members)} tables"
            " and sequences",
            status=Status.PASS,
            evidence={"bytes": bytes_, "relations": len(members)},
        )


def _total(tables: Sequence[Table], total: int, past: Sequence[Past]) -> Result:
    """Show the sum beside what the provider measures."""
    summed = sum(table.bytes for table in tables)
    grown = {each.days: total - each.database_bytes for each in past}
    beside = total - summed
    told = f"{size(total)}: {size(summed)} in tables, {size(beside)} beside them"
    told += "".join(f"; {_sign(value)} in {days} d" for days, value in grown.items())
    return Result(
        id="total.database",
        title=told,
        status=Status.PASS,
        evidence={
            "database_bytes": total,
            "tables_bytes": summed,
            "beside_bytes": beside,
            "growth_bytes": {f"{days}d": value for days, value in grown.items()},
            "snapshots": {f"{e.days}d": e.taken_at.isoformat() for e in past},
        },
    )


def _grown(past: Sequence[Past], now: int, name: str) -> dict[int, int]:
    """Say by how much a table grew, by days; nothing where it was not measured."""
    return {each.days: now - each.tables[name] for each in past if name in each.tables}


def _share(part: int, total: int) -> str:
    """Write a share of the database.

    >>> _share(1, 3), _share(1, 300)
    ('33%', '<1%')
    """
    if not part or not total:
        return "0%"
    return f"{part / total:.0%}" if part / total >= 0.01 else "<1%"


def _sign(change: int) -> str:
    """Write a change with its sign."""
    return size(change) if change < 0 else f"+{size(change)}"
