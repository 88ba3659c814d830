"""Fill the shadow: rows in small batches, then what is cheaper to make afterwards."""

import time
from collections.abc import Callable, Iterator

from psycopg import sql

from deploy.migrations.session import Connection
from deploy.partitioning import notes
from deploy.partitioning.patience import Patience, patiently

BATCH_S = 0.2
"""Aim of one batch: short enough that a kill loses little and nothing is held long."""

BLOCKS_FIRST = 64
BLOCKS_MAX = 4_096  # 32 MiB of 8 KiB blocks
TELL_S = 2.0

STEP = "select copied, blocks_left from kiloscale.partition_copy_step(%s, %s)"
BEGIN_LOG = "insert into kiloscale.run_log (job) values ('partition_copy') returning id"
END_LOG = "update kiloscale.run_log set finished_at = clock_timestamp() where id = %s"
MISSING_INDEXES = (
    "select shadow_name, name, statement from kiloscale.partition_indexes()"
    " where not is_there"
)
UNCHECKED = """
select k.conrelid::regclass::text, k.conname
  from pg_partition_tree('kiloscale.messages_shadow') t
  join pg_constraint k on k.conrelid = t.relid and k.contype = 'f'
 where t.isleaf and not k.convalidated order by 1, 2
"""
ADD_KEYS = "select kiloscale.partition_add_keys(%s)"
JOIN_KEYS = "select kiloscale.partition_join_keys(%s)"
REFERENCED = """
select distinct confrelid::regclass::text from pg_constraint
 where conrelid = 'public.messages'::regclass and contype = 'f'
"""


def copy_rows(
    conn: Connection, load: int, progress: Callable[[str], None]
) -> tuple[int, float]:
    """Copy until no block is left; give the rows and the seconds.

    Args:
        conn: In autocommit mode; each batch is a transaction.
        load: Percentage of the time in which it works (1 to 100); it rests for the
            remainder.
        progress: Told every two seconds.
    """
    began = told_at = time.monotonic()
    run_id = _number(conn, BEGIN_LOG)
    blocks, rows, total = BLOCKS_FIRST, 0, 0
    while True:
        batch_began = time.monotonic()
        row = conn.execute(STEP, [blocks, run_id]).fetchone()
        copied, left = (int(row[0]), int(row[1])) if row else (0, 0)
        took = time.monotonic() - batch_began
        rows += copied
        total = total or left + blocks
        if not left:
            break
        if time.monotonic() - told_at > TELL_S:
            told_at = time.monotonic()
            progress(told(rows, 1 - left / total, told_at - began))
        blocks = next_blocks(blocks, took)
        time.sleep(took * (100 - load) / load)
    conn.execute(END_LOG, [run_id])
    return rows, time.monotonic() - began


def next_blocks(blocks: int, took_s: float) -> int:
    """Size the next batch by the last one.

    >>> next_blocks(64, 0.1), next_blocks(64, 0.4), next_blocks(4_000, 0.01)
    (128, 32, 4096)
    """
    wanted = int(blocks * min(2.0, max(0.5, BATCH_S / max(took_s, 1e-6))))
    return max(1, min(BLOCKS_MAX, wanted))


def told(rows: int, share: float, seconds: float) -> str:
    """Say how far the copy is.

    >>> told(500_000, 0.25, 10.0)
    'copied 25 %, 500,000 rows, about 30 s left'
    """
    left = seconds / share - seconds if share > 0 else 0
    return f"copied {share * 100:.0f} %, {rows:,} rows, about {left:.0f} s left"


def build_indexes(conn: Connection, progress: Callable[[str], None]) -> Iterator[str]:
    """Build what is missing of the indexes; yield the name of each.

    Nobody else uses the shadow: a plain build stops nobody.
    """
    for _, name, statement in conn.execute(MISSING_INDEXES).fetchall():
        progress(f"building index {name} on the partitions")
        conn.execute(str(statement).encode())
        yield str(name)


def add_keys(conn: Connection, patience: Patience) -> int:
    """Give the shadow the foreign keys of messages, checked; give how many checks."""
    tables = [str(row[0]) for row in conn.execute(REFERENCED).fetchall()]
    patiently(
        conn,
        "adding foreign keys",
        lambda: conn.execute(ADD_KEYS, [patience.lock_ms]),
        patience,
        tables,
    )
    # Whatever was deleted before the keys were there is noted.
    notes.catch_up(conn, patience.tell)
    unchecked = conn.execute(UNCHECKED).fetchall()
    for number, (part, name) in enumerate(unchecked, start=1):
        patience.tell(f"checking foreign keys, {number} of {len(unchecked)}")
        statement = sql.SQL("alter table {} validate constraint {}").format(
            sql.SQL(str(part)), sql.Identifier(str(name))
        )
        conn.execute(statement)
    patiently(
        conn,
        "joining foreign keys",
        lambda: conn.execute(JOIN_KEYS, [patience.lock_ms]),
        patience,
        tables,
    )
    return len(unchecked)


def _number(conn: Connection, query: str) -> int:
    """Run a query of ours that gives one number."""
    row = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
