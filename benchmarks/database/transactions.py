"""Run a procedure and see, from outside, how long its transactions are."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from benchmarks.cluster import Database

SAMPLE_S = 0.025
AGE = """
select extract(epoch from clock_timestamp() - xact_start)::float8
  from pg_stat_activity where pid = %s and xact_start is not null
"""
WAL = "select pg_current_wal_insert_lsn()"
WAL_SINCE = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s::pg_lsn)::bigint"


@dataclass(kw_only=True)
class Watched:
    """What was seen of one backend.

    Attributes:
        longest_s: Age of its oldest transaction, in seconds, with the time until the
            next look: the true one is not longer.
        looks: How many times it was looked at.
    """

    longest_s: float = 0.0
    looks: int = 0


@dataclass(frozen=True, kw_only=True)
class Timed:
    """What a statement took.

    Attributes:
        seconds: From here, commit included.
        wal_bytes: WAL of the server meanwhile.
        longest_s: Longest transaction, in seconds.
    """

    seconds: float
    wal_bytes: int
    longest_s: float


def timed(database: Database, *statements: str) -> Timed:
    """Run statements on a connection of their own, the last of which is timed."""
    with database.connect() as connection, database.connect() as other:
        for statement in statements[:-1]:
            connection.execute(statement.encode())
        wal = other.execute(WAL).fetchall()[0][0]
        with watching(database, connection) as watched:
            started = time.perf_counter()
            connection.execute(statements[-1].encode())
            seconds = time.perf_counter() - started
        written = other.execute(WAL_SINCE, [wal]).fetchall()[0][0]
    return Timed(
        seconds=seconds,
        wal_bytes=int(str(written)),
        longest_s=min(watched.longest_s, seconds),
    )


@contextmanager
def watching(
    database: Database, connection: psycopg.Connection[tuple[object, ...]]
) -> Iterator[Watched]:
    """Look at a backend every 25 ms until the block ends."""
    watched = Watched()
    done = threading.Event()
    pid = connection.info.backend_pid

    def look() -> None:
        with database.connect() as own:
            before = time.perf_counter()
            while not done.is_set():
                row = own.execute(AGE, [pid]).fetchone()
                after = time.perf_counter()
                watched.looks += 1
                if row:
                    age = float(str(row[0])) + (after - before)
                    watched.longest_s = max(watched.longest_s, age)
                before = after
                done.wait(SAMPLE_S)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        done.set()
        thread.join()
