"""Prepare a conversion: everything that may take time, while the app writes.

Each stage is a transaction of its own, looks before it acts, and leaves a table that
takes every line: a conversion that was cut off goes on with the next call.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import psycopg

from deploy.errors import DeployError
from deploy.logs import copying
from deploy.logs.places import (
    KEY_INDEX,
    LIVE,
    NEXT,
    TRIGGER,
    Connection,
    check_name,
    look,
)
from deploy.logs.waiting import patiently

Progress = Callable[[str], None]

DAYS_BEFORE = 2
"""The first day of its own comes so many days after today: until then an undo has
nothing to move."""

DAYS_AHEAD = 14
"""As many as the job keeps ready."""

CREATE = f"""
create table {NEXT} (like {LIVE} including defaults including constraints
    including generated including comments including storage including statistics
    including compression)
partition by range (created_at)
"""

KEY = """
select string_agg(quote_ident(a.attname), ', ' order by n.n)
  from pg_constraint k
 cross join lateral unnest(k.conkey) with ordinality n (attnum, n)
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.attnum
 where k.conrelid = %s::regclass and k.contype = 'p'
having not bool_or(a.attname = 'created_at')
"""


def first_day(now: datetime) -> date:
    """Give the first day that gets a partition of its own.

    >>> first_day(datetime(2026, 11, 26, 23, 59, tzinfo=UTC))
    datetime.date(2026, 11, 28)
    """
    return now.astimezone(UTC).date() + timedelta(days=DAYS_BEFORE)


def build(conn: Connection, boundary: date, progress: Progress) -> None:
    """Make the partitioned table that takes over, empty and with all that the old has.

    Raises:
        DeployError: The server refuses to make it so; says why.
    """
    progress("making the partitioned table")

    def make() -> None:
        conn.execute(CREATE.encode())
        for query in (
            copying.OWNER,
            copying.KEYS,
            copying.INDEXES,
            copying.TRIGGERS,
            copying.POLICIES,
            copying.COMMENTS,
        ):
            copying.run(conn, copying.statements(conn, query, LIVE, NEXT))
        conn.execute(
            "select kiloscale.attach_log_partition(%s, %s, 'default')",
            [NEXT, "edge_function_logs_rest"],
        )
        conn.execute(
            "select kiloscale.attach_log_day(%s, %s::date + n)"
            " from generate_series(0, %s) n",
            [NEXT, boundary, DAYS_AHEAD - DAYS_BEFORE],
        )

    try:
        patiently(conn, make, progress, tables=(LIVE,))
    except (psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
        raise DeployError(
            f"{LIVE} cannot be partitioned: {error.diag.message_primary}"
            f" (SQLSTATE {error.sqlstate}); nothing was changed",
            remedy="./bootstrap db.convert-logs --dry-run",
            evidence={"sqlstate": error.sqlstate},
        ) from error


def guard(conn: Connection, boundary: date, progress: Progress) -> None:
    """Send lines of later days to the new table, so that the old one has none.

    The constraint is what lets the server attach the old table without reading it. The
    trigger comes first, so that the constraint never refuses a line.
    """
    progress("guarding the boundary")
    texts = [
        f"lock table {LIVE} in access exclusive mode",
        (
            f"alter table {LIVE} add constraint {check_name(boundary)} check"
            f" (created_at is not null and created_at < '{boundary} 00:00:00+00')"
            " not valid"
        ),
        (
            f"create trigger {TRIGGER} before insert on {LIVE} for each row"
            f" when (new.created_at >= '{boundary} 00:00:00+00')"
            " execute function kiloscale.redirect_log_line()"
        ),
    ]
    patiently(conn, lambda: copying.run(conn, texts), progress, tables=(LIVE,))


def index_key(conn: Connection, progress: Progress) -> None:
    """Build the key of the old table that holds created_at, if it has none."""
    row = conn.execute(KEY, [LIVE]).fetchone()
    if row is None:
        return
    progress(f"building a unique index on ({row[0]}, created_at)")
    # Left invalid by a build that was cut off.
    conn.execute(f"drop index concurrently if exists public.{KEY_INDEX}".encode())
    conn.execute(
        f"create unique index concurrently {KEY_INDEX} on {LIVE}"
        f" ({row[0]}, created_at)".encode()
    )


def validate(conn: Connection, boundary: date, progress: Progress) -> None:
    """Let the server read all rows once; writers go on meanwhile.

    Raises:
        DeployError: A row does not fit; everything is as before.
    """
    progress("validating that every row lies before the boundary")
    texts = [f"alter table {LIVE} validate constraint {check_name(boundary)}"]
    try:
        patiently(conn, lambda: copying.run(conn, texts), progress, tables=(LIVE,))
    except psycopg.errors.CheckViolation as error:
        raise DeployError(
            f"{LIVE} holds rows without created_at, or of {boundary} and later; the"
            " logs work as before",
            remedy="./bootstrap db.convert-logs --undo",
        ) from error


def prepare(conn: Connection, progress: Progress) -> date:
    """Go through all stages that are not done; give the boundary."""
    seen = look(conn)
    boundary = (seen and seen.boundary) or first_day(datetime.now(UTC))
    if seen and not seen.is_prepared:
        build(conn, boundary, progress)
    boundary = _boundary_of_next(conn)
    if seen and seen.boundary is None:
        guard(conn, boundary, progress)
    if seen and not seen.has_key_index:
        index_key(conn, progress)
    if seen and not seen.is_validated:
        validate(conn, boundary, progress)
    return boundary


def _boundary_of_next(conn: Connection) -> date:
    """Read where the days of the prepared table begin."""
    row = conn.execute(
        "select min(p.low at time zone 'UTC')::date"
        " from kiloscale.log_partitions(%s) p where not p.is_default",
        [NEXT],
    ).fetchone()
    if row is None or row[0] is None:
        raise DeployError(
            f"{NEXT} has no days: somebody else made it",
            remedy="./bootstrap db.convert-logs --undo",
        )
    found: date = row[0]
    return found
