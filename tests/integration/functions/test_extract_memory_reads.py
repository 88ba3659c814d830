"""extract_memory against a real PostgreSQL: each conversation once, nothing twice."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from functions.extract_memory.extraction import Extraction, Extractor, Outcome
from functions.extract_memory.memories import UnreadableAnswerError
from functions.extract_memory.queries import Limit
from functions.shared.database import SingleConnection
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import Models

pytestmark = pytest.mark.integration


def memory(text: str = "Has a cat named Tom.", confidence: float = 0.9, **more) -> dict:
    return {
        "memory_text": text,
        "memory_type": "fact",
        "confidence": confidence,
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
        return Completion(text=self.text, model=model, input_tokens=7)


class Service:
    """The service as several environments have it: a connection each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.model = FakeModel()
        self.limit = Limit(100, 86_400)
        self.databases: list[SingleConnection] = []

    def extract(self, chat: UUID, *rows: int) -> Extraction:
        database = SingleConnection(self.url, "extract_memory")
        self.databases.append(database)
        models = Models({"gemini": lambda: self.model}, sleep=lambda _: None)
        extractor = Extractor(database, models, self.limit)
        return extractor.extract(chat, rows, lambda: 50.0)


@pytest.fixture
def service(app):
    service = Service(app.url)
    yield service
    for database in service.databases:
        database.close()


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


def ask(app, chat: UUID, text: str = "Noted.") -> tuple[UUID, int]:
    """Save an answer and the row that asks for its memories, as llm_handler does."""
    message = say(app, chat, text, "assistant")
    row = app.value(
        "insert into kiloscale.outbox (topic, key, payload) values ('extraction', %s,"
        " jsonb_build_object('chat_id', %s::text, 'message_id', %s::text))"
        " returning id",
        str(chat),
        str(chat),
        str(message),
    )
    return message, row


def memories(app) -> list[tuple]:
    return app.rows(
        "select memory_text, source_message_id from public.user_memory"
        " order by created_at, memory_text"
    )


def outbox(app) -> list[tuple]:
    return app.rows("select last_error, leased_until from kiloscale.outbox order by id")


def hits(app) -> int:
    return app.value(
        "select coalesce(sum(hits), 0) from kiloscale.rate_limits"
        " where scope = 'extraction' and subject = %s",
        str(app.user),
    )


def test_a_memory_is_saved_with_all_that_is_known_of_it(app, service):
    chat = app.conversation()
    profile = app.value(
        "insert into public.user_profile_list (id, user_id, profile_name, is_primary)"
        " values (gen_random_uuid(), %s, 'Main', true) returning id",
        app.user,
    )
    say(app, chat, "I have a cat, Tom.")
    message, row = ask(app, chat)

    done = service.extract(chat, row)

    assert (done.outcome, done.saved, done.busy) == (Outcome.READ, 1, frozenset())
    [saved] = app.rows(
        "select user_id, profile_id, conversation_id, source_message_id, memory_text,"
        " memory_type::text, confidence_score::float, reference_count, is_active,"
        " origin_mode, memory_metadata ->> 'model', length(canonical_hash)"
        " from public.user_memory"
    )
    assert saved == (
        *(app.user, profile, chat, message, "Has a cat named Tom.", "fact", 0.9),
        *(0, True, "chat", "gemini-2.5-flash", 64),
    )
    assert (outbox(app), hits(app)) == ([], 1)


def test_turns_that_arrive_together_are_read_with_one_call(app, service):
    chat = app.conversation()
    say(app, chat, "I have a cat.")
    first, one = ask(app, chat)
    say(app, chat, "And a dog.")
    second, two = ask(app, chat)
    service.model.text = json.dumps(
        [
            memory("Has a dog and a cat.", 0.88),
            memory("Has a cat named Tom.", 0.99),
            memory("Has two pets at home.", 0.85),
        ]
    )

    done = service.extract(chat, one, two)

    assert len(service.model.asked) == 1
    assert done.saved == 2
    assert set(memories(app)) == {
        ("Has a cat named Tom.", second),
        ("Has a dog and a cat.", first),
    }
    assert (outbox(app), hits(app)) == ([], 1)


def test_redeliveries_find_it_done(app, service):
    chat = app.conversation()
    _, row = ask(app, chat)

    outcomes = [service.extract(chat, row).outcome for _ in range(3)]

    assert outcomes == [Outcome.READ, Outcome.DONE_BEFORE, Outcome.DONE_BEFORE]
    assert (len(memories(app)), len(service.model.asked)) == (1, 1)


def test_simultaneous_deliveries_call_the_model_once(app, service, wait_until):
    chat = app.conversation()
    rows = [ask(app, chat)[1] for _ in range(2)]
    service.model.block.clear()

    with ThreadPoolExecutor(4) as pool:
        futures = [
            pool.submit(service.extract, chat, *order)
            for order in (rows, rows[::-1], rows, rows[::-1])
        ]
        wait_until(lambda: sum(future.done() for future in futures) == 3)
        service.model.block.set()
        done = [future.result() for future in futures]

    outcomes = sorted(each.outcome for each in done)
    assert outcomes == [Outcome.READ, *[Outcome.LEASED] * 3]
    assert {each.busy for each in done} == {frozenset(), frozenset(rows)}
    assert (len(service.model.asked), hits(app)) == (1, 1)


def test_what_another_consumer_reads_is_left_to_it(app, service):
    chat = app.conversation()
    rows = [ask(app, chat)[1] for _ in range(2)]
    app.connection.execute(
        "update kiloscale.outbox set leased_until = now() + '1 min' where id = %s",
        (rows[0],),
    )

    done = service.extract(chat, *rows)

    assert (done.outcome, done.busy) == (Outcome.READ, frozenset(rows[:1]))
    assert app.rows("select id from kiloscale.outbox") == [(rows[0],)]


def test_two_conversations_that_tell_the_same_give_one_memory(app, service, wait_until):
    chats = [app.conversation() for _ in range(6)]
    rows = [ask(app, chat)[1] for chat in chats]
    service.model.block.clear()

    with ThreadPoolExecutor(6) as pool:
        futures = [
            pool.submit(service.extract, chat, row)
            for chat, row in zip(chats, rows, strict=True)
        ]
        wait_until(lambda: len(service.model.asked) == 6)
        service.model.block.set()
        saved = sum(future.result().saved for future in futures)

    assert (saved, len(memories(app)), outbox(app)) == (1, 1, [])


def test_a_known_memory_is_not_saved_again_and_nobody_elses_counts(app, service):
    other = app.person(uuid4())
    theirs = app.conversation(user=other)
    ours = [app.conversation() for _ in range(2)]
    service.extract(ours[0], ask(app, ours[0])[1])
    service.model.text = json.dumps([memory("has a CAT, named Tom")])

    again = service.extract(ours[1], ask(app, ours[1])[1])
    for_them = service.extract(theirs, ask(app, theirs)[1])

    assert (again.saved, for_them.saved) == (0, 1)
    assert outbox(app) == []


def test_a_message_has_one_memory_at_most(app, service):
    chat = app.conversation()
    message, row = ask(app, chat)
    app.connection.execute(
        "insert into public.user_memory (user_id, source_message_id, memory_text,"
        " memory_type, confidence_score) values (%s, %s, 'There before.', 'fact', 0.9)",
        (app.user, message),
    )

    done = service.extract(chat, row)

    assert (done.saved, memories(app)) == (0, [("There before.", message)])
    assert outbox(app) == []


def test_the_unsure_and_the_unsafe_are_not_saved(app, service):
    chat = app.conversation()
    _, row = ask(app, chat)
    service.model.text = json.dumps(
        [memory("Maybe likes jazz.", 0.8), memory("Was diagnosed with asthma.", 0.99)]
    )

    done = service.extract(chat, row)

    assert (done.outcome, done.saved) == (Outcome.READ, 0)
    assert (memories(app), outbox(app)) == ([], [])


@pytest.mark.parametrize(
    ("text", "error", "reason"),
    [
        ("You said: Tea?", None, "answer: not JSON"),
        ('[{"memory_text": 1}]', None, "answer: wrong at $[0].memory_text"),
        (
            "",
            ProviderError("429 RateLimit", is_transient=False),
            "gemini gemini-2.5-flash: 429 RateLimit",
        ),
    ],
)
def test_a_failure_leaves_its_reason_and_the_next_delivery_reads(
    app, service, text, error, reason
):
    chat = app.conversation()
    _, row = ask(app, chat)
    good, service.model.text = service.model.text, text
    service.model.error = error

    with pytest.raises((ProviderError, UnreadableAnswerError)):
        service.extract(chat, row)
    waiting, counted = outbox(app), hits(app)
    service.model.text, service.model.error = good, None
    done = service.extract(chat, row)

    assert (waiting, counted) == ([(reason, None)], 0)
    assert (done.outcome, done.saved, hits(app)) == (Outcome.READ, 1, 1)


def test_over_the_limit_the_work_is_dropped_until_the_window_ends(app, service):
    service.limit = Limit(2, 86_400)
    chat = app.conversation()
    rows = [ask(app, chat)[1] for _ in range(3)]

    outcomes = [service.extract(chat, row).outcome for row in rows]
    app.connection.execute(
        "update kiloscale.rate_limits set window_started_at = now() - '25 h'::interval"
    )
    later = service.extract(chat, ask(app, chat)[1]).outcome

    assert outcomes == [Outcome.READ, Outcome.READ, Outcome.OVER_LIMIT]
    assert later is Outcome.READ
    assert (len(service.model.asked), outbox(app), hits(app)) == (3, [], 1)


def test_a_deleted_message_is_dropped_and_not_counted(app, service):
    chat = app.conversation()
    message, row = ask(app, chat)
    app.connection.execute("delete from public.messages where id = %s", (message,))

    done = service.extract(chat, row)

    assert (done.outcome, outbox(app), hits(app)) == (Outcome.VOID, [], 0)


def test_the_prompt_is_the_last_eight_messages_of_this_user(app, service):
    chat = app.conversation("together")
    for number in range(9):
        say(app, chat, f"mine {number}", "user" if number % 2 else "assistant")
    say(app, chat, "another person's", user=app.person(uuid4()))
    _, row = ask(app, chat, "x" * 3_000)
    say(app, chat, "a later one")

    service.extract(chat, row)

    [prompt] = service.model.asked
    assert prompt.turns[0].text.split("\n\n") == [
        *(
            f"{'user' if number % 2 else 'assistant'}: mine {number}"
            for number in range(2, 9)
        ),
        f"assistant: {'x' * 2_000}",
    ]


def test_a_row_of_another_conversation_is_not_touched(app, service):
    chat, other = app.conversation(), app.conversation()
    _, row = ask(app, other)

    done = service.extract(chat, row)

    assert done.outcome is Outcome.DONE_BEFORE
    assert outbox(app) == [(None, None)]
