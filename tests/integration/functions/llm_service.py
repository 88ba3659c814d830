"""llm_handler with a model that a test holds in its hand, and messages for it."""

import threading
import time
from uuid import UUID, uuid4

from functions.llm_handler.announcements import Announcer
from functions.llm_handler.answers import Answerer, Outcome
from functions.llm_handler.budgets import Budget
from functions.shared.caching import Lifetime
from functions.shared.caching.llm_config import LlmConfigs
from functions.shared.database import SingleConnection
from functions.shared.extraction_policy import sampled
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import Models
from functions.shared.providers.prices import Prices
from functions.shared.realtime import BroadcastError

PRICES = Prices({"*": (1.0, 2.0)})
"""1 and 2 millionths of a USD a token."""


class FakeModel:
    """Answers with a number, or fails as it is told; remembers what it was asked."""

    def __init__(self) -> None:
        self.tokens: tuple[int | None, int | None] = (None, None)
        self.asked: list[tuple[str, Prompt]] = []
        self.error: ProviderError | None = None
        self.length = 0
        self.block = threading.Event()
        self.block.set()

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        self.asked.append((model, prompt))
        self.block.wait(10)
        if self.error:
            raise self.error
        text = f"answer {len(self.asked)}".ljust(self.length)
        read, written = self.tokens
        return Completion(
            text=text, model=model, input_tokens=read, output_tokens=written
        )


class FakeQueue:
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[dict] = []

    def send(self, body: dict) -> bool:
        self.sent.append(body)
        return True


class FakeBroadcaster:
    """Remembers events, or fails as it is told."""

    def __init__(self) -> None:
        self.sent: list[dict] = []
        self.error: BroadcastError | None = None

    def send(self, events: list[dict]) -> None:
        if self.error:
            raise self.error
        self.sent += events


class Service:
    """The service as several environments have it: a connection each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.day_microusd = 1_000_000
        self.model = FakeModel()
        self.broadcaster = FakeBroadcaster()
        self.queue = FakeQueue()
        self.databases: list[SingleConnection] = []

    def environment(
        self, *, realtime: bool = True, models: Models | None = None
    ) -> Answerer:
        database = SingleConnection(self.url, "llm_handler")
        self.databases.append(database)
        openers = {"gemini": lambda: self.model, "openai": lambda: self.model}
        models = models or Models(openers, sleep=lambda _: None)
        broadcaster = self.broadcaster if realtime else None
        return Answerer(
            database,
            models,
            configs=LlmConfigs(database, None, Lifetime(600, 60)),
            budget=Budget(PRICES, self.day_microusd),
            policy=sampled,
            announcer=Announcer(database, broadcaster, self.queue),
            sleep=lambda _: time.sleep(0.01),
        )

    def answer(self, outbox_id: int, *, realtime: bool = True) -> Outcome:
        return self.environment(realtime=realtime).answer(outbox_id, lambda: 50.0)


def say(app, chat: UUID, text: str, *, role: str = "user", **columns) -> UUID:
    """Save a message."""
    columns = {"user_id": app.user, "user_name": None, **columns}
    return app.value(
        "insert into public.messages (id, chat_id, role, text, created_at, status,"
        " mode, client_msg_id, user_id, user_name) values (gen_random_uuid(), %s, %s,"
        " %s, clock_timestamp(), 'complete', 'chat', %s, %s, %s) returning id",
        chat,
        role,
        text,
        uuid4(),
        columns["user_id"],
        columns["user_name"],
    )


def ask(app, chat: UUID, text: str = "Hello.", **columns) -> tuple[UUID, int]:
    """Save a user's message and its outbox row, as chat_send does."""
    message = say(app, chat, text, **columns)
    outbox_id = app.value(
        "insert into kiloscale.outbox (topic, key, payload) values ('llm', %s,"
        " jsonb_build_object('message_id', %s::text)) returning id",
        str(chat),
        str(message),
    )
    return message, outbox_id


def answers(app) -> list[str]:
    return [
        text
        for (text,) in app.rows(
            "select text from public.messages where role = 'assistant'"
            " order by created_at"
        )
    ]


def outbox(app) -> list[tuple]:
    return app.rows("select topic, last_error, leased_until from kiloscale.outbox")


def configure(app, value: str) -> None:
    """Write the row that chooses the model, as an operator does."""
    app.connection.execute(
        "insert into public.system_config (key, value) values ('llm_provider', %s)"
        " on conflict (key) do update set value = excluded.value",
        (value,),
    )


def remember(app, user: UUID, text: str, *, uses: int) -> None:
    app.connection.execute(
        "insert into public.user_memory (user_id, memory_text, memory_type,"
        " confidence_score, reference_count) values (%s, %s, 'fact', 0.9, %s)",
        (user, text, uses),
    )
