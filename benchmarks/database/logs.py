"""Dropping 24 days of logs, and converting a plain table, while the app writes.

The plan deletes by one DELETE. Beside the conversion stands what the server does by
itself: it attaches the old table after reading all of it and building the key, while
every writer waits. Both begin with the same three million rows; an insert is due every
10 ms, and one that waits makes those after it late.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from benchmarks.cluster import Database
from benchmarks.database.dataset import Data
from deploy.bench import Figure
from deploy.errors import DeployError

RATE = 100
"""Inserts a second."""

DROP_MAX_S = 0.5
DROP_WAIT_MAX_MS = 50.0
CONVERT_WAIT_MAX_MS = 250.0

PLAIN = """
create table public.plain_logs (like public.edge_function_logs including defaults);
insert into public.plain_logs select * from public.edge_function_logs;
alter table public.plain_logs add primary key (id);
create index on public.plain_logs (created_at);
analyze public.plain_logs;
"""
PLAN = "delete from public.plain_logs where created_at < now() - interval '5 days'"
JOB = "call kiloscale.clean_edge_function_logs(keep_days => 5)"
DROPPED = """
select coalesce((detail ->> 'partitions_dropped')::int, 0), rows from kiloscale.run_log
 where job = 'cleanup-edge-function-logs' order by id desc limit 1
"""
INSERT = "insert into public.edge_function_logs (function_name) values ('bench')"
BE_PLAIN = """
drop table public.edge_function_logs;
create table public.edge_function_logs (like public.plain_logs including defaults);
insert into public.edge_function_logs select * from public.kept_logs;
alter table public.edge_function_logs add primary key (id);
create index on public.edge_function_logs (created_at);
drop table public.kept_logs;
"""
KEEP = "create unlogged table public.kept_logs as select * from public.plain_logs"

# What a person would type: no constraint that spares the scan, no key built before.
NAIVE = (
    "alter table public.edge_function_logs rename to old_logs",
    (
        "create table public.edge_function_logs (like public.old_logs including"
        " defaults) partition by range (created_at)"
    ),
    "alter table public.old_logs drop constraint edge_function_logs_pkey",
    "alter table public.edge_function_logs add primary key (id, created_at)",
    (
        "alter table public.edge_function_logs attach partition public.old_logs"
        " for values from (minvalue) to ('2100-01-01')"
    ),
)


@dataclass
class Writer:
    """Inserts a line every 10 ms, and notes how late each was done, in seconds."""

    url: str = field(repr=False)
    late: list[float] = field(default_factory=list)
    problem: Exception | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Insert until it is stopped."""
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(INSERT)  # the session is warm
                began = time.perf_counter()
                while not self.stopped.is_set():
                    due = began + len(self.late) / RATE
                    time.sleep(max(0.0, due - time.perf_counter()))
                    connection.execute(INSERT)
                    self.late.append(time.perf_counter() - due)
        except psycopg.Error as error:
            self.problem = error

    @property
    def longest_ms(self) -> float:
        """The longest wait, in milliseconds."""
        return 1000 * max(self.late)

    @property
    def p99_ms(self) -> float:
        """The wait that one in a hundred exceeded, in milliseconds."""
        return 1000 * sorted(self.late)[int(len(self.late) * 0.99)]


@contextmanager
def writing(database: Database) -> Iterator[Writer]:
    """Write logs all the while.

    Raises:
        DeployError: An insert was refused, or none was made.
    """
    writer = Writer(url=database.url)
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        time.sleep(0.3)
        yield writer
        time.sleep(0.3)
    finally:
        writer.stopped.set()
        thread.join()
    if writer.problem or not writer.late:
        raise DeployError(f"an insert was refused: {writer.problem}")


def measure(progress: Callable[[str], None], data: Data) -> Iterator[Figure]:
    """Yield what a drop and a conversion take, and how long writers wait."""
    with data.copy(progress) as database:
        yield from _dropping(database, progress)
        yield from _converting(database, progress)


def _dropping(database: Database, progress: Callable[[str], None]) -> Iterator[Figure]:
    """Compare the job on partitions with the plan's DELETE of the same rows."""
    with database.connect() as connection:
        progress("copying the logs into a plain table")
        connection.execute(PLAIN.encode())
        connection.execute(KEEP)
        progress("the plan's DELETE")
        began = time.perf_counter()
        deleted = connection.execute(PLAN).rowcount
        plan_s = time.perf_counter() - began
        with writing(database) as writer:
            began = time.perf_counter()
            connection.execute(JOB)
            job_s = time.perf_counter() - began
        row = connection.execute(DROPPED).fetchone()
    days, rows = (int(str(value)) for value in row or (0, 0))
    progress(f"{days} days and {rows:,} rows dropped; the DELETE: {deleted:,}")
    # The day in which 5 days ago lies stays whole.
    if days < 20 or not 0.9 * deleted < rows <= deleted:
        raise DeployError(f"{days} days and {rows} rows went, not about {deleted}")
    yield Figure(
        id="database.log_drop_s",
        value=job_s,
        unit="s",
        baseline=plan_s,
        target=DROP_MAX_S,
    )
    yield Figure(
        id="database.log_insert_wait_ms",
        value=writer.longest_ms,
        unit="ms",
        target=DROP_WAIT_MAX_MS,
    )


def _converting(
    database: Database, progress: Callable[[str], None]
) -> Iterator[Figure]:
    """Convert a plain table of all rows; what the server does alone is rolled back."""
    from deploy.logs.preparing import prepare
    from deploy.logs.swapping import swap

    with database.connect() as connection:
        progress("making the logs a plain table")
        connection.execute(BE_PLAIN.encode())
        connection.execute("vacuum analyze public.edge_function_logs")
        progress("attaching it unprepared")
        with writing(database) as naive, connection.transaction(force_rollback=True):
            for text in NAIVE:
                connection.execute(text.encode())
        progress("converting it")
        connection.execute("set search_path = ''")
        with writing(database) as writer:
            swap(connection, prepare(connection, progress), progress)
    progress(
        f"{len(writer.late)} inserts meanwhile: p99 {writer.p99_ms:.1f} ms,"
        f" longest {writer.longest_ms:.1f} ms; unprepared {naive.longest_ms:,.0f} ms"
    )
    yield Figure(
        id="database.log_convert_wait_ms",
        value=writer.longest_ms,
        unit="ms",
        baseline=naive.longest_ms,
        target=CONVERT_WAIT_MAX_MS,
    )
    yield Figure(
        id="database.log_convert_p99_ms", value=writer.p99_ms, unit="ms", target=50.0
    )
