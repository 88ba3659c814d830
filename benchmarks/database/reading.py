"""The tasks that look into the database, and the hourly snapshot, at this size.

A task is timed in process: its connection, its transaction and its results, without the
start of Python.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median

from benchmarks.cluster import Database
from benchmarks.database.dataset import Data
from deploy.bench import Figure
from deploy.checklist import Result
from deploy.inspection import bloat, hot_queries, index_usage, table_sizes
from deploy.inspection.access import Connection, looking

RUNS = 5
TASK_S = 1.0
SNAPSHOTS = 21
SNAPSHOT_MS = 20.0

SNAPSHOT = "select database_bytes, detail from kiloscale.health_now()"


TASKS: dict[str, Callable[[Connection], Iterator[Result]]] = {
    "index_usage": lambda connection: index_usage.look(connection, 14),
    "table_sizes": table_sizes.look,
    "hot_queries": lambda connection: hot_queries.look(connection, ""),
    "bloat": lambda connection: bloat.look(connection, exact=False),
}


def measure(progress: Callable[[str], None], data: Data) -> Iterator[Figure]:
    """Yield the time of the slowest task and that of a snapshot."""
    with data.copy(progress) as database:
        times = {name: _task_s(database, look) for name, look in TASKS.items()}
        for name, took in times.items():
            progress(f"{name} takes {took:.3f} s")
        yield Figure(
            id="database.tasks_s", value=max(times.values()), unit="s", target=TASK_S
        )
        yield Figure(
            id="database.snapshot_ms",
            value=_snapshot_ms(database),
            unit="ms",
            target=SNAPSHOT_MS,
        )


def _task_s(
    database: Database, look: Callable[[Connection], Iterator[Result]]
) -> float:
    """Run a task some times; give the median, in seconds.

    The first run of a copy reads from the disk.
    """
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        with looking(database.url, "measuring") as connection:
            list(look(connection))
        times.append(time.perf_counter() - began)
    return median(times)


def _snapshot_ms(database: Database) -> float:
    """Take the content of a snapshot some times; give the median, in ms."""
    times = []
    with database.connect() as connection:
        for _ in range(SNAPSHOTS):
            began = time.perf_counter()
            connection.execute(SNAPSHOT).fetchall()
            times.append((time.perf_counter() - began) * 1000)
    return median(times)
