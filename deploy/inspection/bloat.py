"""The findings of ``db.bloat`` as results of a checklist."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg

from deploy.amounts import duration, number, size
from deploy.checklist import Result, Status, skipped
from deploy.inspection import bloat_facts, horizon, storage_settings
from deploy.inspection.access import Connection, rows
from deploy.inspection.bloat_facts import IndexSpace, Rows

MIB = 1024**2
SHOWN_BYTES = MIB
FREE_BYTES = 64 * MIB
FREE_SHARE = 0.3
"""Free space that is worth a command; new rows fill less of it anyway."""

INDEX_FREE_SHARE = 0.5
"""Random keys leave a third of each page empty, and would again after a rebuild."""

DEAD_MIN = 10_000
BEHIND = 2.0
"""So many times its threshold autovacuum lets pass only if it is stopped or held."""

THRESHOLD = 50
SCALE = 0.2
"""Autovacuum's defaults: 50 rows and a fifth of the table."""


def look(connection: Connection, *, exact: bool) -> Iterator[Result]:
    """Say what holds vacuum back, then what it has to do in each table."""
    yield from horizon.look(connection)
    tables = bloat_facts.read_tables(connection)
    if exact:
        schema = bloat_facts.statistics_schema(connection)
        if schema is None:
            yield skipped(
                "tables.exact",
                "pgstattuple is not installed: free space is estimated",
                "create extension pgstattuple;",
            )
        else:
            tables = [_measured(connection, schema, table) for table in tables]
    for table in tables:
        if table.bytes >= SHOWN_BYTES or table.dead >= DEAD_MIN:
            yield _table(table)
    for table in tables:
        yield from _settings(table)
    yield from _indexes(connection)


def _measured(connection: Connection, schema: str, table: Rows) -> Rows:
    """Replace the estimate of a plain table by what pgstattuple measures.

    Where the role may not, the estimate stays.
    """
    if table.bytes < SHOWN_BYTES:
        return table
    try:
        with connection.transaction():
            query = bloat_facts.EXACT.format(schema=schema)
            found = rows(connection, query, (table.id,))[0]
    except psycopg.errors.InsufficientPrivilege:
        return table
    return replace(
        table, bytes=int(found["bytes"]), free_bytes=int(found["free_bytes"])
    )


def _table(table: Rows) -> Result:
    """Judge the dead rows and the free space of one table."""
    status, told, remedy = _verdict(table)
    parts = [f"{number(table.dead)} dead of {number(table.live + table.dead)} rows"]
    if table.free_bytes is None:
        why = "its statistics are not ours to read"
        parts.append(
            f"{size(table.bytes)}, {why if table.analyzed_at else 'never analysed'}"
        )
    else:
        share = f"{table.free_bytes / table.bytes:.0%}" if table.bytes else "0%"
        parts.append(f"~{share} of {size(table.bytes)} free")
    if table.updates:
        hot = f"{table.hot / table.updates:.0%}"
        parts.append(f"HOT {hot} of {number(table.updates)} updates")
    vacuumed = table.vacuumed_at
    parts.append(
        f"vacuumed {duration(table.now - vacuumed)} ago"
        if vacuumed
        else "no vacuum yet"
    )
    return Result(
        id=f"{table.schema}.{table.table}",
        title=", ".join(parts) + told,
        status=status,
        evidence=_evidence(table),
        remedy=remedy,
    )


def _verdict(table: Rows) -> tuple[Status, str, str | None]:
    """Judge a table: status, what to add, and the command."""
    vacuum = f"vacuum (analyze) {table.qualified};"
    if table.dead >= DEAD_MIN and table.dead > BEHIND * _threshold(table):
        told = f"; autovacuum should have come at {number(_threshold(table))}"
        return Status.FAIL, f"{told}. Readers and writers go on", vacuum
    free = table.free_bytes or 0
    if free >= FREE_BYTES and free >= FREE_SHARE * table.bytes:
        told = (
            "; new rows fill it. To give it back locks out readers and writers while"
            " the table is written anew"
        )
        return Status.WARN, told, f"vacuum (full, analyze) {table.qualified};"
    unknown = table.free_bytes is None and table.analyzed_at is None
    if unknown and table.live >= DEAD_MIN:
        return Status.WARN, "; plans are guesses", f"analyze {table.qualified};"
    return Status.PASS, "", None


def _threshold(table: Rows) -> float:
    """Give the dead rows at which autovacuum comes, by the table's settings."""
    scale = float(table.settings.get("autovacuum_vacuum_scale_factor", SCALE))
    fixed = float(table.settings.get("autovacuum_vacuum_threshold", THRESHOLD))
    return fixed * table.parts + scale * table.rows


def _evidence(table: Rows) -> dict[str, object]:
    """Give what the verdict rests on."""
    return {
        "live": table.live,
        "dead": table.dead,
        "dead_share": round(table.dead_share, 4),
        "autovacuum_at": round(_threshold(table)),
        "heap_bytes": table.bytes,
        "free_bytes_estimated": table.free_bytes,
        "updates": table.updates,
        "hot_updates": table.hot,
        "vacuumed_at": table.vacuumed_at.isoformat() if table.vacuumed_at else None,
        "analyzed_at": table.analyzed_at.isoformat() if table.analyzed_at else None,
        "transaction_ids": table.ids,
        "settings": table.settings,
        "partitions": table.parts if table.is_partitioned else 0,
    }


def _settings(table: Rows) -> Iterator[Result]:
    """Name the storage settings that a table lacks and that would pay."""
    if table.schema != "public":
        return
    lacks = storage_settings.lacking(
        table.table,
        table.settings,
        updates=table.updates,
        hot=table.hot,
        rows=table.rows,
    )
    if not lacks:
        return
    yield Result(
        id=f"settings.{table.table}",
        title=f"lacks {', '.join(lacks)}: readers and writers go on while it is set,"
        " pages written from then on have it",
        status=Status.WARN,
        evidence={
            "lock": "SHARE UPDATE EXCLUSIVE",
            "set": storage_settings.command(table.qualified, lacks),
            "undo": storage_settings.undo(table.qualified, lacks),
        },
        remedy=storage_settings.command(table.qualified, lacks),
    )


def _indexes(connection: Connection) -> Iterator[Result]:
    """Name the indexes that are mostly empty, then add all up."""
    found = bloat_facts.read_indexes(connection, SHOWN_BYTES // 8192)
    empty = [each for each in found if _is_empty(each)]
    for each in empty:
        yield Result(
            id=f"indexes.{each.name}",
            title=f"~{each.free_bytes / each.bytes:.0%} of {size(each.bytes)} free; a"
            " rebuild lets readers and writers go on",
            status=Status.WARN,
            evidence={"bytes": each.bytes, "free_bytes_estimated": each.free_bytes},
            remedy=f"reindex index concurrently {each.qualified};",
        )
    total = sum(each.bytes for each in found)
    free = sum(each.free_bytes for each in found)
    share = f"{free / total:.0%}" if total else "0%"
    yield Result(
        id="indexes.all",
        title=f"{len(found)} from {size(SHOWN_BYTES)}, {size(total)}, ~{share} free;"
        f" {len(empty)} worth a rebuild",
        status=Status.PASS,
        evidence={
            "bytes": total,
            "free_bytes_estimated": free,
            "indexes": {each.qualified: each.free_bytes for each in found},
        },
    )


def _is_empty(index: IndexSpace) -> bool:
    """Tell whether a rebuild of an index would give much back."""
    free = index.free_bytes
    return free >= FREE_BYTES and free >= INDEX_FREE_SHARE * index.bytes
