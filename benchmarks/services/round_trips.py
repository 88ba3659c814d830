"""Round trips to PostgreSQL for a message and for a whole turn, counted on the wire.

The real handlers of chat_send, llm_handler and extract_memory run in processes of their
own, as in Lambda environments, with a counting proxy before PostgreSQL (proxy.py says
what counts as a round trip) and the stand-in as language model. What is counted is
warm: each process has done its work once and keeps its connection.

A turn is counted whole: sending, answering, summaries, and the readings for memories
that the default policy asks for, divided by the turns. Answers are announced by HTTP
here, which costs a round trip more than Supabase's ``realtime.send`` in the commit. Not
counted is the relay: its sweep takes a few round trips a minute, however many turns
there were. The baseline is the plan's own pattern, sent through the same proxy
(plan_pattern.py).
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from benchmarks import cluster
from benchmarks.cluster import Database
from benchmarks.services import plan_pattern
from benchmarks.services.environment import Environment
from benchmarks.services.proxy import Proxy, counted
from benchmarks.services.settings import variables
from benchmarks.services.standin import serving
from deploy.bench import Figure
from deploy.errors import DeployError
from deploy.smoke.person import sign

SEND_MAX = 1
TURN_MAX = 6

CHATS = 3
TURNS = 30
"""Turns in all: each conversation has 10, the mean of the plan's data (20 messages)."""

SERVICES = ("chat_send", "llm_handler", "extract_memory")

SAID = (
    "I moved to Leeds in March and I still miss the sea every single day.",
    "What do you make of this week?",
    "My sister Ana is getting married in June, and I am to give a speech.",
    "Thanks, that helps.",
    "I want to run a half marathon before the end of the year, if my knee holds.",
)

ADD_USER = "insert into auth.users (id, email) values (%s, %s)"
ADD_CHAT = """
insert into public.conversations (id, user_id, title, mode) values (%s, %s, 'b', 'chat')
"""
ADD_READING = """
insert into kiloscale.outbox (topic, key, payload)
select 'extraction', chat_id::text, jsonb_build_object(
    'chat_id', chat_id, 'user_id', user_id, 'message_id', id)
  from public.messages where role = 'assistant' limit 1
"""
WAITING = """
select id, key, payload::text from kiloscale.outbox
 where topic = %s and (ready_at <= now() or %s)
 order by id
"""


@dataclass(kw_only=True)
class Conversation:
    """A user, some conversations, and the services that they reach.

    Attributes:
        connection: Looks at the outbox, past the proxy.
        services: By their folder.
        secret: Signs tokens.
        user: Who sends.
        chats: Where to.
    """

    connection: psycopg.Connection[tuple[object, ...]]
    services: dict[str, Environment]
    secret: str = field(repr=False)
    user: UUID = field(default_factory=uuid4)
    chats: list[UUID] = field(default_factory=list)

    def begin(self) -> None:
        """Make the user and the conversations."""
        mail = f"{self.user}@bench.invalid"
        self.connection.execute(ADD_USER, (self.user, mail))
        for _ in range(CHATS):
            self.chats.append(uuid4())
            self.connection.execute(ADD_CHAT, (self.chats[-1], self.user))

    def send(self, number: int) -> None:
        """Send a message to one of the conversations by turns."""
        body = {
            "chat_id": str(self.chats[number % CHATS]),
            "text": SAID[number % len(SAID)],
            "client_msg_id": str(uuid4()),
        }
        event = {
            "rawPath": "/functions/v1/chat-send",
            "requestContext": {"http": {"method": "POST"}, "requestId": "bench"},
            "headers": {"authorization": f"Bearer {sign(self.user, self.secret, '')}"},
            "body": json.dumps(body),
        }
        answer = self.services["chat_send"].invoke(event)
        if answer["statusCode"] != 201:
            raise DeployError(f"a message was not accepted: {answer['body']}")

    def answer(self) -> int:
        """Have llm_handler answer what waits; give the number of messages."""
        return self._consume("llm_handler", "llm", waiting=True)

    def read(self, *, waiting: bool = False) -> int:
        """Have extract_memory read what is due; give the number of readings.

        Args:
            waiting: Whether to read as well what waits for more turns.
        """
        return self._consume("extract_memory", "extraction", waiting=waiting)

    def _consume(self, service: str, topic: str, *, waiting: bool) -> int:
        """Deliver the rows of a topic as its queue does, a conversation at a time."""
        groups: dict[str, list[dict[str, str]]] = {}
        for row in self.connection.execute(WAITING, (topic, waiting)):
            number, key, payload = row
            body = json.loads(str(payload)) | {"outbox_id": number}
            record = {"messageId": str(number), "body": json.dumps(body)}
            groups.setdefault(str(key), []).append(record)
        for records in groups.values():
            answer = self.services[service].invoke({"Records": records})
            if answer["batchItemFailures"]:
                raise DeployError(f"{service} left work undone: {answer}")
        return len(groups)


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the round trips of a message and of a turn."""
    with ExitStack() as stack:
        database = stack.enter_context(cluster.running(progress))
        port = database.stack.postgres_port
        proxy, url = stack.enter_context(counted(database.url, port))
        talk = stack.enter_context(_talk(database, url))
        progress("counting the round trips of the services")
        counts = _count(proxy, talk)
        progress("counting those of the plan's pattern")
        plan = _count_plan(proxy, url, talk)
    shares = {step: counts[step] / TURNS for step in ("send", "answer", "read")}
    progress(
        f"a turn: {shares['send']:.2f} to send, {shares['answer']:.2f} to answer,"
        f" {shares['read']:.2f} to read ({counts['readings']} readings of {TURNS}"
        " turns)"
    )
    yield Figure(
        id="services.send_round_trips",
        value=shares["send"],
        unit="",
        baseline=plan["send"],
        target=SEND_MAX,
    )
    yield Figure(
        id="services.turn_round_trips",
        value=sum(shares.values()),
        unit="",
        baseline=plan["turn"],
        target=TURN_MAX,
    )


@contextmanager
def _talk(database: Database, url: str) -> Iterator[Conversation]:
    """Start the services, each with its connections made and its work done once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        standin = stack.enter_context(serving(database, "standin-echo"))
        settings = variables(database, url=url, standin_url=standin)
        talk = Conversation(
            connection=stack.enter_context(database.connect()),
            services={
                name: stack.enter_context(closing(Environment(name, settings, folder)))
                for name in SERVICES
            },
            secret=database.stack.jwt_secret,
        )
        talk.begin()
        talk.send(0)
        talk.answer()
        talk.connection.execute(ADD_READING)
        talk.read(waiting=True)
        yield talk


def _count(proxy: Proxy, talk: Conversation) -> Counter[str]:
    """Count some turns by their steps."""
    counts: Counter[str] = Counter()
    for number in range(TURNS):
        with proxy.counting() as sent:
            talk.send(number)
        with proxy.counting() as answered:
            talk.answer()
        counts["send"] += sent.flights
        counts["answer"] += answered.flights
        _read(proxy, talk, counts, waiting=number == TURNS - 1)
    return counts


def _read(
    proxy: Proxy, talk: Conversation, counts: Counter[str], *, waiting: bool
) -> None:
    """Count the readings that are due."""
    with proxy.counting() as read:
        counts["readings"] += talk.read(waiting=waiting)
    counts["read"] += read.flights


def _count_plan(proxy: Proxy, url: str, talk: Conversation) -> dict[str, float]:
    """Count the calls of the plan's pattern for as many turns."""
    counts: Counter[str] = Counter()
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(TURNS):
            values = {
                "user": talk.user,
                "chat": talk.chats[number % CHATS],
                "text": SAID[number % len(SAID)],
            }
            with proxy.counting() as sent:
                plan_pattern.send(connection, values)
            with proxy.counting() as rest:
                plan_pattern.finish(connection, values)
            counts["send"] += sent.flights
            counts["turn"] += sent.flights + rest.flights
    return {step: count / TURNS for step, count in counts.items()}
