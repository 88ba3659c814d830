"""Let the partitioned table take over, in one short transaction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from deploy.logs import copying
from deploy.logs.places import (
    KEY_INDEX,
    LIVE,
    NEXT,
    TRIGGER,
    Connection,
    check_name,
    old_name,
)
from deploy.logs.waiting import patiently

Progress = Callable[[str], None]

LOCK = f"lock table {LIVE}, {NEXT} in access exclusive mode"

# 63 bytes are what a name may have.
RENAMES = """
select format('alter index %%s rename to %%I', i.indexrelid::regclass,
    left(x.relname, 40) || %(suffix)s)
  from pg_index i join pg_class x on x.oid = i.indexrelid
 where i.indrelid = %(table)s::regclass
 order by x.relname
"""
PRIMARY = """
select quote_ident(k.conname), string_agg(quote_ident(a.attname), ', ' order by n.n)
  from pg_constraint k
 cross join lateral unnest(k.conkey) with ordinality n (attnum, n)
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.attnum
 where k.conrelid = %s::regclass and k.contype = 'p'
 group by k.conname
"""
LOGGED = (
    "insert into kiloscale.run_log (job, finished_at, rows, batches, detail)"
    " values (%s, clock_timestamp(), %s, 1, %s::jsonb)"
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """An identity column that changes tables.

    Attributes:
        drop: The statement that takes it from the old table.
        add: The statement that gives it to the new one.
        last: The query for the last value of its sequence.
        sequence: Name of the new sequence.
    """

    drop: str
    add: str
    last: str
    sequence: str


def swap(conn: Connection, boundary: date, progress: Progress) -> None:
    """Give the name to the partitioned table, with the old one as its first part."""
    progress("swapping")
    old = f"kiloscale.{old_name(boundary)}"
    key = old_key(conn)
    columns = identities(conn, f"public.{old_name(boundary)}")
    serials = copying.rows(conn, copying.SERIALS, {"source": LIVE, "target": LIVE})
    before = [
        LOCK,
        f"drop trigger {TRIGGER} on {LIVE}",
        *copying.statements(conn, copying.DROP_TRIGGERS, LIVE, LIVE),
        *_new_key(conn, key),
    ]
    before = list(dict.fromkeys(before))  # ours is among the triggers
    suffix = {"table": LIVE, "suffix": f"_until_{boundary:%Y%m%d}"}
    views = copying.statements(conn, copying.VIEWS, LIVE, LIVE)
    grants = copying.statements(conn, copying.GRANTS, LIVE, LIVE)
    published = _published(conn, boundary)

    def take_over() -> None:
        copying.run(conn, before)
        lasts = last_values(conn, columns)
        copying.run(conn, [row[0] for row in copying.rows(conn, RENAMES, suffix)])
        copying.run(
            conn,
            [
                *(row[0] for row in serials),
                f"alter table {LIVE} rename to {old_name(boundary)}",
                f"alter table {NEXT} rename to edge_function_logs",
                "alter table kiloscale.edge_function_logs set schema public",
            ],
        )
        move_identities(conn, columns, lasts)
        copying.run(
            conn,
            [
                *(row[1] for row in serials),
                *published,
                f"alter table public.{old_name(boundary)} set schema kiloscale",
                (
                    f"alter table {LIVE} attach partition {old} for values"
                    f" from (minvalue) to ('{boundary} 00:00:00+00')"
                ),
                f"alter table {old} drop constraint {check_name(boundary)}",
                *grants,
                *views,
            ],
        )
        detail = json.dumps({"converted_until": f"{boundary}", "key": key})
        conn.execute(LOGGED, ["db.convert-logs", 0, detail])

    patiently(conn, take_over, progress, tables=(LIVE, NEXT))
    progress("analysing")
    conn.execute(f"analyze {LIVE}".encode())
    conn.execute("select kiloscale.seal()")


def _published(conn: Connection, boundary: date) -> list[str]:
    """Move it in the publications; written before it has the other name."""
    found = copying.statements(conn, copying.PUBLICATIONS, LIVE, LIVE)
    moved = f"public.{old_name(boundary)}"
    return [
        text.replace(f" drop table {LIVE}", f" drop table {moved}") for text in found
    ]


def old_key(conn: Connection) -> str | None:
    """Give the primary key that the old table gives up; ``None`` if it has none."""
    has = conn.execute("select to_regclass(%s)", [f"public.{KEY_INDEX}"]).fetchone()
    row = conn.execute(PRIMARY.encode(), [LIVE]).fetchone()
    return str(row[1]) if row and has and has[0] else None


def _new_key(conn: Connection, key: str | None) -> list[str]:
    """Replace the primary key of the old table by the index that was built."""
    row = conn.execute(PRIMARY.encode(), [LIVE]).fetchone()
    if row is None or key is None:
        return []
    return [
        f"alter table {LIVE} drop constraint {row[0]}",
        (
            f"alter table {LIVE} add constraint {row[0]} primary key using index"
            f" {KEY_INDEX}"
        ),
    ]


def identities(conn: Connection, named: str) -> list[Column]:
    """Read the identity columns of the live table.

    Args:
        conn: A session whose search path is empty.
        named: How the table that loses them is called when they move.
    """
    values = {"source": LIVE, "target": LIVE, "schema": "public"}
    return [
        Column(
            drop=drop.replace(f"alter table {LIVE} ", f"alter table {named} "),
            add=add,
            last=last,
            sequence=sequence,
        )
        for drop, add, last, sequence in copying.rows(conn, copying.IDENTITY, values)
    ]


def last_values(
    conn: Connection, columns: Sequence[Column]
) -> list[tuple[object, ...]]:
    """Read how far the sequences are, under the lock that stops all writers."""
    return [
        row for each in columns for row in conn.execute(each.last.encode()).fetchall()
    ]


def move_identities(
    conn: Connection, columns: Sequence[Column], lasts: Sequence[tuple[object, ...]]
) -> None:
    """Move the identity columns, whose sequences go on where they were."""
    for column, last in zip(columns, lasts, strict=True):
        copying.run(conn, [column.drop, column.add])
        conn.execute("select setval(%s, %s, %s)", [column.sequence, *last])
