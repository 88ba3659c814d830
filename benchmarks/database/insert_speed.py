"""Inserts into messages with our three indexes, beside the plan's eight, by turns."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.cluster import Database
from benchmarks.database.plan_tables import SCHEMA
from benchmarks.services import pgbench
from deploy.bench import Figure

CLIENTS = 8
RUN_S = 4
ROUNDS = 4

SINGLE_MIN = 1.0

BULK_ROWS = 100_000
BULK_ROUNDS = 3
BULK_MIN = 1.25

TEXT = (
    "Hello, this is a chat message of a typical length, about one hundred characters"
    " or so, thank you."
)

SENDERS = """
create table public.bench_chat as
select row_number() over () as n, c.id as chat_id, c.user_id
  from public.conversations c order by md5(c.id::text);
create unique index on public.bench_chat (n);
analyze public.bench_chat;
"""
COUNT = "select count(*) from public.bench_chat"

INSERT = """
\\set n random(1, {chats})
insert into {schema}.messages (id, chat_id, role, text, client_msg_id, status, mode,
    user_id, user_name)
select gen_random_uuid(), b.chat_id, 'user', '{text}', gen_random_uuid(), 'complete',
    'chat', b.user_id, 'User'
  from public.bench_chat b where b.n = :n;
"""
BULK = f"""
insert into {{schema}}.messages (id, chat_id, role, text, client_msg_id, status, mode,
    user_id, user_name)
select gen_random_uuid(), b.chat_id, 'user', '{TEXT}', gen_random_uuid(), 'complete',
    'chat', b.user_id, 'User'
  from generate_series(1, {BULK_ROWS}) i
  join public.bench_chat b on b.n = 1 + i * 7919 %% {{chats}}
"""


def measure(progress: Callable[[str], None], database: Database) -> Iterator[Figure]:
    """Yield the ratios of single and of bulk inserts.

    Args:
        progress: Told what takes time.
        database: Where the plan's side is made already.
    """
    with database.connect() as connection:
        connection.execute(SENDERS)
        row = connection.execute(COUNT).fetchone()
    chats = int(str(row[0])) if row else 0
    with tempfile.TemporaryDirectory() as name:
        yield _single(database, Path(name), chats, progress)
    yield _bulk(database, chats, progress)


def _single(
    database: Database, folder: Path, chats: int, progress: Callable[[str], None]
) -> Figure:
    """Compare transactions a second of single inserts."""
    rates: dict[str, list[float]] = {"public": [], SCHEMA: []}
    for round_ in range(ROUNDS):
        for schema in _order(round_):
            script = INSERT.format(schema=schema, chats=chats, text=TEXT)
            rates[schema].append(
                pgbench.rate(database, script, folder, clients=CLIENTS, seconds=RUN_S)
            )
            progress(f"single inserts, {schema}: {rates[schema][-1]:,.0f}/s")
    return Figure(
        id="database.insert_ratio",
        value=median(rates["public"]) / median(rates[SCHEMA]),
        unit="x",
        baseline=1.0,
        target=SINGLE_MIN,
        at_least=True,
    )


def _bulk(database: Database, chats: int, progress: Callable[[str], None]) -> Figure:
    """Compare the times of one large insert; the first of each side does not count."""
    times: dict[str, list[float]] = {"public": [], SCHEMA: []}
    with database.connect() as connection:
        for round_ in range(BULK_ROUNDS + 1):
            for schema in _order(round_):
                statement = BULK.format(schema=schema, chats=chats)
                began = time.perf_counter()
                connection.execute(statement.replace("%%", "%"))
                times[schema].append(time.perf_counter() - began)
                progress(f"{BULK_ROWS} inserts, {schema}: {times[schema][-1]:.1f} s")
    return Figure(
        id="database.bulk_insert_ratio",
        value=median(times[SCHEMA][1:]) / median(times["public"][1:]),
        unit="x",
        baseline=1.0,
        target=BULK_MIN,
        at_least=True,
    )


def _order(round_: int) -> tuple[str, str]:
    """Give both sides, the other one first in every second round."""
    return ("public", SCHEMA) if round_ % 2 else (SCHEMA, "public")
