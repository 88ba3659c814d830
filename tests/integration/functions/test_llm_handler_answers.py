"""llm_handler against a real PostgreSQL: one answer, however often it is asked for."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from functions.llm_handler.announcements import Announcer
from functions.llm_handler.answers import Answerer, Outcome
from functions.llm_handler.budgets import Budget
from functions.shared.caching import Lifetime
from functions.shared.caching.llm_config import LlmConfigs
from functions.shared.database import SingleConnection
from functions.shared.extraction_policy import lot, rate, sampled
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import Models
from functions.shared.providers.prices import Prices
from functions.shared.realtime import BroadcastError

pytestmark = pytest.mark.integration


class FakeModel:
    """Answers with a number, or fails as it is told; remembers what it was asked."""

    def __init__(self) -> None:
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
        return Completion(text=text, model=model)


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
        self.model = FakeModel()
        self.broadcaster = FakeBroadcaster()
        self.queue = FakeQueue()
        self.databases: list[SingleConnection] = []

    def environment(self, *, realtime: bool = True) -> Answerer:
        database = SingleConnection(self.url, "llm_handler")
        self.databases.append(database)
        openers = {"gemini": lambda: self.model, "openai": lambda: self.model}
        models = Models(openers, sleep=lambda _: None)
        broadcaster = self.broadcaster if realtime else None
        return Answerer(
            database,
            models,
            configs=LlmConfigs(database, None, Lifetime(600, 60)),
            budget=Budget(Prices({"*": (1.0, 2.0)}), 1_000_000),
            policy=sampled,
            announcer=Announcer(database, broadcaster, self.queue),
        )

    def answer(self, outbox_id: int, *, realtime: bool = True) -> Outcome:
        return self.environment(realtime=realtime).answer(outbox_id, lambda: 50.0)


@pytest.fixture
def service(app):
    service = Service(app.url)
    yield service
    for database in service.databases:
        database.close()


def ask(app, chat: UUID, text: str = "Hello.") -> tuple[UUID, int]:
    """Save a user's message and its outbox row, as chat_send does."""
    message = app.value(
        "insert into public.messages (id, chat_id, role, text, created_at, status,"
        " mode, user_id, client_msg_id) values (gen_random_uuid(), %s, 'user', %s,"
        " clock_timestamp(), 'complete', 'chat', %s, %s) returning id",
        chat,
        text,
        app.user,
        uuid4(),
    )
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


def test_an_answer_is_saved_announced_and_counted(app, service):
    chat = app.conversation()
    message, row = ask(app, chat)

    outcome = service.answer(row)

    assert outcome is Outcome.ANSWERED
    [(answer_id, user, mode, meta)] = app.rows(
        "select id, user_id, mode, meta from public.messages where role = 'assistant'"
    )
    assert (user, mode, meta["reply_to"]) == (app.user, "chat", str(message))
    assert service.broadcaster.sent == [
        {
            "topic": f"user-realtime:{app.user}",
            "event": "message",
            "payload": {"chat_id": chat, "message_id": answer_id},
        }
    ]
    assert app.value("select turn_count from public.conversations") == 1
    assert outbox(app) == []


def test_redeliveries_find_it_done(app, service):
    _, row = ask(app, app.conversation())

    outcomes = [service.answer(row) for _ in range(3)]

    assert outcomes == [Outcome.ANSWERED, Outcome.DONE_BEFORE, Outcome.DONE_BEFORE]
    assert answers(app) == ["answer 1"]


def test_simultaneous_deliveries_call_the_model_once(app, service, wait_until):
    _, row = ask(app, app.conversation())
    service.model.block.clear()

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(service.answer, row) for _ in range(6)]
        wait_until(lambda: sum(future.done() for future in futures) == 5)
        service.model.block.set()
        outcomes = sorted(future.result().value for future in futures)

    assert outcomes == [Outcome.ANSWERED.value] + [Outcome.LEASED.value] * 5
    assert len(service.model.asked) == 1
    assert answers(app) == ["answer 1"]


def test_two_consumers_after_a_lease_ran_out_save_one_answer(app, service, wait_until):
    _, row = ask(app, app.conversation())
    service.model.block.clear()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(service.answer, row)
        wait_until(lambda: service.model.asked)
        app.connection.execute("update kiloscale.outbox set leased_until = now()")
        second = pool.submit(service.answer, row)
        wait_until(lambda: len(service.model.asked) == 2)
        service.model.block.set()
        first.result()
        second.result()

    assert len(answers(app)) == 1
    assert app.value("select turn_count from public.conversations") == 1
    assert len(service.broadcaster.sent) == 1


def test_a_refusal_leaves_its_reason_and_the_next_delivery_answers(app, service):
    _, row = ask(app, app.conversation())
    service.model.error = ProviderError("400 BadRequestError", is_transient=False)

    with pytest.raises(ProviderError):
        service.answer(row)
    waiting = outbox(app)
    service.model.error = None
    outcome = service.answer(row)

    assert waiting == [("llm", "gemini gemini-2.5-flash: 400 BadRequestError", None)]
    assert outcome is Outcome.ANSWERED
    assert len(answers(app)) == 1


def test_a_deleted_message_is_dropped(app, service):
    message, row = ask(app, app.conversation())
    app.connection.execute("delete from public.messages where id = %s", (message,))

    outcome = service.answer(row)

    assert outcome is Outcome.VOID
    assert outbox(app) == []


def test_the_prompt_holds_history_memories_and_summary_of_this_user_only(app, service):
    chat, other = app.conversation(), app.conversation()
    ask(app, other, "of another conversation")
    for number in range(25):
        ask(app, chat, f"message {number}")
    remember(app, app.user, "likes tea", uses=1)
    remember(app, app.user, "has a cat", uses=9)
    remember(app, app.person(uuid4()), "is somebody else", uses=99)
    app.connection.execute(
        "insert into public.conversation_summaries (chat_id, summary_text)"
        " values (%s, 'They met in May.')",
        (chat,),
    )
    _, row = ask(app, chat, "the last one")

    service.answer(row)

    _, prompt = service.model.asked[0]
    assert [turn.text for turn in prompt.turns] == [
        *(f"message {number}" for number in range(6, 25)),
        "the last one",
    ]
    assert "- has a cat\n- likes tea" in prompt.instructions
    assert "somebody else" not in prompt.instructions
    assert "They met in May." in prompt.instructions


def remember(app, user: UUID, text: str, *, uses: int) -> None:
    app.connection.execute(
        "insert into public.user_memory (user_id, memory_text, memory_type,"
        " confidence_score, reference_count) values (%s, %s, 'fact', 0.9, %s)",
        (user, text, uses),
    )


def test_a_later_message_is_not_part_of_the_prompt(app, service):
    chat = app.conversation()
    _, row = ask(app, chat, "first")
    ask(app, chat, "second")

    service.answer(row)

    assert [turn.text for turn in service.model.asked[0][1].turns] == ["first"]


def test_the_configuration_row_chooses_model_and_fallback(app, service):
    app.connection.execute(
        "insert into public.system_config (key, value) values ('llm_provider',"
        """ '{"provider": "openai", "model": "small", "extra": 1}')"""
    )
    _, row = ask(app, app.conversation())

    service.answer(row)

    assert service.model.asked[0][0] == "small"


def test_an_unreadable_configuration_says_which_field(app, service):
    app.connection.execute(
        "insert into public.system_config (key, value) values ('llm_provider',"
        """ '{"provider": "acme", "model": "small"}')"""
    )
    _, row = ask(app, app.conversation())

    with pytest.raises(ProviderError):
        service.answer(row)

    assert "$.provider" in outbox(app)[0][1]


def test_realtime_in_the_database_is_used_in_the_same_commit(app, service):
    app.connection.execute(
        "create schema realtime; create table realtime.sent (payload jsonb, event text,"
        " topic text, private boolean); create function realtime.send(payload jsonb,"
        " event text, topic text, private boolean default true) returns void language"
        " sql as 'insert into realtime.sent values (payload, event, topic, private)'"
    )
    _, row = ask(app, app.conversation())

    service.answer(row)

    assert app.rows("select topic, event, private from realtime.sent") == [
        (f"user-realtime:{app.user}", "message", True)
    ]
    assert outbox(app) == []
    assert service.broadcaster.sent == []


def test_an_event_that_cannot_be_sent_waits_for_the_relay(app, service):
    _, row = ask(app, app.conversation())
    service.broadcaster.error = BroadcastError("realtime: 503", is_permanent=False)

    outcome = service.answer(row)

    assert outcome is Outcome.ANSWERED
    [(topic, key, payload)] = app.rows(
        "select topic, key, payload from kiloscale.outbox"
    )
    assert (topic, key) == ("realtime", str(app.user))
    assert payload["topic"] == f"user-realtime:{app.user}"
    assert set(payload["payload"]) == {"chat_id", "message_id"}


def test_without_realtime_no_event_is_written(app, service):
    _, row = ask(app, app.conversation())

    service.answer(row, realtime=False)

    assert outbox(app) == []


def test_the_tenth_turn_writes_one_summary(app, service):
    chat = app.conversation()

    for number in range(12):
        service.answer(ask(app, chat, f"message {number}")[1])

    assert app.rows(
        "select turn_range, message_count from public.conversation_summaries"
    ) == [("1-10", 20)]
    assert app.rows(
        "select turn_count, last_summary_at_turn from public.conversations"
    ) == [(12, 10)]
    assert len(service.model.asked) == 13


def test_a_summary_that_fails_fails_no_answer(app, service):
    chat = app.conversation()
    app.connection.execute("update public.conversations set turn_count = 9")
    _, row = ask(app, chat)
    complete = service.model.complete

    def fail_after_the_answer(model: str, prompt: Prompt, timeout_s: float):
        if len(service.model.asked) == 1:
            raise ProviderError("500", is_transient=False)
        return complete(model, prompt, timeout_s)

    service.model.complete = fail_after_the_answer
    outcome = service.answer(row)

    assert outcome is Outcome.ANSWERED
    assert app.value("select count(*) from public.conversation_summaries") == 0
    assert app.value("select last_summary_at_turn from public.conversations") == 0


def test_sampled_answers_are_passed_on_with_their_commit(app, service):
    chat = app.conversation()
    service.model.length = 60

    for number in range(30):
        service.answer(ask(app, chat, f"message {number}")[1])

    rows = app.rows(
        "select id, key, payload from kiloscale.outbox where topic = 'extraction'"
        " order by id"
    )
    answered = app.rows(
        "select id from public.messages where role = 'assistant' order by created_at"
    )
    drawn = [
        each
        for count, (each,) in enumerate(answered, start=1)
        if rate("x" * 60, 2 * count) > lot(each)
    ]
    assert 0 < len(drawn) < 30
    assert [UUID(payload["message_id"]) for _, _, payload in rows] == drawn
    assert {
        (key, payload["chat_id"], payload["user_id"]) for _, key, payload in rows
    } == {(str(chat), str(chat), str(app.user))}
    assert [body["outbox_id"] for body in service.queue.sent] == [
        row for row, _, _ in rows
    ]
    assert {body["chat_id"] for body in service.queue.sent} == {chat}


def test_short_answers_are_not_passed_on(app, service):
    chat = app.conversation()

    for number in range(20):
        service.answer(ask(app, chat, f"message {number}")[1])

    assert (outbox(app), service.queue.sent) == ([], [])
