"""The verdicts of ``db.index-usage`` as results of a checklist."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from deploy.amounts import duration, number, size
from deploy.checklist import Result, Status
from deploy.inspection import (
    counters,
    declared_indexes,
    foreign_keys,
    hot_queries,
    index_facts,
)
from deploy.inspection.access import Connection
from deploy.inspection.counters import Counters
from deploy.inspection.declared_indexes import DeclaredIndex
from deploy.inspection.foreign_keys import ForeignKey, serving
from deploy.inspection.index_facts import Index
from deploy.inspection.index_verdicts import Judged, Surroundings, Verdict, judge


def look(connection: Connection, days: int) -> Iterator[Result]:
    """Judge every index, then say which are missing.

    Args:
        connection: A read-only transaction.
        days: Age of the statistics from which a count of 0 means something.
    """
    judged, counted = judge_all(connection, days)
    indexes = [each.index for each in judged]
    keys = foreign_keys.read(connection)
    wanted = declared_indexes.declared()
    yield _counters(counted, days)
    for each in judged:
        yield _result(each)
    yield from _missing(connection, wanted, indexes)
    yield from (_key(key, indexes) for key in keys if not serving(key, indexes))
    yield from hot_queries.scanned(connection)
    yield _droppable(judged)


def judge_all(connection: Connection, days: int) -> tuple[list[Judged], Counters]:
    """Judge every index; say since when the server counts their uses.

    Args:
        connection: A read-only transaction.
        days: Age of the statistics from which a count of 0 means something.
    """
    indexes = index_facts.read(connection)
    counted = counters.read(connection)
    around = Surroundings(
        indexes=indexes,
        keys=foreign_keys.read(connection),
        counters=counted,
        declared={f"{each.schema}.{each.name}" for each in declared_indexes.declared()},
        trusted_after=timedelta(days=days),
    )
    return [judge(index, around) for index in indexes], counted


def _counters(counted: Counters, days: int) -> Result:
    """Say how far the counts can be trusted."""
    title = f"uses are counted for {duration(counted.age)}, at least"
    young = counted.age < timedelta(days=days)
    if young:
        title += f": below {days} d, a count of 0 says little"
    if counted.has_replicas:
        title += "; replicas count on their own"
    return Result(
        id="statistics.age",
        title=title,
        status=Status.PASS,
        evidence=counted.as_evidence() | {"trusted_after_days": days},
    )


def _result(judged: Judged) -> Result:
    """Make the result of one index."""
    index = judged.index
    status, remedy = Status.PASS, None
    if judged.verdict is Verdict.INVALID:
        status = Status.FAIL
        remedy = f"reindex index concurrently {index.qualified};"
    elif judged.verdict is Verdict.BUILDING:
        status = Status.PENDING
    elif judged.is_droppable:
        status, remedy = Status.WARN, index.drop
    return Result(
        id=f"{_group(index.schema, index.table)}.{index.name}",
        title=_title(judged),
        status=status,
        evidence=_evidence(judged),
        remedy=remedy,
    )


def _group(schema: str, table: str) -> str:
    """Give the heading of an index: its table, or the schema if it is ours."""
    if schema == "kiloscale":
        return schema
    return table if schema == "public" else f"{schema}/{table}"


def _title(judged: Judged) -> str:
    """Say size, uses and verdict of an index on one line."""
    index = judged.index
    told = str(judged.verdict)
    if judged.verdict is Verdict.INVALID:
        told = "INVALID: it slows writes and serves no query"
    if judged.verdict is Verdict.DUPLICATE and judged.other:
        told = f"duplicate of {judged.other.name}"
    if judged.verdict is Verdict.COVERED and judged.other:
        told = f"covered by {judged.other.name}"
    parts = [size(index.bytes), f"{number(index.scans)} scans", told]
    # One reason to keep it is enough to read; the evidence has all.
    reasons = [*judged.keeps[:1], *judged.cautions]
    if judged.verdict is Verdict.USED:
        reasons = []
    title = ", ".join(parts)
    if index.parts:
        title += f" ({index.parts} partitions)"
    if judged.is_droppable:
        title += "; safe to drop"
    return title + "".join(f"; {reason}" for reason in reasons)


def _evidence(judged: Judged) -> dict[str, object]:
    """Give what the verdict rests on, and both directions."""
    index = judged.index
    last = index.last_scan_at
    return {
        "index": index.qualified,
        "table": index.table_name,
        "verdict": judged.verdict.value,
        "droppable": judged.is_droppable,
        "bytes": index.bytes,
        "scans": index.scans,
        "last_scan": last.isoformat() if last else None,
        "partitions": index.parts,
        "writes": {"inserts": index.inserted, "non_hot_updates": index.moved},
        "other": judged.other.qualified if judged.other else None,
        "keeps": list(judged.keeps),
        "cautions": list(judged.cautions),
        "definition": index.definition,
        "drop": index.drop,
        "undo": index.rebuild,
    }


def _missing(
    connection: Connection, wanted: Sequence[DeclaredIndex], indexes: Sequence[Index]
) -> Iterator[Result]:
    """Name the indexes that a migration should have built."""
    there = {(index.schema, index.name) for index in indexes}
    for each in wanted:
        if (each.schema, each.name) in there:
            continue
        table = f"{each.schema}.{each.table}"
        found = connection.execute("select to_regclass(%s)", (table,)).fetchone()
        if not found or found[0] is None:
            continue
        yield Result(
            id=f"{_group(each.schema, each.table)}.{each.name}",
            title=f"missing: migration {each.version} builds it",
            status=Status.FAIL,
            evidence={"index": f"{each.schema}.{each.name}", "build": each.command},
            remedy=each.command,
        )


def _key(key: ForeignKey, indexes: Sequence[Index]) -> Result:
    """Say what a foreign key without an index costs."""
    told = f"no index: a delete in {key.referenced} reads all of {key.table_name}"
    cost = f"{number(key.rows)} rows, {size(key.pages * 8192)}"
    small = "; too small to matter" if key.is_small else ""
    partial = [
        index.name
        for index in indexes
        if index.table_name == key.table_name
        and index.predicate
        and index.columns[: len(key.columns)] == key.columns
    ]
    without = f"; {', '.join(partial)} is partial" if partial else ""
    return Result(
        id=f"foreign-keys.{key.name}",
        title=f"{told} ({cost}){small}{without}",
        status=Status.PASS if key.is_small else Status.FAIL,
        evidence={
            "table": key.table_name,
            "columns": key.names,
            "referenced": key.referenced,
            "rows": key.rows,
            "bytes": key.pages * 8192,
            "build": key.build,
        },
        remedy=None if key.is_small else key.build,
    )


def _droppable(judged: Sequence[Judged]) -> Result:
    """Add up what may go."""
    found = [each for each in judged if each.is_droppable]
    total = sum(each.index.bytes for each in found)
    told = f"{len(judged)} indexes, {size(sum(each.index.bytes for each in judged))}"
    if found:
        told += f"; {len(found)} may be dropped: {size(total)}"
    else:
        told += "; none may be dropped"
    return Result(
        id="total.indexes",
        title=told,
        status=Status.WARN if found else Status.PASS,
        evidence={
            "indexes": len(judged),
            "bytes": sum(each.index.bytes for each in judged),
            "droppable": [each.index.qualified for each in found],
            "droppable_bytes": total,
        },
    )
