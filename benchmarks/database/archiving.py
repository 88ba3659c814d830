"""Archiving what is archivable: the watermark beside an UPDATE of each message.

The plan sets `archived_at` on each message, of which it keeps a partial index. Its own
SQL finds them by NOT IN, which does not end within two minutes at the default work_mem;
the baseline finds them by a window function with 64 MB, so that what is compared is the
writing. It has the plan's indexes of messages, and ours has ours. Both run on a copy of
the same data after a checkpoint, with nobody beside them, and must archive the same
number of messages.

The longest transaction is the greatest age that pg_stat_activity shows of the backend,
looked at every 25 ms; the time to the next look is added.

Both have been looked at before, as a dry run does: in a live database the index of
conversations is in memory.

For the inserts beside it, an app inserts all the time. Spans of archiving and
idle ones take turns: a run takes half a second, so it is repeated, the watermarks
cleared between two (which belongs to neither side), until both sides have 3,000
inserts. An idle span lasts as long as the run before it.
"""

import time
from collections.abc import Callable, Iterator

import psycopg

from benchmarks.cluster import Database
from benchmarks.database.dataset import Data
from benchmarks.database.transactions import Timed, timed
from benchmarks.database.writers import inserting
from deploy.bench import Figure
from deploy.demo.traffic import percentile
from deploy.errors import DeployError

RATIO_MIN = 50
WAL_RATIO_MIN = 100
LONGEST_MAX_S = 0.5
INSERT_RATIO_MAX = 1.5

SAMPLES = 3_000
TURNS_MAX = 60
PAUSE_S = 0.2
"""After the watermarks are cleared, so that its writes are on the disk."""

PREPARE = (
    "alter table public.messages add column archived_at timestamptz",
    "create index on public.messages (archived_at) where archived_at is not null",
    # What the plan has and we have not, as in plan_side.sql: an UPDATE writes to each.
    "create index on public.messages (chat_id)",
    "create index on public.messages (chat_id, role, created_at)",
    "create index on public.messages (user_id)",
    "create index on public.messages (chat_id, message_number)",
    "create index on public.messages (created_at) where status <> 'complete'",
)
BASELINE = (
    "set work_mem = '64MB'",
    """
update public.messages m
   set archived_at = now()
  from (select x.id,
               row_number() over (
                   partition by x.chat_id order by x.created_at desc, x.id desc) as age
          from public.messages x
          join public.conversation_activity a on a.conversation_id = x.chat_id
         where a.last_activity_at < now() - interval '6 months') old
 where m.id = old.id and old.age > 100 and m.archived_at is null
""",
)
WARM = "select * from kiloscale.preview_archive_old_messages()"
BASELINE_COUNT = "select count(*) from public.messages where archived_at is not null"
OURS = "call kiloscale.run_archive_old_messages()"
OURS_COUNT = """
select rows from kiloscale.run_log where job = 'archive-old-messages'
 order by id desc limit 1
"""
CLEAR = """
update public.conversations set archived_through = null, archived_through_id = null
 where archived_through is not null
"""


def measure(progress: Callable[[str], None], data: Data) -> Iterator[Figure]:
    """Yield how much less work archiving is, and what it costs others."""
    with data.copy(progress) as database:
        with database.connect() as connection:
            for statement in PREPARE:
                connection.execute(statement.encode())
        _checkpoint(database)
        progress("archiving by an UPDATE of each message")
        timed(database, WARM)
        plan = timed(database, *BASELINE)
        planned = _count(database, BASELINE_COUNT)
    with data.copy(progress) as database:
        progress("archiving by the watermark")
        timed(database, WARM)
        ours = timed(database, OURS)
        archived = _count(database, OURS_COUNT)
        if planned != archived or not archived:
            raise DeployError(
                f"the plan's UPDATE archived {planned} messages and ours {archived}:"
                " nothing can be compared"
            )
        progress(
            f"{archived:,} messages: {plan.seconds:.1f} s,"
            f" {plan.wal_bytes / 1e6:,.0f} MB of WAL by UPDATE;"
            f" {ours.seconds:.2f} s, {ours.wal_bytes / 1e6:.1f} MB by watermark"
        )
        yield from _compared(plan, ours)
        _checkpoint(database)
        yield _inserts(progress, database)


def _checkpoint(database: Database) -> None:
    """Write to the disk what was changed before."""
    with psycopg.connect(database.stack.admin_url, autocommit=True) as admin:
        admin.execute("checkpoint")


def _compared(plan: Timed, ours: Timed) -> Iterator[Figure]:
    """Give the figures of the two runs."""
    yield Figure(
        id="database.archive_s",
        value=ours.seconds,
        unit="s",
        target=None,
        baseline=plan.seconds,
    )
    yield Figure(
        id="database.archive_ratio",
        value=plan.seconds / ours.seconds,
        unit="x",
        target=RATIO_MIN,
        at_least=True,
    )
    yield Figure(
        id="database.archive_wal_ratio",
        value=plan.wal_bytes / ours.wal_bytes,
        unit="x",
        target=WAL_RATIO_MIN,
        at_least=True,
    )
    yield Figure(
        id="database.archive_longest_s",
        value=ours.longest_s,
        unit="s",
        baseline=plan.longest_s,
        target=LONGEST_MAX_S,
    )


def _inserts(progress: Callable[[str], None], database: Database) -> Figure:
    """Compare inserts beside runs of archival with inserts beside nothing."""
    busy: list[float] = []
    idle: list[float] = []
    with inserting(database) as inserts, database.connect() as connection:
        time.sleep(1)
        for turn in range(TURNS_MAX):
            progress(f"inserting beside archival, turn {turn + 1}: {len(busy)} inserts")
            connection.execute(CLEAR)
            time.sleep(PAUSE_S)
            start = time.perf_counter()
            connection.execute(OURS)
            middle = time.perf_counter()
            time.sleep(PAUSE_S)
            rest = time.perf_counter()
            time.sleep(middle - start)
            end = time.perf_counter()
            busy += inserts.between(start, middle)
            idle += inserts.between(rest, end)
            if min(len(busy), len(idle)) >= SAMPLES:
                break
    beside, alone = percentile(busy, 0.99), percentile(idle, 0.99)
    progress(
        f"insert p99 {beside * 1000:.1f} ms beside archival ({len(busy)} inserts),"
        f" {alone * 1000:.1f} ms beside nothing ({len(idle)})"
    )
    return Figure(
        id="database.archive_insert_p99_ratio",
        value=beside / alone,
        unit="x",
        target=INSERT_RATIO_MAX,
    )


def _count(database: Database, query: str) -> int:
    """Read one number."""
    with database.connect() as connection:
        return int(str(connection.execute(query.encode()).fetchall()[0][0]))
