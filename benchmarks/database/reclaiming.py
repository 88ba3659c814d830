"""Moving archived messages to the archive, with the links that point at them kept.

On a copy of its own, archived first, after a checkpoint and with nobody beside it.
Afterwards nothing may be lost, and no memory may have lost its message. The longest
transaction is measured as in archiving.py.
"""

from collections.abc import Callable, Iterator

from benchmarks.cluster import Database
from benchmarks.database.dataset import Data
from benchmarks.database.transactions import timed
from deploy.bench import Figure
from deploy.errors import DeployError

RATE_MIN = 20_000
LONGEST_MAX_S = 0.5

ARCHIVE = "call kiloscale.run_archive_old_messages()"
RECLAIM = "call kiloscale.reclaim_archived_messages()"
THERE = """
select (select count(*) from public.messages)
           + (select count(*) from kiloscale.messages_archive) as messages,
       (select count(*) from kiloscale.messages_archive) as moved,
       (select count(source_message_id) from public.user_memory) as links
"""
STATS = "select archived_messages from public.message_archival_stats"
STATS_MAX_S = 0.2


def measure(progress: Callable[[str], None], data: Data) -> Iterator[Figure]:
    """Yield how fast messages are moved, and how long a transaction of it is."""
    with data.copy(progress) as database:
        before = _there(database)
        with database.connect() as connection:
            connection.execute(ARCHIVE)
        timed(database, STATS)
        stats = timed(database, STATS)
        progress("moving archived messages")
        seen = timed(database, RECLAIM)
        after = _there(database)
    if before[0] != after[0] or before[2] != after[2] or not after[1]:
        raise DeployError(
            f"of {before[0]} messages and {before[2]} links {after[0]} and {after[2]}"
            f" are left, {after[1]} moved"
        )
    progress(
        f"{after[1]:,} messages in {seen.seconds:.1f} s,"
        f" {seen.wal_bytes / 1e6:,.0f} MB of WAL"
    )
    yield Figure(
        id="database.archival_stats_s",
        value=stats.seconds,
        unit="s",
        target=STATS_MAX_S,
    )
    yield Figure(
        id="database.reclaim_rows_s",
        value=after[1] / seen.seconds,
        unit="/s",
        target=RATE_MIN,
        at_least=True,
    )
    yield Figure(
        id="database.reclaim_longest_s",
        value=seen.longest_s,
        unit="s",
        target=LONGEST_MAX_S,
    )


def _there(database: Database) -> tuple[int, int, int]:
    """Count messages, those in the archive, and links of memories."""
    with database.connect() as connection:
        messages, moved, links = connection.execute(THERE.encode()).fetchall()[0]
    return int(str(messages)), int(str(moved)), int(str(links))
