"""The hot reads and the inserts with our indexes, beside the plan's, by turns.

Times are of execution in the server, as EXPLAIN ANALYZE measures them without clocks
of nodes. Each sample is run on both sides, some rounds long; its least time counts,
since noise only ever adds, and the times of all samples are added up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median
from typing import Any

import psycopg

from benchmarks.cluster import Database
from benchmarks.database import insert_speed, plan_tables
from benchmarks.database.dataset import Data
from deploy.bench import Figure
from deploy.inspection import plan_statements as plan

Connection = psycopg.Connection[tuple[Any, ...]]
Values = Mapping[str, object]

ROUNDS = 25
COUNTED_ROUNDS = 7
SAMPLES = 100

SAME_PLAN = 0.95
"""Where both sides have the same index, they differ by noise alone: by up to 3 % in
five runs on a busy machine."""

WINDOW_MS = 0.1

USERS = """
select user_id, mode, (array_agg(profile_id))[1] as profile_id
  from public.conversations where profile_id is not null
 group by 1, 2 order by md5(user_id::text || mode) limit %s
"""
SUMMARISED = """
select distinct chat_id from public.conversation_summaries order by 1 limit %s
"""
LONGEST = """
select chat_id, max(created_at) as at from public.messages
 group by 1 order by count(*) desc limit 20
"""
# What an answer does with the memories that it is given: it reads and counts them.
COUNTED = f"""
update public.user_memory u
   set reference_count = least(u.reference_count + 1, 32767), last_referenced_at = now()
  from ({plan.MEMORIES}) m
 where u.id = m.id
"""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The least times of one statement on both sides.

    Attributes:
        ours: Of each sample with our indexes, in ms.
        theirs: Of each sample with the plan's.
    """

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratio(self) -> float:
        """How many times as long the plan's side takes."""
        return sum(self.theirs) / sum(self.ours)


def measure(progress: Callable[[str], None], data: Data) -> Iterator[Figure]:
    """Yield the ratios of the reads, then those of the inserts."""
    with data.copy(progress) as database:
        plan_tables.make(database, progress)
        yield from _reads(database, progress)
        yield from insert_speed.measure(progress, database)


def _reads(database: Database, progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of the hot reads."""
    with database.connect() as connection:
        # The commit of a counter must not wait for the disk: that is no index's doing.
        connection.execute("set synchronous_commit = off")
        users = _samples(connection, USERS, (SAMPLES,))
        chats = _samples(connection, SUMMARISED, (SAMPLES,))
        longest = _samples(connection, LONGEST)
        progress("running the hot reads on both sides")
        lists = compare(connection, plan.CONVERSATION_LIST, users)
        yield _ratio("database.hot_conversations_ratio", lists, SAME_PLAN)
        read = compare(connection, plan.MEMORIES, users)
        yield _ratio("database.hot_memories_read_ratio", read, None)
        counted = compare(connection, COUNTED, users, COUNTED_ROUNDS)
        yield _ratio("database.hot_memories_ratio", counted, 1.0)
        summary = compare(connection, plan.LATEST_SUMMARY, chats)
        yield _ratio("database.hot_summary_ratio", summary, SAME_PLAN)
        window = compare(connection, plan.MEMORY_WINDOW, longest)
    yield Figure(
        id="database.window_ms",
        value=median(window.ours),
        unit="ms",
        baseline=median(window.theirs),
        target=WINDOW_MS,
    )


def _ratio(name: str, sides: Sides, target: float | None) -> Figure:
    """Make the figure of a ratio."""
    return Figure(
        id=name,
        value=sides.ratio,
        unit="x",
        baseline=1.0,
        target=target,
        at_least=True,
    )


def _samples(
    connection: Connection, query: str, values: Sequence[object] = ()
) -> list[Values]:
    """Read the parameters that a statement is run with."""
    cursor = connection.execute(query, values)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def compare(
    connection: Connection,
    statement: str,
    samples: Sequence[Values],
    rounds: int = ROUNDS,
) -> Sides:
    """Run a statement on both sides with each sample, by turns."""
    theirs = statement.replace("public.", f"{plan_tables.SCHEMA}.")
    best = {side: [inf] * len(samples) for side in (statement, theirs)}
    for round_ in range(rounds):
        order = (statement, theirs) if round_ % 2 else (theirs, statement)
        for place, values in enumerate(samples):
            for side in order:
                took = _ms(connection, side, values)
                best[side][place] = min(best[side][place], took)
    return Sides(ours=best[statement], theirs=best[theirs])


def _ms(connection: Connection, statement: str, values: Values) -> float:
    """Run a statement; give its time of execution in the server, in ms."""
    explain = "explain (analyze, timing off, format json) "
    row = connection.execute(explain + statement, values).fetchone()
    return float(row[0][0]["Execution Time"]) if row else 0.0
