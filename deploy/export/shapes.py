"""Tables of the export as one database has them: what is there, and how it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from deploy.export.catalog import By, Table
from deploy.export.columns import POSTGRES, Column, Kind
from deploy.export.manifest import Written

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

FOUND = """
select a.attname, t.typname
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_type t on t.oid = a.atttypid
 where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped
 order by a.attnum
"""

VERSIONED = "select {columns}, r.xmin::text::bigint as version from {table} r"

NO_TIME = "1970-01-01"
"""Day and month of rows without a time, or with an infinite one."""

ARCHIVED_BY_US = ("archived_through", "archived_through_id", "archive_hold", "moved_at")
"""Columns that Kiloscale added to the app's tables."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A table of the export in one database.

    Attributes:
        table: Its declaration.
        columns: What is written, in order.
        found: Columns of each of its sources that exist.
    """

    table: Table
    columns: tuple[Column, ...]
    found: dict[str, frozenset[str]]

    @property
    def written(self) -> list[Written]:
        """The columns as the manifest has them."""
        return [
            Written(name=each.name, kind=each.kind.name.lower())
            for each in self.columns
        ]

    def part(self) -> sql.Composed:
        """Give the expression of the day or month to which a row belongs."""
        if self.table.by is By.WHOLE:
            return sql.SQL("{}::date").format(sql.Literal(NO_TIME))
        return sql.SQL(
            "coalesce(date_trunc({}, case when isfinite(r.created_at)"
            " then r.created_at end at time zone 'UTC')::date, {}::date)"
        ).format(sql.Literal(self.table.by.value), sql.Literal(NO_TIME))

    def rows(self) -> sql.Composed:
        """Give all rows of all sources, with the version of each."""
        return sql.SQL(" union all ").join(
            sql.SQL(VERSIONED).format(
                columns=sql.SQL(", ").join(
                    self._from(source, name) for name in self._sources()
                ),
                table=sql.Identifier(*source.split(".")),
            )
            for source in self.found
        )

    def values(self) -> sql.Composed:
        """Give the expressions of the columns, over `rows` as ``r``."""
        return sql.SQL(", ").join(
            sql.SQL(each.kind.form.read).format(
                sql.SQL("r.{}").format(sql.Identifier(each.source))
            )
            if each.source in self._sources()
            else sql.SQL(each.kind.form.null).format()
            for each in self.columns
        )

    def key(self) -> sql.Composed:
        """Give one text for the key of a row."""
        return sql.SQL("concat_ws('|', {})").format(
            sql.SQL(", ").join(
                sql.SQL("r.{}").format(sql.Identifier(name)) for name in self.table.key
            )
        )

    def _sources(self) -> list[str]:
        """Name the columns that any source has, each once."""
        wanted = [*self.table.key, *(each.source for each in self.columns)]
        there = frozenset[str]().union(*self.found.values())
        return [name for name in dict.fromkeys(wanted) if name in there]

    def _from(self, source: str, name: str) -> sql.Composed:
        if name in self.found[source]:
            return sql.SQL("r.{}").format(sql.Identifier(name))
        return sql.SQL("null as {}").format(sql.Identifier(name))


def look(
    connection: "psycopg.Connection[TupleRow]",
    table: Table,
    *,
    include_text: bool,
    all_columns: bool,
) -> Shape | None:
    """Look at a table in the database.

    Args:
        connection: Where it is.
        table: Its declaration.
        include_text: Whether what users wrote is written as well.
        all_columns: Whether columns that the catalog does not know are, too.

    Returns:
        ``None`` if there is no such table, or it lacks its key.
    """
    found: dict[str, dict[str, str]] = {}
    for source in table.sources:
        rows = connection.execute(FOUND, (source,)).fetchall()
        if rows:
            found[source] = {str(name): str(kind) for name, kind in rows}
    first = found.get(table.sources[0])
    needed = {*table.key, *(["created_at"] if table.by else [])}
    if first is None or needed - first.keys():
        return None
    columns = [each for each in table.columns if include_text or not each.private]
    if all_columns and not table.keeps:
        columns += _unknown(table, first)
    return Shape(
        table=table,
        columns=tuple(columns),
        found={source: frozenset(names) for source, names in found.items()},
    )


def _unknown(table: Table, found: dict[str, str]) -> Sequence[Column]:
    """Make columns of what the app added to a table."""
    known = {each.name for each in table.columns} | set(ARCHIVED_BY_US)
    return [
        Column(name=name, kind=POSTGRES.get(kind, Kind.TEXT), private=True)
        for name, kind in found.items()
        if name not in known
    ]
