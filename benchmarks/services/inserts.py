"""Messages a second of the gathered statement, beside pgbench's best for the same work.

The server's `MessageBatcher` with 400 simultaneous requests, in process and without
HTTP, against pgbench, which does the same for one message at a time, prepared: limit,
look up, save, enqueue. It has the best of some numbers of clients and of two ways: the
function that the batcher calls, and a plain statement with no more than the work needs.
All in one database, by turns; medians are compared. What a bare insert without limit
and outbox reaches by pgbench stands beside it.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import psycopg
import uvloop

from benchmarks import cluster
from benchmarks.cluster import Database
from benchmarks.services import pgbench
from deploy.bench import Figure
from deploy.errors import DeployError
from functions.chat_send.queries import Offer
from functions.message_batcher import MessageBatcher

REQUESTS = 400
CLIENTS = (1, 8, 50)
RATIO_MIN = 1.5
RUNS = 3
RUN_S = 3
TRY_S = 2
WINDOW_S = 3_600
UNLIMITED = 1_000_000_000

TEXT = (
    "I slept badly and the week has only begun; what would you do about it if you were"
    " in my place?"
)

# Numbered, so that pgbench can draw one.
SENDERS = """
create table public.bench_sender as
select row_number() over () as n, s.* from (
    select distinct on (c.user_id) c.user_id, c.id as chat_id
      from public.conversations c where c.mode <> 'together'
     order by c.user_id, c.updated_at desc) s;
create unique index on public.bench_sender (n);
analyze public.bench_sender;
"""
READ_SENDERS = "select user_id, chat_id from public.bench_sender order by n"
STORED = "select count(*) from public.messages"

ACCEPT = """
\\set n random(1, {senders})
select kiloscale.accept_messages(jsonb_build_array(jsonb_build_object(
    'r', 0, 'chat_id', s.chat_id, 'user_id', s.user_id, 'key', gen_random_uuid(),
    'role', 'user', 'text', '{text}', 'is_hit', true, 'hits_max', {unlimited},
    'asks', true, 'request_id', 'bench')), {window_s})
  from public.bench_sender s where s.n = :n;
"""
PLAIN = """
\\set n random(1, {senders})
with s as (
    select chat_id, user_id from public.bench_sender where n = :n
), hit as (
    insert into kiloscale.rate_limits as r (scope, subject, hits)
    select 'chat', s.user_id::text, 1 from s
        on conflict (scope, subject) do update set hits = r.hits + 1
     where r.hits < {unlimited}
       and r.window_started_at > now() - make_interval(secs => {window_s})
    returning r.hits
), saved as (
    insert into public.messages (id, chat_id, role, text, created_at, client_msg_id,
        status, mode, user_id)
    select gen_random_uuid(), c.id, 'user', '{text}', clock_timestamp(),
        gen_random_uuid(), 'complete', c.mode, c.user_id
      from s join public.conversations c on c.id = s.chat_id cross join hit
        on conflict do nothing
    returning id, chat_id, user_id
), queued as (
    insert into kiloscale.outbox (topic, key, payload)
    select 'llm', chat_id::text, jsonb_build_object('message_id', id, 'chat_id',
        chat_id, 'user_id', user_id, 'request_id', 'bench') from saved
    returning id
)
select hit.hits, saved.id, queued.id from hit, saved, queued;
"""
INSERT = """
\\set n random(1, {senders})
insert into public.messages (id, chat_id, role, text, created_at, client_msg_id, status,
    mode, user_id)
select gen_random_uuid(), s.chat_id, 'user', '{text}', now(), gen_random_uuid(),
    'complete', 'chat', s.user_id
  from public.bench_sender s where s.n = :n
    on conflict do nothing;
"""

Sender = tuple[UUID, UUID]


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way of doing the work by pgbench, and its best number of clients."""

    name: str
    script: str
    clients: int
    rate: float


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """pgbench before one database."""

    database: Database
    folder: Path
    senders: Sequence[Sender]

    def rate(self, script: str, clients: int, seconds: int) -> float:
        """Give the transactions a second of a script."""
        whole = script.format(
            senders=len(self.senders), text=TEXT, unlimited=UNLIMITED, window_s=WINDOW_S
        )
        return pgbench.rate(
            self.database, whole, self.folder, clients=clients, seconds=seconds
        )

    def best(self, name: str, script: str, progress: Callable[[str], None]) -> Way:
        """Find the number of clients with which it is fastest."""
        rates = {clients: self.rate(script, clients, TRY_S) for clients in CLIENTS}
        told = ", ".join(f"{each}: {found:,.0f}/s" for each, found in rates.items())
        progress(f"pgbench, {name}, by clients {told}")
        clients = max(rates, key=lambda each: rates[each])
        return Way(name=name, script=script, clients=clients, rate=rates[clients])


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the rate of the gathered statement beside pgbench's."""
    with (
        cluster.running(progress, cluster.SIZES) as database,
        tempfile.TemporaryDirectory() as name,
    ):
        pgbench.find(database)
        bench = _Bench(database=database, folder=Path(name), senders=_senders(database))
        ways = [
            bench.best("the server's function", ACCEPT, progress),
            bench.best("a plain statement", PLAIN, progress),
        ]
        way = max(ways, key=lambda each: each.rate)
        plain = bench.best("a bare insert", INSERT, progress)
        gathered, single = [], []
        for _ in range(RUNS):
            gathered.append(_gathered(database, bench.senders))
            single.append(bench.rate(way.script, way.clients, RUN_S))
            progress(
                f"gathered {gathered[-1]:,.0f}/s; pgbench, {way.name},"
                f" {way.clients} clients {single[-1]:,.0f}/s"
            )
    ours, best = median(gathered), median(single)
    yield Figure(
        id="services.batch_insert_ratio",
        value=ours / best,
        unit="x",
        baseline=1.0,
        target=RATIO_MIN,
        at_least=True,
    )
    yield Figure(
        id="services.batch_insert_per_s",
        value=ours,
        unit="/s",
        baseline=best,
        target=None,
    )
    yield Figure(
        id="services.bare_insert_per_s", value=plain.rate, unit="/s", target=None
    )


def _senders(database: Database) -> list[Sender]:
    """Make and read the table of senders."""
    with database.connect() as connection:
        connection.execute(SENDERS)
        rows = connection.execute(READ_SENDERS).fetchall()
    return [(UUID(str(user)), UUID(str(chat))) for user, chat in rows]


def _gathered(database: Database, senders: Sequence[Sender]) -> float:
    """Accept messages of 400 simultaneous requests; give the messages a second.

    Raises:
        DeployError: What was accepted is not what is stored.
    """
    with database.connect() as connection:
        before = _stored(connection)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            accepted, rate = runner.run(_accept(database.url, senders))
        stored = _stored(connection) - before
    if stored != accepted:
        raise DeployError(f"{accepted} messages were accepted, {stored} are stored")
    return rate


def _stored(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """Count the messages."""
    row = connection.execute(STORED).fetchone()
    return int(str(row[0])) if row else 0


async def _accept(url: str, senders: Sequence[Sender]) -> tuple[int, float]:
    """Run the batcher for some seconds; give the messages, and those a second."""
    batcher = MessageBatcher(url, window_s=WINDOW_S)
    await batcher.open()
    turns = cycle(senders)
    saved = 0

    async def client(end: float) -> None:
        nonlocal saved
        while time.perf_counter() < end:
            found = await batcher.accept([_offer(*next(turns))])
            saved += sum(each.is_new for each in found)

    # The connections are made, and the function's statements planned.
    await asyncio.gather(*(client(0.2 + time.perf_counter()) for _ in range(REQUESTS)))
    warm, began = saved, time.perf_counter()
    await asyncio.gather(*(client(began + RUN_S) for _ in range(REQUESTS)))
    seconds = time.perf_counter() - began
    await batcher.close()
    return saved, (saved - warm) / seconds


def _offer(user: UUID, chat: UUID) -> Offer:
    """Make the offer of a new message."""
    return Offer(
        chat_id=chat,
        user_id=user,
        key=uuid4(),
        role="user",
        text=TEXT,
        is_hit=True,
        hits_max=UNLIMITED,
        asks=True,
        request_id="bench",
    )
