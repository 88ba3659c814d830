"""Move the addresses of a column, call by call, until nothing is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from deploy.checklist import Result, Status
from deploy.errors import HalfDoneError, LockedError
from deploy.urls.columns import Column
from deploy.urls.looking import named
from deploy.urls.place import Connection

CALL = "call kiloscale.rewrite_urls(%s, %s, %s, %s, %s)"
LOGGED = """
select coalesce(sum(rows), 0), coalesce(sum(batches), 0), array_agg(id order by id)
  from kiloscale.run_log where job = 'cdn.rewrite-urls' and id > %s
"""
NEWEST = "select coalesce(max(id), 0) from kiloscale.run_log"
IS_FINISHED = """
select coalesce((select finished_at is not null from kiloscale.cdn_rewrite_state
  where tab = %(table)s and col = %(column)s and target = %(target)s), false)
"""
IS_UNDONE = """
select not exists (
    select from kiloscale.cdn_rewrites w where w.tab = %(table)s and w.col = %(column)s)
"""
KEPT = """
select tab, col, bool_or(old_hash is not null), count(*)
  from kiloscale.cdn_rewrites group by tab, col order by tab, col
"""
OFF = "update kiloscale.cdn_settings set is_on = false where is_on"

CALLS_MAX = 500
"""Calls, each of up to the time budget of a job, before a column is given up."""

TRIES_MAX = 20
"""Calls in a row that ended because somebody else had locked a row."""

PAUSE_S = 0.5
AGAIN = ("40P01", "40001", "55P03")
"""SQLSTATEs after which a batch is tried again: somebody writes the same rows."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be done with a column.

    Attributes:
        column: The column.
        target: ``cdn``, ``undo`` or ``origin``, as ``kiloscale.rewrite_urls`` has it.
        batch_rows: Rows looked at in one transaction.
    """

    column: Column
    target: str
    batch_rows: int


def move(conn: Connection, order: Order, progress: Callable[[str], None]) -> Result:
    """Move all that is due; each batch is committed by itself.

    Raises:
        LockedError: Another run is at work.
        HalfDoneError: Something stops it; what was done stays, the next run goes on.
    """
    conn.add_notice_handler(lambda notice: progress(notice.message_primary or ""))
    column = order.column
    newest = conn.execute(NEWEST).fetchone()
    before = int(newest[0]) if newest else 0
    began = time.monotonic()
    tries = 0
    for _ in range(CALLS_MAX):
        went_on = _call(conn, order)
        tries = 0 if went_on else tries + 1
        if went_on and _is_done(conn, order):
            return _result(conn, order, before, time.monotonic() - began)
        if tries > TRIES_MAX:
            break
        if not went_on:
            progress(f"{column.told}: somebody writes the same rows; trying again")
            time.sleep(PAUSE_S)
    raise HalfDoneError(
        f"{column.told}: rows stayed locked by others; what was done stays done",
        remedy="the same command again, in quieter hours: it goes on",
    )


def _call(conn: Connection, order: Order) -> bool:
    """Run the procedure once; give whether it ended well."""
    column = order.column
    given = (
        *(column.table, column.name, order.target, column.inside),
        order.batch_rows,
    )
    try:
        with named(column):
            conn.execute(CALL, given)
    except psycopg.errors.LockNotAvailable as error:
        if "already running" in str(error.diag.message_primary):
            raise LockedError(
                f"{error.diag.message_primary}; nothing was changed",
                remedy="wait for it to end, then the same again",
            ) from error
        return False
    except psycopg.errors.InsufficientPrivilege:
        raise  # `explained` says whose right is missing
    except psycopg.Error as error:
        if error.sqlstate in AGAIN:
            return False
        if conn.closed or error.sqlstate is None:
            raise
        # Its detail could show a row.
        raise HalfDoneError(
            f"{column.told}: {error.diag.message_primary} (SQLSTATE"
            f" {error.sqlstate}); its batch was rolled back, what was done before"
            " stays",
            remedy="put that right, then the same command again: it goes on",
            evidence={"sqlstate": error.sqlstate},
        ) from None
    return True


def _is_done(conn: Connection, order: Order) -> bool:
    """Tell whether the last call came to the end of the table."""
    given = {
        "table": order.column.table,
        "column": order.column.name,
        "target": order.target,
    }
    query = IS_UNDONE if order.target == "undo" else IS_FINISHED
    return conn.execute(query, given).fetchone() == (True,)


def _result(conn: Connection, order: Order, before: int, seconds: float) -> Result:
    """Report a column."""
    row = conn.execute(LOGGED, (before,)).fetchone() or (0, 0, [])
    rows, batches = int(row[0]), int(row[1])
    verb = "put back" if order.target == "undo" else "changed"
    return Result(
        id=f"urls.{order.column.told}",
        title=f"{rows:,} rows {verb} in {batches:,} commits",
        status=Status.PASS,
        evidence={
            "changed": rows,
            "batches": batches,
            "seconds": round(seconds, 2),
            "run_log": row[2],
        },
        remedy="./bootstrap cdn.rewrite-urls --undo"
        if rows and order.target == "cdn"
        else None,
        changed=rows > 0,
    )


def kept(conn: Connection) -> list[tuple[Column, int]]:
    """List the columns that can be undone, with the number of rows."""
    return [
        (Column(table=table, name=name, inside=inside), int(rows))
        for table, name, inside, rows in conn.execute(KEPT).fetchall()
    ]


def switch_off(conn: Connection) -> bool:
    """Have ``kiloscale.cdn_url`` give addresses of the project; tell if it did not."""
    return conn.execute(OFF).rowcount > 0
