"""The statements that take the most time, as ``pg_stat_statements`` counts them."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from deploy.checklist import Result, Status, skipped
from deploy.inspection.access import Connection, rows

SHOWN = 10
TEXT_MAX = 120

_WHERE = """
select n.nspname as schema from pg_extension e
  join pg_namespace n on n.oid = e.extnamespace
 where e.extname = 'pg_stat_statements'
"""

# Constants of a query are replaced by $1 and so on; those of other statements are not
# before PostgreSQL 16, and may be a password: only queries are read.
_READ = """
select s.queryid::text as id, s.query, s.calls, s.total_exec_time as total_ms,
       s.mean_exec_time as mean_ms, s.rows,
       (s.shared_blks_hit + s.shared_blks_read)::float8 / greatest(s.calls, 1) as pages,
       s.total_exec_time / nullif(sum(s.total_exec_time) over (), 0) as share
  from {view} s
 where s.dbid = (select oid from pg_database where datname = current_database())
   and s.query ~* ('^\\s*(--[^\\n]*\\n\\s*|/\\*.*?\\*/\\s*)*'
                   '(select|insert|update|delete|with|merge)\\M')
   and s.query !~* 'pg_stat_statements'
 order by s.total_exec_time desc
 limit {limit}
"""
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_LITERAL = re.compile(r"\$(\w*)\$.*?\$\1\$|[eEbBxX]?'(?:[^']|'')*'", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w$.])\d{5,}(?:\.\d+)?(?![\w.])")
HIDDEN = "<insufficient privilege>"


def look(connection: Connection) -> Iterator[Result]:
    """Show the top statements by total time, if the server counts them."""
    found = rows(connection, _WHERE)
    if not found:
        yield skipped(
            "top.statements",
            "pg_stat_statements is not installed in this database",
            "create extension pg_stat_statements;",
        )
        return
    view = sql.Identifier(found[0]["schema"], "pg_stat_statements")
    query = sql.SQL(_READ).format(view=view, limit=sql.Literal(SHOWN))
    try:
        with connection.transaction():
            top = rows(connection, query.as_string(connection))
    except (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.ObjectNotInPrerequisiteState,
    ) as error:
        yield skipped("top.statements", str(error.diag.message_primary))
        return
    for place, row in enumerate(top, start=1):
        yield _result(place, row)


def _result(place: int, row: dict[str, Any]) -> Result:
    """Show one statement."""
    share = f"{row['share']:.0%}" if row["share"] else "0%"
    told = (
        f"{share}, {row['calls']:,} calls, {row['mean_ms']:.2f} ms,"
        f" {row['pages']:,.0f} pages: {normalised(row['query'])}"
    )
    return Result(
        id=f"top.{place}",
        title=told,
        status=Status.PASS,
        evidence={
            "queryid": row["id"],
            "calls": row["calls"],
            "total_ms": round(row["total_ms"], 1),
            "mean_ms": round(row["mean_ms"], 3),
            "rows": row["rows"],
            "pages_per_call": round(row["pages"], 1),
            "share": round(row["share"] or 0, 4),
            "statement": normalised(row["query"]),
        },
    )


def normalised(query: str) -> str:
    r"""Give a statement on one line, without comments and without any constant.

    An entry that was evicted while it ran is kept as it was sent, constants included.

    >>> normalised("select 'Dear diary' -- mine\n from t where id = 123456")
    "select '...' from t where id = ..."
    """
    if query == HIDDEN:
        return "of another role, whose statements are hidden"
    bare = _LITERAL.sub("'...'", query)
    text = " ".join(_NUMBER.sub("...", _COMMENT.sub(" ", bare)).split())
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1]}…"
