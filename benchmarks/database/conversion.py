"""What somebody who sends a message notices while messages is converted to partitions.

A hundred messages a second go through the services' own statement, on 2 million rows,
from the first phase to the swap. Beside it the obvious way: lock the table, copy it,
rename it. Every message that was accepted is counted afterwards.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from uuid import uuid4

import psycopg

from benchmarks.cluster import Database
from benchmarks.database.dataset import Data
from deploy.bench import Figure
from deploy.deployment import LOCAL, Deployment
from deploy.errors import DeployError
from deploy.migrations.session import migrating, reset
from deploy.partitioning.commands import Choice
from deploy.partitioning.phases import PHASES

WAIT_MAX_MS = 250
SENDERS = 4
RATE_PER_S = 100
PARTITIONS = 16
PAGES = 300
ROUNDS = 5

ACCEPT = """
select (kiloscale.accept_messages(%s::jsonb, 3600) -> 0 ->> 'is_new')::boolean
"""
CHATS = """
select id, user_id from conversations where mode <> 'together' order by id limit 1000
"""
COUNT = "select count(*), count(distinct id) from messages"
# Messages-weighted: a long conversation is read more often.
SAMPLE = """
select chat_id from messages tablesample bernoulli (0.1) repeatable (1) limit %s
"""
HISTORY = """
select id, role, text, created_at from {table}
 where chat_id = %s order by created_at desc, id desc limit 20
"""
OLD = "kiloscale.messages_before"

# Without its indexes, keys and triggers: the obvious way is no faster than that.
NAIVE = """
lock table messages in access exclusive mode;
create table messages_new (like messages) partition by hash (chat_id);
do $$ begin for n in 0..15 loop
    execute format('create table messages_new_%%s partition of messages_new'
        ' for values with (modulus 16, remainder %%s)', n, n);
end loop; end $$;
insert into messages_new select * from messages;
create index on messages_new (chat_id, created_at desc);
alter table messages rename to messages_old;
alter table messages_new rename to messages;
"""


@dataclass
class Traffic:
    """What the senders saw.

    Attributes:
        waits_ms: How long each message took.
        failures: What was refused; must be empty.
    """

    waits_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def longest_ms(self) -> float:
        """The longest wait.

        Raises:
            DeployError: A message was refused, or none was sent.
        """
        if self.failures or not self.waits_ms:
            raise DeployError(
                f"{len(self.failures)} messages were refused of"
                f" {len(self.waits_ms)}: {self.failures[:1]}"
            )
        return max(self.waits_ms)


def measure(progress: Callable[[str], None], data: Data) -> Iterator[Figure]:
    """Yield waits, speed and the reading of history."""
    with data.copy(progress) as database:
        naive_ms = _naive(database, progress)
        with database.connect() as conn:
            before = _count(conn)
        traffic = Traffic()
        with _sending(database, traffic):
            seconds = _convert(database, progress)
        with database.connect() as conn:
            after = _count(conn)
        if after - before != len(traffic.waits_ms):
            raise DeployError(
                f"{len(traffic.waits_ms)} messages were accepted, {after - before} more"
                " are stored: rows were lost or doubled"
            )
        plain_ms, partitioned_ms = _history_ms(database)
    waits = sorted(traffic.waits_ms)
    progress(
        f"{len(waits)} messages, median {median(waits):.1f} ms,"
        f" p99 {waits[int(len(waits) * 0.99)]:.1f} ms, none lost or doubled"
    )
    yield Figure(
        id="database.convert_max_wait_ms",
        value=traffic.longest_ms,
        unit="ms",
        target=WAIT_MAX_MS,
        baseline=naive_ms,
    )
    yield Figure(id="database.convert_s", value=seconds, unit="s", target=None)
    yield Figure(
        id="database.convert_rows_per_s",
        value=before / seconds,
        unit="/s",
        target=None,
    )
    yield Figure(
        id="database.partitioned_history_ratio",
        value=plain_ms / partitioned_ms,
        unit="x",
        baseline=1.0,
        target=None,
    )


def _convert(database: Database, progress: Callable[[str], None]) -> float:
    """Convert at full load; give the seconds from the first phase to the swap."""
    began = time.perf_counter()
    for phase in ("prepare", "copy", "verify", "swap"):
        options = Choice(phase=phase, partitions=PARTITIONS, load=100, anyway=True)
        run = Deployment(stack=LOCAL, progress=progress)
        with migrating(database.url, progress) as conn:
            reset(conn)
            for result in PHASES[phase](conn, run, options):
                progress(result.title)
                if result.status == "fail":
                    raise DeployError(result.title)
    return time.perf_counter() - began


def _naive(database: Database, progress: Callable[[str], None]) -> float:
    """Copy under a lock, and take it back; give how long a message waited."""
    progress("copying and renaming under a lock, as a baseline")
    traffic = Traffic()
    with _sending(database, traffic), psycopg.connect(database.url) as conn:
        conn.execute(NAIVE.replace("%%", "%").encode())
        conn.rollback()
    return traffic.longest_ms


@contextmanager
def _sending(database: Database, traffic: Traffic) -> Iterator[None]:
    """Send messages from several threads at a steady rate."""
    stop = threading.Event()
    with database.connect() as conn:
        chats = [(str(chat), str(user)) for chat, user in conn.execute(CHATS)]
    threads = [
        threading.Thread(
            target=_send, args=(database, chats[number::SENDERS], traffic, stop)
        )
        for number in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    try:
        time.sleep(1)
        yield
        time.sleep(1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _send(
    database: Database,
    chats: list[tuple[str, str]],
    traffic: Traffic,
    stop: threading.Event,
) -> None:
    """Send as one of the services' connections does."""
    with database.connect() as conn:
        due = time.perf_counter()
        number = 0
        while not stop.is_set():
            chat, user = chats[number % len(chats)]
            number += 1
            began = time.perf_counter()
            try:
                row = conn.execute(ACCEPT, [_offer(chat, user)]).fetchone()
            except psycopg.Error as error:
                traffic.failures.append(f"{error.sqlstate} {error}")
                return
            if row != (True,):
                traffic.failures.append(f"not accepted: {row}")
            traffic.waits_ms.append((time.perf_counter() - began) * 1000)
            due += SENDERS / RATE_PER_S
            time.sleep(max(0.0, due - time.perf_counter()))


def _offer(chat: str, user: str) -> str:
    """Write one message as chat_send offers it."""
    offer = {
        "r": 0,
        "chat_id": chat,
        "user_id": user,
        "key": str(uuid4()),
        "role": "user",
        "text": "I slept badly and the week has only begun.",
        "is_hit": True,
        "hits_max": 1_000_000_000,
        "asks": True,
        "request_id": "bench",
    }
    return json.dumps([offer])


def _chats(database: Database) -> list[object]:
    """Draw the conversations whose history is read."""
    with database.connect() as conn:
        return [chat for (chat,) in conn.execute(SAMPLE, [PAGES]).fetchall()]


def _history_ms(database: Database) -> tuple[float, float]:
    """Give the median time of reading one page of each table, best of some rounds.

    By turns, since the old table is still there: what else the machine does meets both.
    """
    chats = _chats(database)
    with database.connect() as conn:
        # As behind a transaction pooler, where each read is planned.
        conn.prepare_threshold = None
        rounds = [
            (_round_ms(conn, OLD, chats), _round_ms(conn, "messages", chats))
            for _ in range(ROUNDS)
        ]
    return min(old for old, _ in rounds), min(new for _, new in rounds)


def _round_ms(
    conn: psycopg.Connection[tuple[object, ...]], table: str, chats: list[object]
) -> float:
    """Read a page of each conversation; give the median."""
    times = []
    for chat in chats:
        began = time.perf_counter()
        conn.execute(HISTORY.format(table=table).encode(), [chat]).fetchall()
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _count(conn: psycopg.Connection[tuple[object, ...]]) -> int:
    """Count the messages.

    Raises:
        DeployError: One is there twice.
    """
    row = conn.execute(COUNT).fetchone()
    rows, ids = (int(str(row[0])), int(str(row[1]))) if row else (0, 0)
    if rows != ids:
        raise DeployError(f"{rows - ids} messages are there twice")
    return rows
