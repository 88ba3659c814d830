"""What the models cost: held before a call, settled after it, exact for each user."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from llm_service import PRICES, Service, answers, ask, configure, outbox, remember, say

from functions.llm_handler import queries
from functions.llm_handler.answers import Outcome
from functions.llm_handler.budgets import Budget
from functions.llm_handler.replies import refusal, reply
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import DEFAULT
from functions.shared.providers.spending import Cost, prompt_bytes, rates

pytestmark = pytest.mark.integration

HELD = "select coalesce(sum(microusd), 0) from kiloscale.llm_reservations"
SPENT = "select coalesce(sum(microusd), 0) from kiloscale.llm_usage"
SIZE = 8_700
"""An answer to a short message may cost so many microusd: 8,192 for its output."""


@pytest.fixture
def service(app):
    service = Service(app.url)
    service.model.tokens = (50, 500)  # 1,050 microusd
    yield service
    for database in service.databases:
        database.close()


def usage(app) -> list[tuple]:
    return app.rows(
        "select purpose, model, calls, input_tokens, output_tokens, microusd"
        " from kiloscale.llm_usage order by purpose"
    )


def spend(app, microusd: int, *, days_ago: int = 0) -> None:
    """Let the user have spent something."""
    app.connection.execute(
        "insert into kiloscale.llm_usage (user_id, day, purpose, model, microusd)"
        " values (%s, %s, 'answer', 'earlier', %s)",
        (app.user, datetime.now(UTC).date() - timedelta(days=days_ago), microusd),
    )


def test_what_a_call_may_cost_is_held_and_what_it_cost_is_recorded(app, service):
    chat = app.conversation()
    remember(app, app.user, "likes tea \u2615", uses=1)
    say(app, chat, "\u00e9" * 300)
    say(app, chat, "Yes.", role="assistant")
    _, row = ask(app, chat)
    held = []
    complete = service.model.complete

    def look(model: str, prompt: Prompt, timeout_s: float) -> Completion:
        most = rates(PRICES, DEFAULT).at_most(prompt_bytes(prompt), len(prompt.turns))
        held.append((app.value(HELD), most))
        return complete(model, prompt, timeout_s)

    service.model.complete = look
    service.answer(row)

    [(reserved, most)] = held
    assert most <= reserved <= most + 200
    assert app.value(HELD) == 0
    assert usage(app) == [("answer", "gemini-2.5-flash", 1, 50, 500, 1_050)]
    assert app.rows("select day, users, calls, usd::text from kiloscale.llm_spend") == [
        (datetime.now(UTC).date(), 1, 1, "0.001050")
    ]


def test_eight_consumers_never_hold_or_spend_more_than_the_budget(app, service):
    chats = [app.conversation() for _ in range(8)]
    rows = [ask(app, chats[number % 8])[1] for number in range(40)]
    service.day_microusd = 30_000
    totals = []
    complete = service.model.complete

    def look(model: str, prompt: Prompt, timeout_s: float) -> Completion:
        with psycopg.connect(app.url) as connection:
            [(total,)] = connection.execute(f"select ({HELD}) + ({SPENT})").fetchall()
        totals.append(total)
        return complete(model, prompt, timeout_s)

    service.model.complete = look
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(service.answer, rows))

    answered = outcomes.count(Outcome.ANSWERED)
    assert set(outcomes) == {Outcome.ANSWERED, Outcome.REFUSED}
    assert max(totals) <= 30_000
    assert len(service.model.asked) == answered
    assert sum(calls for _, _, calls, *_ in usage(app)) == answered
    # Nobody is refused as long as an answer fits, whoever else is being answered.
    assert 30_000 - SIZE - 1_050 < app.value(SPENT) <= 30_000
    assert len(answers(app)) == 40
    assert (outbox(app), app.value(HELD)) == ([], 0)


def test_over_budget_one_message_says_so_and_no_model_is_asked(app, service):
    chat = app.conversation()
    spend(app, 1_000_000 - SIZE)
    first, row = ask(app, chat)
    service.answer(row)
    _, row = ask(app, chat)

    outcomes = [service.answer(row) for _ in range(2)]

    assert outcomes == [Outcome.REFUSED, Outcome.DONE_BEFORE]
    [(text, meta)] = app.rows(
        "select text, meta from public.messages where meta ->> 'refused' = 'budget'"
    )
    assert "today's limit" in text
    assert set(meta) == {"reply_to", "call_id", "refused"}
    assert [len(service.model.asked), len(answers(app))] == [1, 2]
    assert [event["payload"]["chat_id"] for event in service.broadcaster.sent] == [
        chat,
        chat,
    ]
    assert app.value("select count(*) from public.messages where id = %s", first) == 1


def test_tomorrow_there_are_answers_again_and_a_refusal_is_not_part_of_them(
    app, service
):
    chat = app.conversation()
    spend(app, 1_000_000)
    configure(
        app, '{"provider": "gemini", "model": "m", "budget_text": "See you tomorrow."}'
    )
    service.answer(ask(app, chat, "first")[1])
    app.connection.execute("update kiloscale.llm_usage set day = day - 1")

    service.answer(ask(app, chat, "second")[1])

    assert answers(app) == ["See you tomorrow.", "answer 1"]
    [(_, prompt)] = service.model.asked
    assert [turn.text for turn in prompt.turns] == ["first", "second"]


def test_what_a_killed_consumer_held_is_free_when_its_lease_ends(app, service):
    chat = app.conversation()
    _, killed = ask(app, chat)
    _, row = ask(app, chat)
    ceiling = Budget(PRICES, 10_000).ceiling(DEFAULT)
    service.day_microusd = 10_000
    queries.take(app.connection, killed, lease_s=60, ceiling=ceiling)
    environment = service.environment()

    busy = environment.answer(row, lambda: 29.0)
    waiting = outbox(app)
    app.connection.execute(
        "update kiloscale.llm_reservations set expires_at = now() where outbox_id = %s",
        (killed,),
    )
    answered = environment.answer(row, lambda: 29.0)

    assert (busy, answered) == (Outcome.BUSY, Outcome.ANSWERED)
    assert (Outcome.BUSY.value, None) in [(error, until) for _, error, until in waiting]
    assert app.value(HELD) == 0


def test_who_takes_a_row_again_holds_its_part_once(app, service):
    _, row = ask(app, app.conversation())
    ceiling = Budget(PRICES, 10_000).ceiling(DEFAULT)
    first = queries.take(app.connection, row, lease_s=60, ceiling=ceiling)
    app.connection.execute("update kiloscale.outbox set leased_until = now()")

    second = queries.take(app.connection, row, lease_s=60, ceiling=ceiling)

    assert (first.taken().budget, second.taken().budget) == ("granted", "granted")
    assert app.value(HELD) == second.taken().ceiling_microusd


def test_giving_up_releases_what_is_ours_and_nothing_else(app, service):
    _, row = ask(app, app.conversation())
    service.model.error = ProviderError("400", is_transient=False)
    with pytest.raises(ProviderError):
        service.answer(row)
    released = app.value(HELD)
    ceiling = Budget(PRICES, 10_000).ceiling(DEFAULT)
    late = queries.take(app.connection, row, lease_s=60, ceiling=ceiling)
    app.connection.execute("update kiloscale.outbox set leased_until = now()")
    now = queries.take(app.connection, row, lease_s=60, ceiling=ceiling)

    queries.give_up(
        app.connection,
        row,
        leased_until=late.leased_until,
        user_id=app.user,
        reason="too late",
    )

    assert released == 0
    assert [until for _, _, until in outbox(app)] == [now.leased_until]
    assert app.value(HELD) > 0


def test_both_calls_of_a_lease_that_ran_out_are_paid(app, service, wait_until):
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

    assert usage(app) == [("answer", "gemini-2.5-flash", 2, 100, 1_000, 2_100)]
    assert len(answers(app)) == 1


def test_a_commit_that_was_cut_off_is_paid_once(app, service):
    _, row = ask(app, app.conversation())
    ceiling = Budget(PRICES, 10_000).ceiling(DEFAULT)
    taken = queries.take(app.connection, row, lease_s=60, ceiling=ceiling).taken()
    paid = Cost(
        model="m", input_tokens=1, output_tokens=1, microusd=3, is_estimate=False
    )
    completion = Completion(text="Yes.", model="m-1")
    answer = reply(row, taken, completion=completion, cost=paid, policy=lambda _: None)
    statement = service.environment()._announcer.statement(taken)

    saved = [queries.save(app.connection, answer, statement) for _ in range(2)]

    assert [each.settled for each in saved] == [1, 0]
    assert usage(app) == [("answer", "m", 1, 1, 1, 3)]
    assert queries.save(app.connection, refusal(row, taken, "No."), statement)
    assert len(answers(app)) == 1


def test_tokens_that_nobody_counted_are_estimated_and_said_to_be(app, service):
    service.model.tokens = (None, None)
    service.model.length = 400

    service.answer(ask(app, app.conversation())[1])

    [(_, _, _, read, written, _)] = usage(app)
    prompt = service.model.asked[0][1]
    characters = len(prompt.instructions) + len("Hello.")
    assert (read, written) == (-(-characters // 4), 100)
    meta = app.value("select meta from public.messages where role = 'assistant'")
    assert (meta["tokens"], meta["output_tokens"]) == ("estimated", 100)


def test_the_prices_of_the_configuration_win_and_those_of_the_fallback_are_its_own(
    app, service
):
    configure(
        app,
        '{"provider": "gemini", "model": "a", "input_usd": 10, "output_usd": 20,'
        ' "fallback": {"provider": "openai", "model": "b", "input_usd": 0,'
        ' "output_usd": 3}}',
    )
    complete = service.model.complete

    def refuse(model: str, prompt: Prompt, timeout_s: float) -> Completion:
        if model == "a" and len(service.model.asked) == 1:
            raise ProviderError("400", is_transient=False)
        return complete(model, prompt, timeout_s)

    service.model.complete = refuse
    for _ in range(2):
        service.answer(ask(app, app.conversation())[1])

    assert [(model, microusd) for _, model, *_, microusd in usage(app)] == [
        ("a", 50 * 10 + 500 * 20),
        ("b", 500 * 3),
    ]


def test_a_summary_is_paid_as_one_and_given_up_where_the_budget_ends(app, service):
    chat, other = app.conversation(), app.conversation()
    for number in range(9):
        for each in (chat, other):
            say(app, each, f"message {number}")
            say(app, each, "Yes.", role="assistant")

    complete = service.model.complete

    def and_spend(model: str, prompt: Prompt, timeout_s: float) -> Completion:
        spend(app, 1_000_000 - 3 * SIZE)
        return complete(model, prompt, timeout_s)

    service.answer(ask(app, chat)[1])
    service.model.complete = and_spend
    service.day_microusd = 1_000_000 - 2 * SIZE
    service.answer(ask(app, other)[1])

    assert [(purpose, calls) for purpose, _, calls, *_ in usage(app) if calls] == [
        ("answer", 2),
        ("summary", 1),
    ]
    assert app.rows("select chat_id from public.conversation_summaries") == [(chat,)]
    assert app.value(HELD) == 0


def test_a_call_counts_for_the_day_for_which_it_was_held(app, service):
    _, row = ask(app, app.conversation())
    complete = service.model.complete

    def at_midnight(model: str, prompt: Prompt, timeout_s: float) -> Completion:
        app.connection.execute("update kiloscale.llm_reservations set day = day - 1")
        return complete(model, prompt, timeout_s)

    service.model.complete = at_midnight
    service.answer(row)

    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert app.rows("select day from kiloscale.llm_usage") == [(yesterday,)]


def test_days_leave_after_thirteen_months_and_everything_with_the_user(app, service):
    other = app.person(uuid4())
    app.person(app.user)
    spend(app, 5, days_ago=401)
    spend(app, 5, days_ago=399)
    for user in (app.user, other):
        app.connection.execute(
            "select kiloscale.settle_llm(null, %s, 'extraction', 'm', 10, 5, 20)",
            (user,),
        )
        app.connection.execute(
            "select kiloscale.reserve_llm(1, %s, 5, 1000, 60)", (user,)
        )
    days = app.value("select count(*) from kiloscale.llm_usage")
    app.connection.execute(
        "insert into public.profiles (id) values (%s), (%s) on conflict do nothing",
        (app.user, other),
    )

    app.connection.execute("delete from public.profiles where id = %s", (app.user,))

    assert days == 3
    assert app.rows("select user_id from kiloscale.llm_usage") == [(other,)]
    assert app.rows("select user_id from kiloscale.llm_reservations") == [(other,)]


def test_memories_that_the_model_was_told_are_counted_exactly(app, service):
    app.person(app.user)
    for number in range(20):
        remember(app, app.user, f"memory {number}", uses=number)
    remember(app, app.user, "used most", uses=32_767)
    rows = [ask(app, app.conversation())[1] for _ in range(16)]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(service.answer, rows))

    assert outcomes == [Outcome.ANSWERED] * 16
    assert app.rows(
        "select reference_count from public.user_memory"
        " where last_referenced_at is not null order by reference_count"
    ) == [(number + 16,) for number in range(1, 20)] + [(32_767,)]
    assert app.rows(
        "select memory_text, reference_count from public.user_memory"
        " where last_referenced_at is null"
    ) == [("memory 0", 0)]


def test_arguments_out_of_range_are_named(app):
    user = "gen_random_uuid()"
    calls = {
        f"reserve_llm(1, {user}, -1, 10, 60)": "p_microusd",
        f"reserve_llm(1, {user}, 1, 10, 0)": "p_lease_s",
        f"settle_llm(1, {user}, 'answer', 'm', -1, 0, 0)": "p_input",
        f"settle_llm(1, {user}, 'art', 'm', 1, 0, 0)": "purpose_check",
    }

    for call, name in calls.items():
        with pytest.raises(psycopg.Error, match=name):
            app.connection.execute(f"select kiloscale.{call}")
