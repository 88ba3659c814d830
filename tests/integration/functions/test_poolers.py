"""The services behind PgBouncer, in transaction and in session mode.

In transaction mode, as on port 6543 of Supabase's pooler, each transaction of a client
may run on another of two server connections, so nothing may be prepared or set on a
session.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from poolers import PGBOUNCER, pgbouncer

from functions.chat_send.queries import Offer, accept
from functions.llm_handler.announcements import Announcer
from functions.llm_handler.answers import Answerer, Outcome
from functions.llm_handler.budgets import Budget
from functions.read_history.queries import Asked, Hit, page
from functions.relay_outbox.outbox import QueueCarrier, RealtimeCarrier, sweep
from functions.shared.caching import Lifetime
from functions.shared.caching.llm_config import LlmConfigs
from functions.shared.database import SingleConnection
from functions.shared.extraction_policy import every_turn
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion
from functions.shared.providers.models import Models
from functions.shared.providers.prices import Prices
from functions.shared.queues import Queue

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        PGBOUNCER is None,
        reason="pgbouncer is not installed: apt-get install pgbouncer",
    ),
]

THREADS = 8
SERVERS = 2
LIMIT = 60


@pytest.fixture(params=["transaction", "session"])
def mode(request) -> str:
    """Both of Supabase's: port 6543 and port 5432 of the pooler."""
    return request.param


@pytest.fixture
def pooled(cluster, app, short_folder: Path, mode: str) -> Iterator[str]:
    """The app's database through PgBouncer."""
    # In session mode a client keeps its server connection.
    servers = SERVERS if mode == "transaction" else 4 * THREADS
    with pgbouncer(cluster, app.url, short_folder, mode=mode, servers=servers) as url:
        yield url


@pytest.fixture
def crowd(pooled) -> Iterator[Callable]:
    """Calls something for each item in threads with a connection each."""
    local = threading.local()
    databases: list[SingleConnection] = []

    def call(work: Callable, items: list) -> list:
        def with_database(item: object) -> object:
            if not hasattr(local, "database"):
                local.database = SingleConnection(pooled, "pooled")
                databases.append(local.database)
            return work(local.database, item)

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(with_database, items))

    yield call
    for database in databases:
        database.close()


class FakeModel:
    """Answers each question."""

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        return Completion(text="An answer.", model=model)


class FakeReceiver:
    """Takes messages as SQS does, and events as Supabase's realtime."""

    def __init__(self) -> None:
        self.queued: list[int] = []
        self.events: list[dict] = []

    def send_message_batch(self, **request) -> dict:
        bodies = [json.loads(entry["MessageBody"]) for entry in request["Entries"]]
        self.queued += [body["outbox_id"] for body in bodies]
        return {}

    def send(self, events: list[dict]) -> None:
        self.events += events


def send(app, chat) -> Callable[[SingleConnection, object], int]:
    """Makes the work of chat_send for one message; it gives the status."""

    def work(database: SingleConnection, key: object) -> int:
        offer = Offer(
            chat_id=chat,
            user_id=app.user,
            key=key,
            role="user",
            text="Hello.",
            is_hit=True,
            hits_max=LIMIT,
            asks=True,
            request_id="request",
        )
        [done] = database.run(
            lambda connection: accept(connection, [offer], 3_600), repeatable=True
        )
        if not done.is_admitted:
            return 429
        return 201 if done.is_new else 200

    return work


@pytest.mark.parametrize("mode", ["transaction"])
def test_the_pooler_changes_the_server_connection_between_transactions(pooled):
    """Without this the tests below would prove nothing."""
    backend = "select pg_backend_pid()"
    with (
        psycopg.connect(pooled, autocommit=True) as first,
        psycopg.connect(pooled) as second,
    ):
        before = first.execute(backend).fetchone()
        second.execute(backend)  # its open transaction keeps this server connection

        assert first.execute(backend).fetchone() != before


def test_nothing_is_lost_and_the_limit_is_exact(app, crowd):
    chat = app.conversation()
    keys = [uuid4() for _ in range(LIMIT + 20)]

    statuses = Counter(crowd(send(app, chat), [*keys, *keys]))

    # A refused message is refused again, an accepted one is found again.
    assert statuses == {201: LIMIT, 200: LIMIT, 429: 2 * (len(keys) - LIMIT)}
    assert app.value("select hits from kiloscale.rate_limits") == LIMIT
    assert app.value("select count(*) from public.messages") == LIMIT
    assert app.value("select count(*) from kiloscale.outbox") == LIMIT


def test_each_message_is_answered_once_and_swept_once(app, crowd):
    chat = app.conversation()
    crowd(send(app, chat), [uuid4() for _ in range(40)])
    asked = [number for (number,) in app.rows("select id from kiloscale.outbox")]
    models = Models({"gemini": FakeModel}, sleep=lambda _: None)
    receiver = FakeReceiver()

    def answer(database: SingleConnection, number: int) -> Outcome:
        # As where realtime is away: the event stays in the outbox.
        service = Answerer(
            database,
            models,
            configs=LlmConfigs(database, None, Lifetime(600, 60)),
            budget=Budget(Prices({"*": (1.0, 1.0)}), 1_000_000),
            policy=every_turn,
            announcer=Announcer(database, None, None),
        )
        return service.answer(number, lambda: 50.0)

    outcomes = Counter(crowd(answer, asked * 2))
    app.connection.execute(
        "insert into kiloscale.outbox (topic, key, payload, due_at) select topic,"
        " 'key', jsonb_build_object('n', n), now() from generate_series(1, 100) n,"
        " unnest(array['llm', 'realtime']) topic"
    )
    queue = Queue("https://sqs.test/llm")
    queue._client = receiver
    carriers = {"llm": QueueCarrier(queue), "realtime": RealtimeCarrier(receiver)}

    swept = crowd(
        lambda database, _: sweep(database, carriers, lambda: 50.0), list(range(8))
    )

    assert outcomes[Outcome.ANSWERED] == len(asked)
    answered = "select count(*), count(distinct meta ->> 'reply_to')"
    assert app.rows(f"{answered} from public.messages where role = 'assistant'") == [
        (len(asked), len(asked))
    ]
    assert sum(one.sent for one in swept) == 200
    assert len(receiver.queued) == len(set(receiver.queued)) == 100
    assert sorted(event["n"] for event in receiver.events) == list(range(1, 101))


def test_pages_are_read_within_an_exact_limit(app, crowd):
    chat = app.conversation()
    crowd(send(app, chat), [uuid4() for _ in range(5)])
    asked = Asked(user_id=app.user, chat_id=chat, created_at=None, id=None, messages=10)
    hit = Hit(scope="api", subject=str(app.user), hits_max=LIMIT, window_s=3_600)

    def read(database: SingleConnection, _: object) -> tuple[bool, int]:
        rows = database.run(lambda conn: page(conn, asked, hit), repeatable=False)
        return rows[0].is_admitted, sum(row.id is not None for row in rows)

    outcomes = Counter(crowd(read, list(range(LIMIT + 20))))

    assert outcomes == {(True, 5): LIMIT, (False, 0): 20}


@pytest.mark.parametrize("mode", ["transaction"])
def test_no_more_server_connections_are_used_than_the_pool_has(app, crowd):
    chat = app.conversation()
    seen: list[int] = []
    pool = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )

    def work(database: SingleConnection, key: object) -> None:
        send(app, chat)(database, key)
        seen.append(
            database.run(lambda conn: conn.execute(pool).fetchone(), repeatable=True)[0]
        )

    crowd(work, [uuid4() for _ in range(80)])

    # The connection of the test itself is one of those that the others see.
    assert max(seen) <= SERVERS


def test_a_server_that_was_restarted_behind_the_pooler_is_met_again(app, crowd):
    """Its connections end; what was sent on one of them is sent again."""
    chat = app.conversation()
    others = "pid <> pg_backend_pid() and datname = current_database()"

    def work(database: SingleConnection, key: object) -> int:
        status = send(app, chat)(database, key)
        app.connection.execute(
            f"select pg_terminate_backend(pid) from pg_stat_activity where {others}"
        )
        return status

    statuses = [crowd(work, [uuid4()])[0] for _ in range(5)]

    assert statuses == [201] * 5
    assert app.value("select count(*) from public.messages") == 5
