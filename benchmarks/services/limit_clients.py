"""Clients that hit limits: 8 processes with 64 threads each.

512 connections would be too many for a PostgreSQL of any size: the clients of a process
share 2, 16 in all: more of them would only wait for the cores of the machine, which the
server and all the clients share here. With Redis each thread has its own.
"""

import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from queue import SimpleQueue
from threading import Barrier
from typing import Literal

import psycopg

from deploy.errors import DeployError
from functions.shared.database import Connection, Result, options
from functions.shared.limits import Limit, LimitStore
from functions.shared.limits import postgres as postgres_store
from functions.shared.limits.stores import store

PROCESSES = 8
CLIENTS = 64
CONNECTIONS = 2

PATIENCE_S = 60
"""Longest wait for the processes to be ready or to tell, beyond the run itself."""

Kind = Literal["postgres", "redis", "memory"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What all clients do at the same time.

    Attributes:
        kind: The store.
        limits: One of them is hit at a time, by chance.
        subjects: How many users are hit, by chance.
        costs: How many hits at once, by chance.
        seconds: For how long.
        waits: Whether PostgreSQL's commits wait for the disk, as ours do not.
    """

    kind: Kind
    limits: tuple[Limit, ...]
    subjects: int
    seconds: float
    costs: tuple[int, ...] = (1,)
    waits: bool = False


@dataclass(kw_only=True)
class Told:
    """What clients did; times of the machine's monotonic clock, in seconds.

    Attributes:
        checks: Answers that they got.
        admitted: Hits that were admitted, by scope and subject.
        began_at: When the first began.
        ended_at: When the last ended.
        failures: How many had an error, by its type.
    """

    checks: int = 0
    admitted: Counter[tuple[str, str]] = field(default_factory=Counter)
    began_at: float = float("inf")
    ended_at: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Told") -> None:
        """Add what others did at the same time."""
        self.checks += other.checks
        self.admitted.update(other.admitted)
        self.began_at = min(self.began_at, other.began_at)
        self.ended_at = max(self.ended_at, other.ended_at)
        self.failures.update(other.failures)

    @property
    def seconds(self) -> float:
        return self.ended_at - self.began_at


class _SharedConnections:
    """A `Database` whose connections wait in a queue for who needs one."""

    def __init__(self, url: str) -> None:
        self._free: SimpleQueue[Connection] = SimpleQueue()
        for _ in range(CONNECTIONS):
            self._free.put(psycopg.connect(url, **options("bench")))

    def run(self, work: Callable[[Connection], Result], *, repeatable: bool) -> Result:
        connection = self._free.get()
        try:
            return work(connection)
        finally:
            self._free.put(connection)


class Fleet:
    """The processes, which wait for jobs."""

    def __init__(self, pipes: list[Pipe]) -> None:
        self._pipes = pipes

    def run(self, job: Job) -> Told:
        """Have all clients do a job; give what they did.

        Raises:
            DeployError: A process ended, or a client had an error.
        """
        for pipe in self._pipes:
            pipe.send(job)
        total = Told()
        for pipe in self._pipes:
            if not pipe.poll(PATIENCE_S + job.seconds):
                raise DeployError("a process of clients told nothing")
            try:
                total.add(pipe.recv())
            except EOFError as error:
                raise DeployError("a process of clients ended") from error
        if total.failures:
            raise DeployError(f"clients of {job.kind} failed: {dict(total.failures)}")
        return total


@contextmanager
def fleet(database_url: str, redis_url: str) -> Iterator[Fleet]:
    """Start the processes, and end them afterwards."""
    # Not forked: a child would share the parent's connections and locks.
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES)
    pipes, processes = [], []
    try:
        for number in range(PROCESSES):
            ours, theirs = context.Pipe()
            # The URLs go through a pipe: they are in no argument list.
            given = (theirs, start, database_url, redis_url, number)
            process = context.Process(target=_serve, args=given, daemon=True)
            process.start()
            pipes.append(ours)
            processes.append(process)
        yield Fleet(pipes)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()


def _serve(
    pipe: Pipe, start: Barrier, database_url: str, redis_url: str, number: int
) -> None:
    """Do jobs until the process is ended."""
    database = _SharedConnections(database_url)
    waitless = postgres_store.HIT
    while True:
        job: Job = pipe.recv()
        waiting = waitless.replace("'off'", "'on'")
        postgres_store.HIT = waiting if job.waits else waitless
        chosen = store(job.kind, redis_url=redis_url, database=database)
        # Connected and prepared, as in a process that has served before.
        chosen.hit(Limit(scope="warm", hits=1, window_s=1), str(number))
        start.wait(PATIENCE_S)
        pipe.send(_clients(job, chosen, number))


def _clients(job: Job, chosen: LimitStore, number: int) -> Told:
    """Run the threads of one process."""
    told = [Told() for _ in range(CLIENTS)]
    threads = [
        threading.Thread(
            target=_client, args=(job, chosen, one, number * CLIENTS + index)
        )
        for index, one in enumerate(told)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Told()
    for one in told:
        total.add(one)
    return total


def _client(job: Job, chosen: LimitStore, told: Told, seed: int) -> None:
    """Hit limits until the time is over."""
    chance = random.Random(seed)  # nobody must not guess it
    told.began_at = time.monotonic()
    end_at = told.began_at + job.seconds
    try:
        while time.monotonic() < end_at:
            limit = chance.choice(job.limits)
            subject = str(chance.randrange(job.subjects))
            cost = chance.choice(job.costs)
            if chosen.hit(limit, subject, cost).is_admitted:
                told.admitted[limit.scope, subject] += cost
            told.checks += 1
    except Exception as error:  # told to whoever started the job
        told.failures[type(error).__name__] += 1
    told.ended_at = time.monotonic()
