"""One read-only transaction in which a task looks at the database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.rows import TupleRow, class_row, dict_row

from deploy.database import connect, explained

Connection = psycopg.Connection[TupleRow]
Row = TypeVar("Row")

STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 1_000
"""Looking waits for nobody for long: who looks holds back a waiting ALTER TABLE, and
with it every query behind that one."""

_SETTINGS = """
select set_config('statement_timeout', %s, true),
       set_config('lock_timeout', %s, true),
       set_config('search_path', 'pg_catalog, pg_temp', true)
"""
# The path of the app's role counts for its queries, and it is not ours to guess; with
# this one every name is written with its schema.

OTHERS = (
    "auth",
    "cron",
    "extensions",
    "graphql",
    "graphql_public",
    "information_schema",
    "net",
    "pgbouncer",
    "pgsodium",
    "pgsodium_masks",
    "realtime",
    "storage",
    "supabase_functions",
    "supabase_migrations",
    "vault",
)
"""Schemas that belong to Supabase or to extensions: nothing there is the app's to tune,
their sizes count all the same."""


@contextmanager
def looking(url: str, doing: str) -> Iterator[Connection]:
    """Open a transaction that can change nothing and ends with nothing.

    Everything is in one transaction, since the settings must reach each statement
    behind a transaction pooler as well.

    Args:
        url: Connection URI of the database.
        doing: What is done there, for the text of an error.
    """
    with connect(url, autocommit=False) as connection:
        connection.read_only = True
        with explained(connection, doing):
            limits = (f"{STATEMENT_TIMEOUT_MS}ms", f"{LOCK_TIMEOUT_MS}ms")
            connection.execute(_SETTINGS, limits)
            yield connection
            connection.rollback()


def rows(
    connection: Connection,
    query: str,
    parameters: Mapping[str, object] | Sequence[object] | None = None,
) -> list[dict[str, Any]]:
    """Run a query; give its rows by column."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def facts(
    connection: Connection,
    kind: type[Row],
    query: str,
    parameters: Mapping[str, object] | None = None,
) -> list[Row]:
    """Run a query; give its rows as objects whose fields are its columns."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()
