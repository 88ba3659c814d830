"""The budgets of ``db.hot-queries`` as results of a checklist."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from deploy.amounts import size
from deploy.checklist import Result, Status, skipped
from deploy.inspection import explaining, top_statements
from deploy.inspection.access import Connection
from deploy.inspection.explaining import Explained, outline
from deploy.inspection.foreign_keys import SMALL_PAGES
from deploy.inspection.hot_paths import HOT_PATHS, LARGE, HotPath
from deploy.inspection.samples import Sample, Samples, missing, pick

PAGE_BYTES = 8192
MIGRATE = "./bootstrap deploy --only migrations"

_PAGES = """
select r.relname, sum(greatest(c.relpages, 0))
  from pg_class c
  join pg_class r on r.oid = coalesce(pg_partition_root(c.oid), c.oid)
 where r.relnamespace = to_regnamespace('public') and r.relname = any (%s)
   and c.relkind in ('r', 'p')
 group by 1
"""

_ABSENT = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidSchemaName,
)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a hot query did.

    Attributes:
        path: The query.
        worst: Its execution that touched the most pages, warm.
        cold_ms: Time of that execution's first run; ``None`` if it was not run.
        grown: Its plan as if the tables were large; ``None`` where they are, or where
            the plan reads none of them as a whole.
        samples: Rows of the data with which it was tried; 0 if there are none.
    """

    path: HotPath
    worst: Explained
    cold_ms: float | None
    grown: Explained | None
    samples: int


def look(connection: Connection, name: str) -> Iterator[Result]:
    """Try every hot query, or one and print its plan, then the server's own list."""
    if lacks := missing(connection):
        reason = f"this database lacks {', '.join(lacks)}: nothing can be tried"
        yield skipped("queries.all", reason, MIGRATE)
    else:
        samples = pick(connection)
        pages = table_pages(connection)
        for path in HOT_PATHS:
            if name in ("", path.name):
                yield _tried(connection, path, samples, pages, explain=bool(name))
    if not name:
        yield from top_statements.look(connection)


def scanned(connection: Connection) -> Iterator[Result]:
    """Name the hot queries that read a large table as a whole; run none."""
    pages = table_pages(connection)
    for path in HOT_PATHS:
        try:
            with connection.transaction():
                values = path.values(Sample())
                found = explaining.plan_without_scans(
                    connection, path.statement, values
                )
        except _ABSENT:
            continue
        if scans := [table for table in found.scanned if table in LARGE]:
            yield Result(
                id=f"hot-queries.{path.name}",
                title=_reads_all(scans, pages) + "; no index serves it",
                status=Status.FAIL,
                evidence={"query": path.name, "of": path.of, "tables": scans},
                remedy=f"./bootstrap db.hot-queries --explain {path.name}",
            )


def table_pages(connection: Connection) -> dict[str, int]:
    """Read the pages of the tables that grow, by name."""
    found = connection.execute(_PAGES, (list(LARGE),)).fetchall()
    return {str(name): int(str(pages)) for name, pages in found}


def _tried(
    connection: Connection,
    path: HotPath,
    samples: Samples,
    pages: dict[str, int],
    *,
    explain: bool,
) -> Result:
    """Try one query and judge it."""
    chosen: Sequence[Sample] = getattr(samples, path.sample)
    try:
        with connection.transaction():
            tried = _try(connection, path, chosen, pages)
    except _ABSENT as error:
        reason = f"this database lacks it: {error.diag.message_primary}"
        return skipped(f"{path.of}.{path.name}", reason, MIGRATE)
    return _judged(tried, pages, explain=explain)


def _try(
    connection: Connection,
    path: HotPath,
    samples: Sequence[Sample],
    pages: dict[str, int],
) -> Tried:
    """Run a query with each sample, twice; plan it if it writes or there is no row."""
    worst, cold_ms = None, None
    for sample in samples or [Sample()]:
        values = path.values(sample)
        if path.writes or not samples:
            found = explaining.plan(connection, path.statement, values)
            first = found
        else:
            first = explaining.run(connection, path.statement, values)
            found = explaining.run(connection, path.statement, values)
        if worst is None or found.pages > worst.pages:
            worst, cold_ms = found, first.ms
    assert worst is not None  # noqa: S101 - there is one sample at least
    grown = None
    if any(pages.get(table, 0) < SMALL_PAGES for table in _scans(worst)):
        values = path.values(samples[0] if samples else Sample())
        grown = explaining.plan_without_scans(connection, path.statement, values)
    return Tried(
        path=path, worst=worst, cold_ms=cold_ms, grown=grown, samples=len(samples)
    )


def _scans(explained: Explained) -> list[str]:
    """Give the tables that grow among those that a plan reads as a whole."""
    return [table for table in explained.scanned if table in LARGE]


def _judged(tried: Tried, pages: dict[str, int], *, explain: bool) -> Result:
    """Hold a query to its budget."""
    path, found = tried.path, tried.worst
    status, told = _verdict(tried, pages)
    title = ", ".join([*_measured(tried), *told])
    if explain:
        title += "\n" + "\n".join(outline(found.plan))
    remedy = f"./bootstrap db.hot-queries --explain {path.name}"
    return Result(
        id=f"{path.of}.{path.name}",
        title=title,
        status=status,
        evidence={
            "ms": found.ms,
            "planning_ms": found.planning_ms,
            "first_run_ms": tried.cold_ms,
            "pages": found.pages,
            "pages_not_in_memory": found.pages_read,
            "rows": found.rows,
            "indexes": found.indexes,
            "reads_all_of": found.scanned,
            "samples": tried.samples,
            "budget": {"ms": path.budget_ms, "pages": path.budget_pages},
            "plan": list(outline(found.plan)),
        },
        remedy=None if status is Status.PASS or explain else remedy,
    )


def _measured(tried: Tried) -> list[str]:
    """Say what a query took and which indexes it reads."""
    found = tried.worst
    parts = []
    if found.ms is not None:
        parts = [f"{found.ms:.2f} ms", f"{found.pages:,} pages", f"{found.rows:,} rows"]
    elif tried.path.writes:
        parts = ["planned, it writes"]
    else:
        parts = ["planned, there are no rows"]
    shown = tried.grown or found
    if shown.indexes:
        more = len(shown.indexes) - 1
        parts.append(f"by {shown.indexes[0]}" + (f" and {more} more" if more else ""))
    return parts


def _verdict(tried: Tried, pages: dict[str, int]) -> tuple[Status, list[str]]:
    """Judge what a query reads as a whole, then its pages, then its time.

    Pages are the same on every run, so that too many fail it; time is not, and warns.
    """
    path, found = tried.path, tried.worst
    large = [table for table in _scans(found) if pages.get(table, 0) >= SMALL_PAGES]
    if large:
        return Status.FAIL, [_reads_all(large, pages)]
    if tried.grown and (hopeless := _scans(tried.grown)):
        return Status.FAIL, [_reads_all(hopeless, pages), "no index serves it"]
    if found.pages > path.budget_pages:
        return Status.FAIL, [f"above its budget of {path.budget_pages:,} pages"]
    if found.ms is not None and found.ms > path.budget_ms:
        return Status.WARN, [f"above its budget of {path.budget_ms:g} ms"]
    if tried.grown:
        return Status.PASS, [f"once {', '.join(_scans(found))} has grown"]
    return Status.PASS, []


def _reads_all(tables: Sequence[str], pages: dict[str, int]) -> str:
    """Name the tables that are read as a whole, with their sizes."""
    told = (f"{each} ({size(pages.get(each, 0) * PAGE_BYTES)})" for each in tables)
    return f"reads all of {', '.join(told)}"
