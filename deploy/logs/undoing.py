"""The way back from a conversion, before the swap and after it."""

from collections.abc import Callable
from datetime import date

import psycopg

from deploy.errors import DeployError
from deploy.logs import copying
from deploy.logs.places import KEY_INDEX, LIVE, NEXT, TRIGGER, Connection, check_name
from deploy.logs.swapping import LOGGED, identities, last_values, move_identities
from deploy.logs.waiting import patiently

Progress = Callable[[str], None]

MOVED_MAX = 200_000
"""Rows that the way back moves while writers wait: about a second."""

# The old table is in public by then, and the other one gone from there.
NAMES_BACK = """
select format('alter index public.%%I rename to %%I', child.relname, parent.relname)
  from pg_inherits h join pg_class child on child.oid = h.inhrelid
  join pg_class parent on parent.oid = h.inhparent
  join pg_index i on i.indexrelid = child.oid
 where i.indrelid = %(table)s::regclass
"""
CONVERTED = """
select l.detail ->> 'key', (select quote_ident(k.conname) from pg_constraint k
    where k.conrelid = %s::regclass and k.contype = 'p')
  from kiloscale.run_log l where l.job = 'db.convert-logs' order by l.id desc limit 1
"""


def abandon(conn: Connection, boundary: date | None, progress: Progress) -> int:
    """Take back a conversion before the swap; give the lines that were moved back."""

    def take_back() -> int:
        texts = [f"lock table {LIVE} in access exclusive mode"]
        if boundary:
            texts += [
                f"drop trigger if exists {TRIGGER} on {LIVE}",
                f"alter table {LIVE} drop constraint {check_name(boundary)}",
            ]
        copying.run(conn, texts)
        return _return_rows(conn, NEXT, LIVE)

    moved = patiently(conn, take_back, progress, tables=(LIVE, NEXT))
    conn.execute(f"drop index concurrently if exists public.{KEY_INDEX}".encode())
    return moved


def _return_rows(conn: Connection, source: str, target: str) -> int:
    """Move all rows of a table, and drop it; in the caller's transaction.

    Raises:
        DeployError: There are so many that writers would wait for too long.
    """
    there = conn.execute("select to_regclass(%s)", [source]).fetchone()
    if not (there and there[0]):
        return 0
    row = conn.execute(
        f"select count(*) from (select from {source} limit %s) x".encode(),  # noqa: S608
        [MOVED_MAX + 1],
    ).fetchone()
    if row and int(row[0]) > MOVED_MAX:
        raise DeployError(
            f"more than {MOVED_MAX:,} lines stand in the new partitions: moving them"
            " back would stop writers for seconds; nothing was changed",
            remedy="./bootstrap db.convert-logs --dry-run",
        )
    columns = conn.execute(
        "select string_agg(quote_ident(a.attname), ', ' order by a.attnum)"
        " from pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0"
        " and not a.attisdropped and a.attgenerated = ''",
        [source],
    ).fetchone()
    names = columns[0] if columns else ""
    done = conn.execute(
        f"insert into {target} ({names}) overriding system value"  # noqa: S608
        f" select {names} from {source}".encode()
    )
    conn.execute(f"drop table {source}".encode())
    return done.rowcount


def go_back(conn: Connection, old: str, progress: Progress) -> int:
    """Make the old table the plain one again; give the lines that were moved to it."""
    key = _build_key(conn, old, progress)
    short = old.partition(".")[2]
    columns = identities(conn, NEXT)
    serials = copying.rows(conn, copying.SERIALS, {"source": LIVE, "target": LIVE})
    views = copying.statements(conn, copying.VIEWS, LIVE, LIVE)
    triggers = copying.statements(conn, copying.TRIGGERS, LIVE, LIVE)
    grants = copying.statements(conn, copying.GRANTS, LIVE, LIVE)
    published = [
        text.replace(f" drop table {LIVE}", f" drop table {NEXT}")
        for text in copying.statements(conn, copying.PUBLICATIONS, LIVE, LIVE)
    ]

    def take_back() -> int:
        copying.run(conn, [f"lock table {LIVE} in access exclusive mode"])
        renames = [row[0] for row in copying.rows(conn, NAMES_BACK, {"table": old})]
        lasts = last_values(conn, columns)
        copying.run(
            conn,
            [
                *(row[0] for row in serials),
                f"alter table {LIVE} detach partition {old}",
                f"alter table {old} set schema public",
                f"alter table {LIVE} rename to edge_function_logs_next",
                "alter table public.edge_function_logs_next set schema kiloscale",
                *renames,
                f"alter table public.{short} rename to edge_function_logs",
                *published,
                *key,
            ],
        )
        move_identities(conn, columns, lasts)
        copying.run(conn, [*(row[1] for row in serials), *grants, *views])
        moved = _return_rows(conn, NEXT, LIVE)
        copying.run(conn, triggers)
        conn.execute(LOGGED, ["db.convert-logs --undo", moved, "{}"])
        return moved

    progress("swapping back")
    return patiently(conn, take_back, progress, tables=(LIVE,))


def _build_key(conn: Connection, old: str, progress: Progress) -> list[str]:
    """Build the key that the old table had; give the statements that put it back.

    Raises:
        DeployError: It is not unique any more.
    """
    row = conn.execute(CONVERTED.encode(), [LIVE]).fetchone()
    if row is None or row[0] is None:
        return []
    progress(f"building a unique index on ({row[0]})")
    conn.execute(f"drop index concurrently if exists kiloscale.{KEY_INDEX}".encode())
    try:
        conn.execute(
            f"create unique index concurrently {KEY_INDEX} on {old} ({row[0]})".encode()
        )
    except psycopg.errors.UniqueViolation as error:
        raise DeployError(
            f"({row[0]}) is not unique in {old} any more: the old primary key cannot"
            " be had back; nothing was changed",
            remedy="./bootstrap db.convert-logs --dry-run",
        ) from error
    return [
        f"alter table {LIVE} drop constraint {row[1]}",
        (
            f"alter table {LIVE} add constraint {row[1]} primary key using index"
            f" {KEY_INDEX}"
        ),
    ]
