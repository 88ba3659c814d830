"""extract_memory with a model that answers as a test wants, and what it works on."""

import json
import re
import threading
from uuid import UUID, uuid4

from functions.extract_memory.conversations import Limit
from functions.extract_memory.extraction import Extraction, Extractor
from functions.extract_memory.language import Language
from functions.shared.database import SingleConnection
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import Models
from functions.shared.providers.prices import Prices


def memory(text: str = "Has a cat named Tom.", source: int = 1, **more) -> dict:
    return {
        "source": source,
        "memory_text": text,
        "memory_type": "fact",
        "confidence": 0.9,
        "value": 0.9,
        "horizon_days": 365,
    } | more


class FakeModel:
    """Answers with its memories, or fails as it is told; remembers the prompts."""

    def __init__(self) -> None:
        self.asked: list[Prompt] = []
        self.text = json.dumps([memory()])
        self.error: ProviderError | None = None
        self.block = threading.Event()
        self.block.set()

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        self.asked.append(prompt)
        self.block.wait(10)
        if self.error:
            raise self.error
        return Completion(text=self.text, model=model, input_tokens=7, output_tokens=2)

    @property
    def lines(self) -> list[str]:
        return self.asked[-1].turns[0].text.split("\n")


class FakeConfigs:
    """No row; remembers when it was forgotten."""

    def __init__(self) -> None:
        self.forgotten = 0

    def get(self) -> None:
        return None

    def invalidate(self) -> None:
        self.forgotten += 1


class Service:
    """The service as several environments have it: a connection each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.model = FakeModel()
        self.configs = FakeConfigs()
        self.limit = Limit(100, 86_400)
        self.databases: list[SingleConnection] = []
        self.keeps_connection = False

    def close(self) -> None:
        for database in self.databases:
            database.close()

    def extract(self, chat: UUID, *rows: int) -> Extraction:
        if not (self.keeps_connection and self.databases):
            self.databases.append(SingleConnection(self.url, "extract_memory"))
        database = self.databases[-1]
        language = Language(
            models=Models({"gemini": lambda: self.model}, sleep=lambda _: None),
            configs=self.configs,
            prices=Prices({"*": (1.0, 10.0)}),
        )
        extractor = Extractor(database, language, self.limit)
        return extractor.extract(chat, rows, lambda: 50.0)


def say(app, chat: UUID, text: str, role: str = "user", user: UUID | None = None):
    return app.value(
        "insert into public.messages (id, chat_id, role, text, created_at, status,"
        " mode, user_id, client_msg_id) values (gen_random_uuid(), %s, %s, %s,"
        " clock_timestamp(), 'complete', 'chat', %s, %s) returning id",
        chat,
        role,
        text,
        user or app.user,
        uuid4(),
    )


def ask(
    app, chat: UUID, text: str = "Noted.", *, window: int | None = None
) -> tuple[UUID, int]:
    """Say something, save an answer and have the turn read at once; give the source."""
    message = say(app, chat, "I have a cat, Tom.")
    answer = say(app, chat, text, "assistant")
    row = app.value(
        "select kiloscale.defer_extraction(%s, %s, %s, 1, 1, 0, %s)",
        *(chat, app.user, answer, window),
    )
    return message, row


def defer(app, chat: UUID, turns_max: int = 3, idle_s: int = 300) -> int | None:
    """Save a turn that waits for others, as llm_handler does."""
    say(app, chat, "And one more thing.")
    answer = say(app, chat, "Go on.", "assistant")
    return app.value(
        "select kiloscale.defer_extraction(%s, %s, %s, 1, %s, %s)",
        *(chat, app.user, answer, turns_max, idle_s),
    )


def memories(app) -> list[tuple]:
    return app.rows(
        "select memory_text, source_message_id from public.user_memory"
        " order by created_at, memory_text"
    )


def outbox(app) -> list[tuple]:
    return app.rows("select last_error, leased_until from kiloscale.outbox order by id")


def waiting(app) -> list[int]:
    return [number for (number,) in app.rows("select id from kiloscale.outbox")]


def progress(app, chat: UUID) -> tuple:
    """Unread messages of the user, turns that wait, whether somebody reads."""
    [row] = app.rows(
        "select (select count(*) from public.messages m where m.chat_id = p.chat_id"
        "         and m.role = 'user' and m.created_at > p.read_through),"
        " p.turns_waiting, p.reading_until is not null"
        " from kiloscale.memory_progress p where p.chat_id = %s",
        chat,
    )
    return row


def hits(app) -> int:
    return app.value(
        "select coalesce(sum(hits), 0) from kiloscale.rate_limits"
        " where scope = 'extraction' and subject = %s",
        str(app.user),
    )


def usage(app) -> list[tuple]:
    return app.rows(
        "select purpose, calls, input_tokens, output_tokens, microusd"
        " from kiloscale.llm_usage where user_id = %s",
        app.user,
    )


def times(app) -> list[tuple]:
    """Seconds until each row may begin, until the relay sends it, and its sends."""
    return app.rows(
        "select round(extract(epoch from ready_at - now()))::int,"
        " round(extract(epoch from due_at - now()))::int, sends"
        " from kiloscale.outbox where topic = 'extraction' order by id"
    )


def turn(connection, chat: UUID, user: UUID, text: str, turns_max: int) -> int | None:
    """Save a user's message, and the answer with its turn, in two transactions."""
    save = (
        "insert into public.messages (id, chat_id, role, text, created_at, status,"
        " user_id, client_msg_id) values (%s, %s, %s, %s, clock_timestamp(),"
        " 'complete', %s, %s)"
    )
    connection.execute(save, (uuid4(), chat, "user", text, user, uuid4()))
    answer = uuid4()
    with connection.transaction():
        connection.execute(save, (answer, chat, "assistant", "Hm.", user, uuid4()))
        return connection.execute(
            "select kiloscale.defer_extraction(%s, %s, %s, 1, %s, 300)",
            (chat, user, answer, turns_max),
        ).fetchone()[0]


def new_lines(service: Service) -> list[str]:
    """What each reading had that was not context."""
    said = [
        line
        for prompt in service.model.asked
        for line in prompt.turns[0].text.split("\n")
    ]
    return [
        found.group(1)
        for line in said
        if (found := re.match(r"\[\d+\] user: (.*)", line))
    ]
