"""llm_handler against a real PostgreSQL: one answer, however often it is asked for."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from llm_service import Service, answers, ask, configure, outbox, remember

from functions.llm_handler.answers import Outcome
from functions.shared.extraction_policy import lot, rate
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import ProviderError
from functions.shared.realtime import BroadcastError

pytestmark = pytest.mark.integration


@pytest.fixture
def service(app):
    service = Service(app.url)
    yield service
    for database in service.databases:
        database.close()


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


def test_a_later_message_is_not_part_of_the_prompt(app, service):
    chat = app.conversation()
    _, row = ask(app, chat, "first")
    ask(app, chat, "second")

    service.answer(row)

    assert [turn.text for turn in service.model.asked[0][1].turns] == ["first"]


def test_the_configuration_row_chooses_model_and_fallback(app, service):
    configure(app, '{"provider": "openai", "model": "small", "extra": 1}')
    _, row = ask(app, app.conversation())

    service.answer(row)

    assert service.model.asked[0][0] == "small"


def test_an_unreadable_configuration_says_which_field(app, service):
    configure(app, '{"provider": "acme", "model": "small"}')
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
