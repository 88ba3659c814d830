"""The ASGI server with its database and a language model, to be killed while it works.

Each part is a process of its own. A crowd of senders sends each message until it is
accepted, with the same ``client_msg_id``, as an app does.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from benchmarks.cluster import Database
from benchmarks.services.settings import variables
from deploy.local import server
from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.cluster import Cluster
from deploy.local.facts import LocalStack, new_stack
from deploy.local.installation import find_installation
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.processes import Process, Program, end, spawn
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY, STATE_VARIABLE
from deploy.smoke.person import sign

START_S = 60.0
SENDERS = 12

# What a kill -9 of the server can lose is what it has not written; the machine stays.
SETTINGS = {"fsync": "off", "synchronous_commit": "on"}

PEOPLE = """
with person as (
    insert into auth.users (id, email)
    select gen_random_uuid(), 'user' || n || '@faults.invalid'
      from generate_series(1, %s) n
    returning id
)
insert into public.conversations (id, user_id, title, mode)
select gen_random_uuid(), id, 'faults', 'chat' from person
returning user_id, id
"""
CHOOSE_MODEL = """
insert into public.system_config (key, value)
values ('llm_provider', '{"provider": "openai", "model": "standin-echo"}')
"""
# What waits for a lease or for its next send need not wait in a test that is short.
HURRY = """
update kiloscale.outbox set leased_until = null, due_at = now() where dead_at is null
"""
COUNTS = """
with said as (
    select m.* from public.messages m
      join public.conversations c on c.id = m.chat_id and c.title = 'faults'
)
select (select count(*) from said where role = 'user'),
       (select count(distinct client_msg_id) from said where role = 'user'),
       (select count(*) from said where role = 'assistant'),
       (select count(distinct u.id) from said a join said u
            on u.role = 'user' and u.id::text = a.meta ->> 'reply_to'
               and u.chat_id = a.chat_id
         where a.role = 'assistant'),
       (select count(*) from kiloscale.outbox where topic <> 'extraction'),
       (select count(*) from kiloscale.outbox where dead_at is not null)
"""


@dataclass(frozen=True)
class Counts:
    """What the database holds; `waiting` and `dead` are rows of the outbox.

    Readings for memories are not waited for: they wait until nobody writes any more.
    """

    messages: int
    ids: int
    answers: int
    answered: int
    waiting: int
    dead: int


@dataclass(frozen=True)
class Message:
    """One message of a user."""

    chat: UUID
    token: str
    text: str
    key: UUID = field(default_factory=uuid4)


Address = Callable[[], tuple[str, dict[str, str]]]
"""Gives the URL to send to, and headers; asked anew for each attempt."""


@dataclass(kw_only=True)
class Crowd:
    """Sends messages at a pace from several threads, each until it is accepted.

    Attributes:
        address: Where to.
        people: Pairs of a user's token and their conversation.
        messages: How many.
        pace: Messages a second, all together.
        passing: Statuses after which a message is sent again, besides lost connections.
        accepted: Ids of the accepted messages by their own ids.
        retries: Attempts that were not accepted.
    """

    address: Address
    people: Sequence[tuple[str, UUID]]
    messages: int
    pace: float
    passing: frozenset[int] = frozenset({503})
    accepted: dict[UUID, UUID] = field(default_factory=dict)
    retries: int = 0

    def start(self) -> None:
        self._queue: SimpleQueue[tuple[float, Message]] = SimpleQueue()
        began = time.monotonic()
        for number in range(self.messages):
            token, chat = self.people[number % len(self.people)]
            message = Message(chat, token, f"Message {number}.")
            self._queue.put((began + number / self.pace, message))
        self._threads = [
            threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, patience_s: float) -> None:
        """Wait until every message is accepted."""
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        assert len(self.accepted) == self.messages
        assert len(set(self.accepted.values())) == self.messages

    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _send(self) -> None:
        with httpx.Client(timeout=20, trust_env=False) as client:
            while True:
                try:
                    at, message = self._queue.get_nowait()
                except Empty:
                    return
                time.sleep(max(at - time.monotonic(), 0))
                self.accepted[message.key] = self._until_accepted(client, message)

    def _until_accepted(self, client: httpx.Client, message: Message) -> UUID:
        """Send one message until it is accepted; give its id."""
        body = {
            "chat_id": str(message.chat),
            "text": message.text,
            "client_msg_id": str(message.key),
        }
        while True:
            try:
                url, headers = self.address()
                bearer = {"authorization": f"Bearer {message.token}"}
                answer = client.post(url, json=body, headers=headers | bearer)
            except httpx.TransportError:
                pass  # away, or killed while it worked: nobody knows how far it came
            else:
                if answer.status_code in {200, 201}:
                    return UUID(answer.json()["message_id"])
                assert answer.status_code in self.passing, answer.text
            self.retries += 1
            time.sleep(random.uniform(0.05, 0.3))


def people(
    connection: psycopg.Connection[tuple[Any, ...]],
    number: int,
    *,
    secret: str,
    issuer: str,
) -> list[tuple[str, UUID]]:
    """Make users with a conversation each; give their tokens and conversations."""
    rows = connection.execute(PEOPLE, (number,)).fetchall()
    return [(sign(user, secret, issuer), chat) for user, chat in rows]


def counts(connection: psycopg.Connection[tuple[Any, ...]]) -> Counts:
    """Count what the crowd's conversations have."""
    row = connection.execute(COUNTS).fetchone()
    assert row
    return Counts(*row)


def wait_answered(
    connect: Callable[[], psycopg.Connection[tuple[Any, ...]]],
    messages: int,
    patience_s: float,
) -> Counts:
    """Wait until every message has its answer and nothing is left to do."""
    deadline = time.monotonic() + patience_s
    while True:
        with connect() as connection:
            seen = counts(connection)
        if seen.answered >= messages and not seen.waiting:
            return seen
        assert time.monotonic() < deadline, f"{seen} after {patience_s:.0f} s"
        time.sleep(0.2)


def whole(messages: int) -> Counts:
    """What is there when nothing was lost and nothing done twice."""
    return Counts(
        messages=messages,
        ids=messages,
        answers=messages,
        answered=messages,
        waiting=0,
        dead=0,
    )


@dataclass(kw_only=True)
class Stage:
    """The parts, and what can be done to them."""

    folder: Path
    facts: LocalStack
    cluster: Cluster
    environment: Mapping[str, str]
    port: int
    postgres: Process
    service: Process | None = None
    kills: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.facts.database_url, autocommit=True)

    def start_service(self) -> None:
        """Start the ASGI server; do not wait until it answers."""
        self.service = spawn(
            Program(
                argv=[
                    *(sys.executable, "-m", "uvicorn"),
                    *("--factory", "functions.asgi:create", "--no-access-log"),
                    *("--host", LOOPBACK, "--port", str(self.port)),
                    *("--log-level", "warning"),
                ],
                environment=self.environment,
                folder=REPOSITORY,
                log=self.folder / "service.log",
            )
        )

    def kill_service(self) -> None:
        """Kill -9; nothing of it runs afterwards."""
        if self.service:
            end(self.service)
            self.kills.append("service")

    def restart_postgres(self, *, crash: bool) -> None:
        """Restart PostgreSQL.

        Args:
            crash: Whether its processes are ended as a crash would.
        """
        end(self.postgres, *(server.SHUTDOWN[1:] if crash else server.SHUTDOWN))
        self.postgres = server.launch(self.cluster, self.facts.admin_url)
        server.wait_ready(self.cluster, self.postgres, self.facts.admin_url)
        self.kills.append("crash" if crash else "restart")

    def hurry(self) -> None:
        """Let everything that waits for a time be due."""
        with self.connect() as connection:
            connection.execute(HURRY)

    def crowd(self, *, users: int, messages: int, pace: float) -> Crowd:
        """Make users, who will send messages to the service."""
        with self.connect() as connection:
            made = people(connection, users, secret=self.facts.jwt_secret, issuer="")
        url = f"{self.url}/functions/v1/chat-send"
        return Crowd(
            address=lambda: (url, {}), people=made, messages=messages, pace=pace
        )


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Start the database and the language model; the service is not started."""
    facts = new_stack(folder, home=folder)
    facts.save()
    cluster = Cluster(
        folder=folder / "postgres",
        port=facts.postgres_port,
        installation=find_installation(),
        account=unprivileged(CLUSTER_ACCOUNTS),
        log=folder / "postgres.log",
        settings=SETTINGS,
    )
    port = free_port([facts.postgres_port, facts.emulator_port, facts.supabase_port])
    database = Database(
        url=facts.database_url, stack=facts, bindir=cluster.installation.bindir
    )
    environment = variables(
        database,
        url=facts.database_url,
        standin_url=facts.supabase_url,
        policy="sampled",
    )
    paths = {"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]}
    postgres = server.launch(cluster, facts.admin_url)
    made = Stage(
        folder=folder,
        facts=facts,
        cluster=cluster,
        environment=environment | paths,
        port=port,
        postgres=postgres,
    )
    standin = spawn(
        Program(
            argv=[sys.executable, "-m", "deploy.standin"],
            environment={STATE_VARIABLE: str(folder), **paths},
            folder=REPOSITORY,
            log=folder / "standin.log",
        )
    )
    try:
        server.wait_ready(cluster, postgres, facts.admin_url)
        server.prepare(cluster, facts.admin_url, facts.database_url)
        apply(facts.database_url, discover(REPOSITORY / "migrations"), lambda _: None)
        with made.connect() as connection:
            connection.execute(CHOOSE_MODEL)
        yield made
    finally:
        if made.service:
            end(made.service)
        end(standin)
        end(made.postgres, *server.SHUTDOWN[1:])
