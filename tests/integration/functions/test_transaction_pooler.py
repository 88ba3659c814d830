"""The services behind PgBouncer in transaction mode: two server connections for all.

Supabase's pooler on port 6543 does the same: each transaction of a client may run on
another server connection, so nothing may be prepared or set on a session.
"""

import json
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.ports import free_port
from deploy.local.processes import Program, end, spawn, tail
from functions.chat_send.queries import Offer, accept
from functions.llm_handler.announcements import Announcer
from functions.llm_handler.answers import Answerer, Outcome
from functions.llm_handler.budgets import Budget
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

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

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

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
default_pool_size = {servers}
auth_type = scram-sha-256
auth_file = {folder}/users.txt
"""


@pytest.fixture
def pooled(cluster, app, short_folder: Path) -> Iterator[str]:
    """The app's database through PgBouncer."""
    folder = short_folder / f"pgbouncer-{uuid4().hex[:8]}"
    folder.mkdir()
    port = free_port()
    password = psycopg.conninfo.conninfo_to_dict(app.url)["password"]
    (folder / "users.txt").write_text(f'"postgres" "{password}"\n')
    text = SETTINGS.format(
        server_port=cluster.port, port=port, servers=SERVERS, folder=folder
    )
    (folder / "pgbouncer.ini").write_text(text)
    account = unprivileged(CLUSTER_ACCOUNTS)
    if account:
        os.chown(folder / "users.txt", account.uid, account.gid)
    (folder / "users.txt").chmod(0o600)
    process = spawn(
        Program(
            argv=[str(PGBOUNCER), str(folder / "pgbouncer.ini")],
            environment={},
            folder=folder,
            log=folder / "pgbouncer.log",
            account=account,
        )
    )
    url = app.url.replace(f":{cluster.port}/", f":{port}/")
    try:
        deadline = time.monotonic() + 10
        while not _answers(url):
            assert time.monotonic() < deadline, tail(folder / "pgbouncer.log")
            time.sleep(0.02)
        yield url
    finally:
        end(process, (signal.SIGTERM, 5.0))


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


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


def test_no_more_server_connections_are_used_than_the_pool_has(app, crowd):
    chat = app.conversation()
    seen: list[int] = []
    pool = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid()"
    )

    def work(database: SingleConnection, key: object) -> None:
        send(app, chat)(database, key)
        seen.append(
            database.run(lambda conn: conn.execute(pool).fetchone(), repeatable=True)[0]
        )

    crowd(work, [uuid4() for _ in range(80)])

    # The connection of the test itself is one of those that the others see.
    assert max(seen) <= SERVERS
