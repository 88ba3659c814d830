"""extract_memory against a real PostgreSQL: each conversation once, nothing twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from extraction_service import (
    Service,
    ask,
    hits,
    memories,
    memory,
    outbox,
    progress,
    say,
    usage,
)

from functions.extract_memory.conversations import Limit
from functions.extract_memory.extraction import Outcome

pytestmark = pytest.mark.integration


@pytest.fixture
def service(app):
    service = Service(app.url)
    yield service
    service.close()


def test_a_memory_is_saved_with_all_that_is_known_of_it(app, service):
    chat = app.conversation()
    profile = app.value(
        "insert into public.user_profile_list (id, user_id, profile_name, is_primary)"
        " values (gen_random_uuid(), %s, 'Main', true) returning id",
        app.user,
    )
    message, row = ask(app, chat)

    done = service.extract(chat, row)

    assert (done.outcome, done.saved, done.busy) == (Outcome.READ, 1, frozenset())
    [saved] = app.rows(
        "select user_id, profile_id, conversation_id, source_message_id, memory_text,"
        " memory_type::text, confidence_score::float, reference_count, is_active,"
        " origin_mode, memory_metadata, length(canonical_hash)"
        " from public.user_memory"
    )
    metadata = {
        "model": "gemini-2.5-flash",
        "input_tokens": 7,
        "output_tokens": 2,
        "value": 0.9,
        "horizon_days": 365,
    }
    assert saved == (
        *(app.user, profile, chat, message, "Has a cat named Tom.", "fact", 0.9),
        *(0, True, "chat", metadata, 64),
    )
    assert (outbox(app), hits(app), progress(app, chat)) == ([], 1, (0, 0, False))
    assert usage(app) == [("extraction", 1, 7, 2, 27)]


def test_turns_that_arrive_together_are_read_with_one_call(app, service):
    chat = app.conversation()
    first, one = ask(app, chat)
    second, two = ask(app, chat)
    service.model.text = json.dumps(
        [
            memory("Has a dog and a cat.", 1, confidence=0.88),
            memory("Has a cat named Tom.", 2, confidence=0.99),
            memory("Has two pets at home.", 2, confidence=0.85),
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
    assert usage(app) == [("extraction", 1, 7, 2, 27)]


def test_two_rows_of_a_conversation_are_never_read_at_the_same_time(
    app, service, wait_until
):
    chat = app.conversation()
    rows = [ask(app, chat)[1] for _ in range(2)]
    waits = (
        "select count(*) from pg_stat_activity"
        " where application_name = 'extract_memory' and wait_event_type = 'Lock'"
    )
    service.model.block.clear()

    with psycopg.connect(app.url) as other, ThreadPoolExecutor(2) as pool:
        other.execute("select from kiloscale.memory_progress for update")
        futures = [pool.submit(service.extract, chat, row) for row in rows]
        wait_until(lambda: app.value(waits) == 2)
        other.commit()
        wait_until(lambda: any(future.done() for future in futures))
        service.model.block.set()
        outcomes = sorted(future.result().outcome for future in futures)

    assert outcomes == [Outcome.READ, Outcome.LEASED]
    assert len(service.model.asked) == 1


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
    assert app.value("select reference_count from public.user_memory") == 5


def test_what_is_told_again_is_counted_and_nobody_elses_counts(app, service):
    other = app.person(uuid4())
    theirs = app.conversation(user=other)
    ours = [app.conversation() for _ in range(2)]
    service.extract(ours[0], ask(app, ours[0])[1])
    service.model.text = json.dumps([memory("Owns a CAT called Tom")])

    again = service.extract(ours[1], ask(app, ours[1])[1])
    app.user = other
    for_them = service.extract(theirs, ask(app, theirs)[1])

    assert (again.saved, for_them.saved) == (0, 1)
    assert app.rows(
        "select reference_count, last_referenced_at is not null"
        " from public.user_memory order by created_at"
    ) == [(1, True), (0, False)]
    assert outbox(app) == []


def test_what_was_taken_back_is_not_saved_in_the_same_words(app, service):
    chat = app.conversation()
    service.extract(chat, ask(app, chat)[1])
    app.connection.execute("update public.user_memory set is_active = false")

    again = service.extract(chat, ask(app, chat)[1])

    assert (again.saved, len(memories(app))) == (0, 1)
    assert app.value("select reference_count from public.user_memory") == 0


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


def test_the_unsure_and_the_unsafe_are_not_saved_and_count_as_read(app, service):
    chat = app.conversation()
    _, row = ask(app, chat)
    service.model.text = json.dumps(
        [
            memory("Maybe likes jazz.", confidence=0.8),
            memory("Was diagnosed with asthma.", confidence=0.99),
        ]
    )

    done = service.extract(chat, row)

    assert (done.outcome, done.saved) == (Outcome.READ, 0)
    assert (memories(app), outbox(app)) == ([], [])
    assert progress(app, chat) == (0, 0, False)


def test_over_the_limit_the_work_waits_until_the_window_ends(app, service):
    service.limit = Limit(1, 86_400)
    chats = [app.conversation() for _ in range(2)]
    service.extract(chats[0], ask(app, chats[0])[1])
    _, row = ask(app, chats[1])

    refused = service.extract(chats[1], row)
    later = app.value(
        "select extract(epoch from least(ready_at, due_at) - now()) / 3600"
        " from kiloscale.outbox"
    )
    at_once = ask(app, chats[1])[1]
    app.connection.execute(
        "update kiloscale.rate_limits set window_started_at = now() - '25 h'::interval"
    )
    after = service.extract(chats[1], row)

    assert (refused.outcome, refused.busy) == (Outcome.POSTPONED, frozenset())
    assert later == pytest.approx(24, abs=0.1)
    # The next turn waits with it.
    assert at_once is None
    assert (after.outcome, hits(app), outbox(app)) == (Outcome.READ, 1, [])
    assert len(service.model.lines) == 2


def test_a_deleted_conversation_takes_its_rows_with_it(app, service):
    chat = app.conversation()
    _, row = ask(app, chat)
    app.connection.execute("alter table public.conversations disable trigger user")
    app.connection.execute("delete from public.conversations where id = %s", (chat,))

    done = service.extract(chat, row)

    assert (done.outcome, outbox(app), hits(app)) == (Outcome.VOID, [], 0)


def test_where_the_user_said_nothing_new_no_model_is_asked(app, service):
    chat = app.conversation()
    service.extract(chat, ask(app, chat)[1])
    answer = say(app, chat, "Are you there?", "assistant")
    row = app.value(
        "select kiloscale.defer_extraction(%s, %s, %s, 1, 1, 0)",
        *(chat, app.user, answer),
    )

    done = service.extract(chat, row)

    assert (done.outcome, outbox(app)) == (Outcome.NOTHING_NEW, [])
    assert (len(service.model.asked), hits(app)) == (1, 1)
    assert progress(app, chat) == (0, 0, False)


def test_a_window_is_the_last_messages_of_this_user(app, service):
    chat = app.conversation("together")
    for number in range(9):
        say(app, chat, f"mine {number}", "user" if number % 2 else "assistant")
    say(app, chat, "another person's", user=app.person(uuid4()))
    _, row = ask(app, chat, "x" * 3_000, window=8)
    say(app, chat, "a later one")

    service.extract(chat, row)

    assert service.model.lines == [
        *(
            f"[{number - 2}] {'user' if number % 2 else 'assistant'}: mine {number}"
            for number in range(3, 9)
        ),
        "[7] user: I have a cat, Tom.",
        f"[8] assistant: {'x' * 2_000}",
    ]


def test_a_row_of_another_conversation_is_not_touched(app, service):
    chat, other = app.conversation(), app.conversation()
    _, row = ask(app, other)

    done = service.extract(chat, row)

    assert done.outcome is Outcome.DONE_BEFORE
    assert outbox(app) == [(None, None)]
