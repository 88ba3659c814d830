"""What the app's columns hold, and what else a change of them sets off."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from deploy.checklist import Result, Status
from deploy.errors import UsageError
from deploy.urls.columns import HELP, WRITTEN_BY_PEOPLE, Column
from deploy.urls.place import Connection, Settings

COUNT = "select kiloscale.count_urls(%s, %s, %s, %s, %s, %s, %s, %s)"
PLAN = "select kiloscale.url_plan(%s, %s)"
IS_THERE = """
select exists (
    select from pg_attribute a
     where a.attrelid = to_regclass(%s) and a.attname = %s and not a.attisdropped)
"""
# Those of ours ask for nothing while addresses are moved (kiloscale.images_quiet).
TRIGGERS = """
select format('trigger %%s on %%s', t.tgname, %(told)s::text) from pg_trigger t
 where t.tgrelid = %(table)s::regclass and not t.tgisinternal and t.tgenabled <> 'D'
   and t.tgtype & 16 > 0 and t.tgname <> 'kiloscale_compress_images'
   and (t.tgattr::text = '' or exists (
        select from pg_attribute a where a.attrelid = t.tgrelid
           and a.attname = %(column)s and a.attnum = any (t.tgattr)))
 union all
select format('publication %%s of %%s', p.pubname, %(told)s::text)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_publication_tables p on (p.schemaname, p.tablename) = (n.nspname, c.relname)
  join pg_publication u on u.pubname = p.pubname and u.pubupdate
 where c.oid = %(table)s::regclass
 order by 1
"""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What a column holds.

    Attributes:
        column: The column.
        found: Counts by kind, and shapes of addresses without names.
    """

    column: Column
    found: dict[str, Any]

    @property
    def due(self) -> int:
        """Rows that a run would change."""
        return int(self.found["due"])


def existing(conn: Connection, columns: Sequence[Column]) -> list[Column]:
    """Leave out those of the known columns that the app does not have."""
    return [
        each
        for each in columns
        if each.is_named
        or conn.execute(IS_THERE, (each.quoted_table, each.name)).fetchone() == (True,)
    ]


def require(conn: Connection, columns: Sequence[Column]) -> None:
    """Refuse columns that cannot be changed, before any of them is.

    Raises:
        UsageError: There is no such column, or its rows cannot be told apart.
    """
    for each in columns:
        with named(each):
            conn.execute(PLAN, (each.table, each.name))


def count(conn: Connection, column: Column, target: str, settings: Settings) -> Counted:
    """Count what a column holds; reads its whole table.

    Raises:
        UsageError: There is no such column, or its rows cannot be told apart.
    """
    to, origin = settings.base_url, settings.origin_url
    if target == "origin":
        to, origin = origin, to
    with named(column):
        row = conn.execute(
            COUNT,
            (
                *(column.table, column.name, column.inside, target, to, origin),
                *(settings.every_host, settings.buckets),
            ),
        ).fetchone()
    return Counted(column=column, found=row[0] if row else {})


class named:  # noqa: N801 - reads as what it does
    """Turn what the database says of a column's name into a usage error."""

    def __init__(self, column: Column) -> None:
        self._column = column

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        """Raise a usage error in the place of some errors of the database."""
        wrong = (
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedColumn,
            psycopg.errors.InvalidTableDefinition,
            psycopg.errors.InvalidParameterValue,
        )
        if isinstance(error, wrong):
            raise UsageError(
                f"{self._column.told}: {error.diag.message_primary};"
                " nothing of it was changed",
                remedy=HELP,
            ) from error


def set_off(conn: Connection, columns: Sequence[Column]) -> list[str]:
    """Name the triggers and publications that each changed row would set off."""
    found: dict[str, None] = {}
    for each in columns:
        given = {
            "table": each.quoted_table,
            "column": each.name,
            "told": each.table,
        }
        with named(each):
            rows = conn.execute(TRIGGERS, given).fetchall()
        found.update({str(name): None for (name,) in rows})
    return list(found)


def looked(counted: Counted, *, planned: bool) -> Result:
    """Report a column."""
    found, column = counted.found, counted.column
    told = f"{counted.due:,} of {found['rows']:,} rows would be changed"
    if found.get("there"):
        told += f", {found['there']:,} name it already"
    lost = int(found.get("lose_parameters", 0))
    if lost:
        told += f"; {lost:,} have parameters that the CDN drops (only v counts there)"
    if found.get("paths"):
        told += f"; {found['paths']:,} are paths, which the app completes: left alone"
    if found.get("left"):
        told += f"; {found['left']:,} could not be put back exactly: left alone"
    return Result(
        id=f"urls.{column.told}",
        title=told,
        status=Status.WARN if lost else Status.PASS,
        evidence=found,
        planned=planned and counted.due > 0,
    )


def by_people(
    conn: Connection,
    named_ones: Sequence[Column],
    settings: Settings,
    progress: Callable[[str], None],
) -> Iterator[Result]:
    """Count what stands inside messages, which is left alone unless it is named."""
    others = {each.told for each in named_ones}
    for each in existing(conn, WRITTEN_BY_PEOPLE):
        if each.told in others:
            continue
        progress(f"reading {each.told}")
        found = count(conn, each, "cdn", settings)
        note = f"--inside {each.told} would change them" if found.due else "none is due"
        yield Result(
            id=f"urls.{each.told}",
            title=f"{found.due:,} rows hold addresses: left alone; {note}",
            status=Status.PASS,
            evidence=found.found,
        )
