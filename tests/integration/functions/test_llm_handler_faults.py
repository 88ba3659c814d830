"""Language models that are away, slow, busy or broken, and consumers that are killed.

The models are the stand-in's, asked over HTTP by the real SDKs; the name of a model
chooses its fault. Nothing is lost, and each message is answered once.
"""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from llm_service import (
    PRICES,
    Service,
    answers,
    ask,
    configure,
    outbox,
    say,
)

from functions.llm_handler import queries
from functions.llm_handler.answers import Answerer, Outcome
from functions.llm_handler.budgets import Budget
from functions.shared.database import SingleConnection
from functions.shared.prompts import Prompt
from functions.shared.providers import models as models_module
from functions.shared.providers.breaker import FAILURES_MAX, OPEN_S
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.keys import ModelKeys
from functions.shared.providers.models import DEFAULT, Models, models

pytestmark = pytest.mark.integration

BROKEN = '{"provider": "openai", "model": "standin-%s"}'
WITH_FALLBACK = (
    '{"provider": "openai", "model": "standin-%s",'
    ' "fallback": {"provider": "gemini", "model": "spare"}}'
)


@pytest.fixture
def service(app):
    service = Service(app.url)
    yield service
    for database in service.databases:
        database.close()


@pytest.fixture
def asked(standin: Any) -> Models:
    """The stand-in's models; nobody waits between two attempts."""
    opened = models(keys(standin.url))
    opened._sleep = lambda _: None
    return opened


def keys(url: str) -> ModelKeys:
    return ModelKeys(
        gemini_api_key="key",
        gemini_base_url=f"{url}/llm/gemini",
        openai_api_key="key",
        openai_base_url=f"{url}/llm/v1",
    )


@pytest.mark.parametrize("fault", ["429", "500", "garbage", "empty", "slow-2000"])
def test_the_fallback_answers_once_where_the_model_fails(
    app, service, asked, monkeypatch, fault
):
    monkeypatch.setattr(models_module, "CALL_MAX_S", 0.3)
    configure(app, WITH_FALLBACK % fault)
    _, row = ask(app, app.conversation(), "Tea?")
    environment = service.environment(models=asked)

    outcomes = [environment.answer(row, lambda: 50.0) for _ in range(2)]

    assert outcomes == [Outcome.ANSWERED, Outcome.DONE_BEFORE]
    assert answers(app) == ["You said: Tea?"]
    assert app.rows("select model, calls from kiloscale.llm_usage") == [("spare", 1)]


def test_without_a_fallback_the_message_waits_until_the_row_names_a_model_that_works(
    app, service, asked
):
    """The operator's change holds at the next delivery, not ten minutes later."""
    chat = app.conversation()
    rows = [ask(app, chat, f"message {number}")[1] for number in range(3)]
    away = models(keys("http://127.0.0.1:9"))
    away._sleep = lambda _: None
    environments = [service.environment(models=each) for each in (away, asked)]
    configure(app, BROKEN % "500")

    for environment in environments:
        for row in rows:
            with pytest.raises(ProviderError):
                environment.answer(row, lambda: 50.0)
    waiting = outbox(app)
    configure(app, '{"provider": "openai", "model": "works"}')
    outcomes = [environments[1].answer(row, lambda: 50.0) for row in rows]

    assert {(topic, until) for topic, _, until in waiting} == {("llm", None)}
    assert all("standin-500" in error for _, error, _ in waiting)
    assert outcomes == [Outcome.ANSWERED] * 3
    assert answers(app) == [f"You said: message {number}" for number in range(3)]
    assert outbox(app) == []


def test_a_model_that_says_when_to_come_back_is_asked_then(standin):
    waited = []
    opened = models(keys(standin.url))
    opened._sleep = waited.append
    config = models_module.read_config({"provider": "openai", "model": "standin-429"})
    prompt = Prompt("", ())

    with pytest.raises(ProviderError):
        opened.complete(config, prompt, 20.0)
    with pytest.raises(ProviderError):
        opened.complete(config, prompt, 2.5)

    # "Retry-After: 1": two pauses within 20 s, none where 2.5 s leave no time for it.
    assert len(waited) == 2
    assert all(pause >= 1 for pause in waited)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Flaky:
    """A model that is away as long as a test says so; counts how often it is asked."""

    def __init__(self) -> None:
        self.is_away = True
        self.calls: Counter[str] = Counter()

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        self.calls[model] += 1
        if model == "first" and self.is_away:
            raise ProviderError("503", is_transient=True)
        return Completion(text=f"by {model}", model=model)


def test_a_model_that_fails_is_left_alone_and_found_again(app, service):
    configure(
        app,
        '{"provider": "openai", "model": "first",'
        ' "fallback": {"provider": "gemini", "model": "second"}}',
    )
    chat, model, clock = app.conversation(), Flaky(), Clock()
    opened = Models(
        {"openai": lambda: model, "gemini": lambda: model},
        sleep=lambda _: None,
        clock=clock,
    )
    environment = service.environment(models=opened)

    def answer() -> None:
        environment.answer(ask(app, chat)[1], lambda: 50.0)

    for _ in range(6):
        answer()
    while_open = model.calls["first"]
    clock.now = OPEN_S
    answer()
    probed = model.calls["first"] - while_open
    model.is_away = False
    clock.now = 2 * OPEN_S
    for _ in range(3):
        answer()

    assert while_open == FAILURES_MAX
    assert probed == 1
    assert answers(app) == ["by second"] * 7 + ["by first"] * 3


class Killed(BaseException):
    """The process ends here."""


class KilledAfter:
    """A `Database` whose process is killed after its n-th statement committed."""

    def __init__(self, database: SingleConnection, statements: int) -> None:
        self.database = database
        self.left = statements

    def run(self, work: Any, *, repeatable: bool) -> Any:
        result = self.database.run(work, repeatable=repeatable)
        self.left -= 1
        if not self.left:
            raise Killed
        return result


def killed(environment: Answerer, row: int, statements: int) -> None:
    """Answer in a process that is killed after so many statements of the answer."""
    environment._configs.get()
    database = KilledAfter(environment._database, statements)
    environment._database = environment._announcer._database = database
    with pytest.raises(Killed):
        environment.answer(row, lambda: 50.0)


def test_killed_after_the_lease_the_message_is_answered_when_the_lease_ends(
    app, service
):
    _, row = ask(app, app.conversation())

    killed(service.environment(), row, statements=1)
    at_once = service.answer(row)
    app.connection.execute("update kiloscale.outbox set leased_until = now()")
    later = service.answer(row)

    assert (at_once, later) == (Outcome.LEASED, Outcome.ANSWERED)
    assert len(answers(app)) == 1
    assert app.value("select count(*) from kiloscale.llm_reservations") == 0


def test_killed_between_the_answer_and_its_acknowledgement_nothing_is_done_twice(
    app, service
):
    _, row = ask(app, app.conversation())

    killed(service.environment(), row, statements=2)
    outcome = service.answer(row)

    assert outcome is Outcome.DONE_BEFORE
    assert len(answers(app)) == len(service.model.asked) == 1
    assert app.value("select turn_count from public.conversations") == 1
    assert app.value("select sum(calls) from kiloscale.llm_usage") == 1
    # Its event is still there: the relay announces it.
    assert [topic for topic, _, _ in outbox(app)] == ["realtime"]


class Deadlocked:
    """A `Database` whose n-th statement, and only that, is the victim of a deadlock."""

    def __init__(self, database: SingleConnection, statement: int) -> None:
        self.database = database
        self.left = statement

    def run(self, work: Any, *, repeatable: bool) -> Any:
        self.left -= 1
        if not self.left:
            raise psycopg.errors.DeadlockDetected
        return self.database.run(work, repeatable=repeatable)


def test_a_deadlock_with_the_app_throws_no_paid_answer_away(app, service):
    _, row = ask(app, app.conversation())
    environment = service.environment()
    environment._configs.get()
    environment._database = Deadlocked(environment._database, statement=2)

    outcome = environment.answer(row, lambda: 50.0)

    assert outcome is Outcome.ANSWERED
    assert len(answers(app)) == len(service.model.asked) == 1


def test_duplicates_in_any_order_from_eight_consumers_answer_each_message_once(
    app, service
):
    chats = [app.conversation() for _ in range(3)]
    rows = [ask(app, chats[number % 3], f"{number}")[1] for number in range(18)]
    deliveries = rows * 4
    random.Random(4).shuffle(deliveries)

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(service.answer, deliveries))

    assert outcomes[Outcome.ANSWERED] == 18
    assert set(outcomes) <= {Outcome.ANSWERED, Outcome.DONE_BEFORE, Outcome.LEASED}
    replies = app.rows(
        "select count(*), count(distinct meta ->> 'reply_to')"
        " from public.messages where role = 'assistant'"
    )
    assert replies == [(18, 18)]
    assert app.value("select sum(calls) from kiloscale.llm_usage") == len(
        service.model.asked
    )


def test_nothing_falls_between_summary_and_history(app, service):
    """Voice batches add turns without llm_handler, and the first summary fails."""
    chat = app.conversation()
    told: set[str] = set()
    missing: list[str] = []
    everything: list[str] = []
    complete = service.model.complete
    fails = iter([True])

    def remember_what_is_told(model: str, prompt: Prompt, timeout_s: float):
        texts = {text for turn in prompt.turns for text in turn.text.split("\n\n")}
        said = {text.removeprefix("user: ") for text in texts}
        is_summary = "Summarise" in prompt.instructions
        if is_summary and next(fails, False):
            raise ProviderError("500", is_transient=False)
        if is_summary:
            told.update(said)
        else:
            missing.extend(each for each in everything if each not in told | said)
        return complete(model, prompt, timeout_s)

    service.model.complete = remember_what_is_told
    for turn in range(34):
        if turn in {3, 12, 25}:
            for number in range(30):
                everything.append(f"voice {turn}.{number}")
                say(app, chat, everything[-1])
        everything.append(f"turn {turn}")
        service.answer(ask(app, chat, everything[-1])[1])

    assert missing == []
    longest = max(len(prompt.turns) for _, prompt in service.model.asked)
    assert longest <= 60
    assert app.value("select count(*) from public.conversation_summaries") == 4


def test_a_warm_answer_is_two_round_trips_and_one_more_with_an_event_by_http(
    app, service
):
    chat = app.conversation()
    counted = []
    for realtime in (False, True):
        environment = service.environment(realtime=realtime)
        environment.answer(ask(app, chat)[1], lambda: 50.0)
        database = KilledAfter(environment._database, statements=1_000)
        environment._database = environment._announcer._database = database

        environment.answer(ask(app, chat)[1], lambda: 50.0)

        counted.append(1_000 - database.left)
    assert counted == [2, 3]


def test_several_people_in_a_conversation_are_told_apart(app, service):
    chat = app.conversation("together")
    other = app.person(uuid4())
    say(app, chat, "Tea?", user_name="Ann\nLee")
    say(app, chat, "Coffee.", user_id=other, user_name="Bo")
    say(app, chat, "Both.", role="assistant", user_name="Ann Lee")

    service.answer(ask(app, chat, "Well?", user_name="Ann Lee")[1])

    [(_, prompt)] = service.model.asked
    assert [turn.text for turn in prompt.turns] == [
        "Ann Lee: Tea?",
        "Bo: Coffee.",
        "Both.",
        "Ann Lee: Well?",
    ]


def test_a_history_that_no_model_would_take_loses_its_oldest_messages(app, service):
    chat = app.conversation()
    for number in range(12):
        say(app, chat, f"{number} " + "x" * 30_000)

    service.answer(ask(app, chat, "Well?")[1])

    [(_, prompt)] = service.model.asked
    assert [turn.text[:2] for turn in prompt.turns] == [
        *(f"{number} "[:2] for number in range(6, 12)),
        "We",
    ]


def test_a_turn_of_a_long_conversation_reads_its_end_alone(app, service, monkeypatch):
    """The planner, left to itself, reads all of it to sort it: 15,000 blocks."""
    chat = app.conversation()
    app.connection.execute(
        "insert into public.messages (chat_id, role, text, status, created_at)"
        " select %s, 'user', 'x', 'complete', now() - make_interval(secs => n)"
        " from generate_series(1, 5000) n",
        (chat,),
    )
    app.connection.execute("analyze public.messages")
    _, row = ask(app, chat)
    plans = []

    def plain(cursor: Any) -> Any:
        return lambda values: plans.append(values[0])

    monkeypatch.setattr(queries, "class_row", lambda _: plain)
    explain = f"explain (analyze, buffers, format json) {queries.TAKE}"
    monkeypatch.setattr(queries, "TAKE", explain)
    ceiling = Budget(PRICES, 1_000_000).ceiling(DEFAULT)
    queries.take(app.connection, row, lease_s=60, ceiling=ceiling)

    [[plan]] = plans
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 600
