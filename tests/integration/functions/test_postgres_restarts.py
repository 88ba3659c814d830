"""PostgreSQL killed while messages come in: what was accepted stays, each once."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from chat_service import Client, content

from deploy.local import server
from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.cluster import PASSAGE, Cluster
from deploy.local.facts import new_stack
from deploy.local.installation import find_installation
from deploy.local.processes import end
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from functions.chat_send.queries import Offer
from functions.message_batcher import MessageBatcher

pytestmark = pytest.mark.integration

MESSAGES = 240
KILL_AFTER = 60
PATIENCE_S = 60


class OwnServer:
    """A server that a test may kill; what it has committed survives that."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=PASSAGE)
        self._facts = new_stack(folder, home=folder)
        self.url = self._facts.database_url
        self._cluster = Cluster(
            folder=folder / "postgres",
            port=self._facts.postgres_port,
            installation=find_installation(),
            account=unprivileged(CLUSTER_ACCOUNTS),
            log=folder / "postgres.log",
            # A commit must reach the kernel before its answer, not the disk.
            settings={"fsync": "off", "full_page_writes": "off"},
        )
        self.start()
        server.prepare(self._cluster, self._facts.admin_url, self.url)
        apply(self.url, discover(REPOSITORY / "migrations"), lambda _: None)

    def start(self) -> None:
        self._process = server.launch(self._cluster, self._facts.admin_url)
        server.wait_ready(self._cluster, self._process, self._facts.admin_url)

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        end(self._process, *server.SHUTDOWN)


@pytest.fixture(scope="module")
def own(short_folder: Path) -> Iterator[OwnServer]:
    running = OwnServer(short_folder / "killed")
    yield running
    running.stop()


class Conversation:
    """A user's conversation, and what is stored of it."""

    def __init__(self, url: str) -> None:
        self.user, self._url = uuid4(), url
        with psycopg.connect(url, autocommit=True) as connection:
            if connection.execute("select to_regclass('auth.users')").fetchone()[0]:
                connection.execute(
                    "insert into auth.users (id, email) values (%s, %s)",
                    (self.user, f"{self.user}@test.invalid"),
                )
            self.id: UUID = connection.execute(
                "insert into public.conversations (user_id) values (%s) returning id",
                (self.user,),
            ).fetchone()[0]

    def stored(self) -> tuple[list[UUID], int, int]:
        """Ids of its messages, its outbox rows, the user's hits."""
        with psycopg.connect(self._url) as connection:
            ids = connection.execute(
                "select id from public.messages where chat_id = %s", (self.id,)
            ).fetchall()
            [rows] = connection.execute(
                "select count(*) from kiloscale.outbox where key = %s", (str(self.id),)
            ).fetchone()
            [hits] = connection.execute(
                "select hits from kiloscale.rate_limits where subject = %s",
                (str(self.user),),
            ).fetchone()
        return [number for (number,) in ids], rows, hits


class Kill(threading.Thread):
    """Kills the server after some answers, and starts it again."""

    def __init__(self, own: OwnServer) -> None:
        super().__init__()
        self.answers = threading.Semaphore(0)
        self._own = own

    def run(self) -> None:
        for _ in range(KILL_AFTER):
            self.answers.acquire()
        self._own.kill()
        time.sleep(0.1)
        self._own.start()


def test_environments_lose_and_double_nothing(own):
    chat = Conversation(own.url)
    client = Client(own.url, chat.user, CHAT_LIMIT_HITS="1000")
    kill = Kill(own)
    failures: list[int] = []

    def send(_: int) -> str:
        """Send until it is taken, as the app does."""
        key, deadline = str(uuid4()), time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            response = client.send(chat.id, client_msg_id=key)
            if response.status in {200, 201}:
                kill.answers.release()
                return content(response)["message_id"]
            failures.append(response.status)
            time.sleep(0.05)
        raise AssertionError("not accepted")

    kill.start()
    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(send, range(MESSAGES)))
    kill.join()
    client.close()

    ids, rows, hits = chat.stored()
    assert sorted(map(str, ids)) == sorted(accepted)
    assert (rows, hits) == (MESSAGES, MESSAGES)
    # Nobody is told anything but to come again, and somebody was.
    assert set(failures) == {503}


def test_the_batcher_loses_and_doubles_nothing(own):
    chat = Conversation(own.url)
    kill = Kill(own)
    failures: list[type] = []

    async def send(batcher: MessageBatcher) -> UUID:
        offer = Offer(
            chat_id=chat.id,
            user_id=chat.user,
            key=uuid4(),
            role="user",
            text="Hello.",
            is_hit=True,
            hits_max=1_000,
            asks=True,
            request_id="request",
        )
        while True:
            try:
                [found] = await batcher.accept([offer])
            except psycopg.OperationalError as error:
                failures.append(type(error))
                await asyncio.sleep(0.05)
            else:
                kill.answers.release()
                return found.id

    async def client(batcher: MessageBatcher, count: int) -> list[UUID]:
        return [await send(batcher) for _ in range(count)]

    async def whole() -> list[UUID]:
        batcher = MessageBatcher(own.url, window_s=3_600)
        await batcher.open()
        clients = (client(batcher, MESSAGES // 8) for _ in range(8))
        accepted = await asyncio.wait_for(asyncio.gather(*clients), PATIENCE_S)
        await batcher.close()
        return [number for ids in accepted for number in ids]

    kill.start()
    accepted = asyncio.run(whole())
    kill.join()

    ids, rows, hits = chat.stored()
    assert sorted(ids) == sorted(accepted)
    assert (rows, hits) == (MESSAGES, MESSAGES)
    assert failures
