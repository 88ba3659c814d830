"""Indexes that PostgreSQL will not use: left INVALID by a concurrent build that failed.

``CREATE INDEX CONCURRENTLY IF NOT EXISTS`` takes such a leftover for the index and does
nothing, so that the failure would stay for ever.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow, class_row

from deploy.migrations.statements import IndexBuild

Connection = psycopg.Connection[TupleRow]

FIND = """
select n.nspname as schema, c.relname as name, i.indrelid::regclass::text as table,
       i.indisvalid and i.indisready as is_valid, pg_get_indexdef(c.oid) as definition,
       (select p.pid from pg_stat_progress_create_index p
         where p.index_relid = c.oid limit 1) as builder_pid
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_namespace n on n.oid = c.relnamespace
"""


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index as the catalog has it.

    Attributes:
        schema: Its schema.
        name: Its name.
        table: Its table, qualified where the search path needs it.
        is_valid: Whether queries use it and writes maintain it.
        definition: The statement that would make it.
        builder_pid: Backend that is building it at this moment, if one is.
    """

    schema: str
    name: str
    table: str
    is_valid: bool
    definition: str
    builder_pid: int | None


def find_invalid(conn: Connection) -> list[Index]:
    """Find the INVALID indexes outside of the system's schemas, by name.

    One that a backend is building at this moment is not listed.
    """
    query = (
        FIND
        + """
     where not (i.indisvalid and i.indisready) and n.nspname !~ '^pg_'
     order by n.nspname, c.relname"""
    )
    with conn.cursor(row_factory=class_row(Index)) as cursor:
        found = cursor.execute(query).fetchall()
    return [index for index in found if index.builder_pid is None]


def find(conn: Connection, build: IndexBuild) -> Index | None:
    """Look up the index that a statement builds; ``None`` if it does not exist."""
    if build.name is None:
        return None
    query = (
        FIND
        + """
     where c.relname = %(name)s
       and c.relnamespace = coalesce(
           to_regnamespace(%(schema)s), to_regnamespace(current_schema()::text))"""
    )
    with conn.cursor(row_factory=class_row(Index)) as cursor:
        schema = None if build.schema is None else f'"{build.schema}"'
        values = {"name": build.name, "schema": schema}
        return cursor.execute(query, values).fetchone()


def drop(conn: Connection, index: Index) -> None:
    """Drop an index while readers and writers go on."""
    name = sql.Identifier(index.schema, index.name)
    conn.execute(sql.SQL("drop index concurrently if exists {}").format(name))
