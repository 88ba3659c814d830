"""extract_memory and what goes wrong: each reading has its effect, and has it once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from extraction_service import (
    Service,
    ask,
    defer,
    hits,
    memories,
    memory,
    new_lines,
    outbox,
    progress,
    turn,
    usage,
    waiting,
)

from functions.extract_memory import queries
from functions.extract_memory.extraction import Outcome
from functions.extract_memory.memories import UnreadableAnswerError
from functions.extract_memory.queries import take
from functions.shared.database import SingleConnection
from functions.shared.providers.interface import ProviderError

pytestmark = pytest.mark.integration


@pytest.fixture
def service(app):
    service = Service(app.url)
    yield service
    service.close()


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


def test_a_row_that_comes_while_its_conversation_is_read_waits(
    app, service, wait_until
):
    chat = app.conversation()
    _, one = ask(app, chat)
    service.model.block.clear()

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(service.extract, chat, one)
        wait_until(lambda: service.model.asked)
        _, two = ask(app, chat)
        meanwhile = service.extract(chat, two)
        service.model.block.set()
        reading.result()
    after = service.extract(chat, two)

    assert (meanwhile.outcome, meanwhile.busy) == (Outcome.LEASED, {two})
    assert after.outcome is Outcome.READ
    # What was read is shown again: the model may have missed something in it.
    assert service.model.lines == [
        "[1*] user: I have a cat, Tom.",
        "[2] user: I have a cat, Tom.",
    ]


def test_what_another_consumer_reads_is_left_to_it(app, service):
    chat = app.conversation()
    rows = [ask(app, chat)[1] for _ in range(2)]
    app.connection.execute(
        "update kiloscale.outbox set leased_until = now() + '1 min' where id = %s",
        (rows[0],),
    )

    done = service.extract(chat, *rows)

    assert (done.outcome, done.busy) == (Outcome.READ, frozenset(rows[:1]))
    assert waiting(app) == rows[:1]


def test_a_consumer_that_lost_its_lease_saves_nothing(app, service, wait_until):
    chat = app.conversation()
    _, row = ask(app, chat)
    service.model.block.clear()

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(service.extract, chat, row)
        wait_until(lambda: len(service.model.asked) == 1)
        app.connection.execute("update kiloscale.outbox set leased_until = now()")
        app.connection.execute(
            "update kiloscale.memory_progress set reading_until = now()"
        )
        next_one = pool.submit(service.extract, chat, row)
        wait_until(lambda: len(service.model.asked) == 2)
        service.model.block.set()
        saved = sorted([slow.result().saved, next_one.result().saved])

    assert (saved, len(memories(app)), outbox(app)) == ([0, 1], 1, [])
    assert usage(app) == [("extraction", 1, 7, 2, 27)]


@pytest.mark.parametrize(
    ("text", "error", "reason", "calls"),
    [
        ("You said: Tea?", None, "answer: not JSON", 2),
        ('[{"memory_text": 1}]', None, "answer: wrong at $[0].memory_text", 2),
        (
            "",
            ProviderError("429 RateLimit", is_transient=False),
            "gemini gemini-2.5-flash: 429 RateLimit",
            1,
        ),
    ],
)
def test_a_failure_leaves_its_reason_and_the_next_delivery_reads(
    app, service, text, error, reason, calls
):
    chat = app.conversation()
    _, row = ask(app, chat)
    good, service.model.text = service.model.text, text
    service.model.error = error

    with pytest.raises((ProviderError, UnreadableAnswerError)):
        service.extract(chat, row)
    left, counted = outbox(app), hits(app)
    service.model.text, service.model.error = good, None
    done = service.extract(chat, row)

    assert (left, counted) == ([(reason, None)], 0)
    assert (done.outcome, done.saved, hits(app)) == (Outcome.READ, 1, 1)
    assert service.configs.forgotten == (error is not None)
    # What was answered cost something, whatever it was.
    assert usage(app)[0][1] == calls


def test_rows_in_another_order_are_read_once(app, service):
    chat = app.conversation()
    defer(app, chat)
    app.connection.execute("update kiloscale.outbox set sends = 1")
    defer(app, chat)
    first, second = waiting(app)

    outcomes = [service.extract(chat, row).outcome for row in (second, first, second)]

    assert outcomes == [Outcome.READ, Outcome.NOTHING_NEW, Outcome.DONE_BEFORE]
    assert (len(service.model.asked), hits(app), outbox(app)) == (1, 1, [])


def test_a_reading_that_began_and_never_ended_is_done_by_the_next(app, service):
    chat = app.conversation()
    defer(app, chat)
    [row] = waiting(app)
    database = SingleConnection(app.url, "killed")
    database.run(
        lambda connection: take(connection, chat, [row], 60, service.limit),
        repeatable=False,
    )
    database.close()

    meanwhile = service.extract(chat, row).outcome
    app.connection.execute("update kiloscale.outbox set leased_until = now()")
    app.connection.execute("update kiloscale.memory_progress set reading_until = now()")
    after = service.extract(chat, row)

    assert (meanwhile, after.outcome) == (Outcome.LEASED, Outcome.READ)
    assert (len(memories(app)), progress(app, chat)) == (1, (0, 0, False))


def test_a_message_that_was_committed_late_is_read_later(app, service):
    chat = app.conversation()
    with psycopg.connect(app.url) as slow:
        slow.execute(
            "insert into public.messages (chat_id, role, text, created_at, status,"
            " user_id) values (%s, 'user', 'late', clock_timestamp(), 'complete', %s)",
            (chat, app.user),
        )
        defer(app, chat)
        service.extract(chat, *waiting(app))
        slow.commit()
    defer(app, chat)

    service.extract(chat, *waiting(app))

    assert new_lines(service) == ["And one more thing.", "late", "And one more thing."]


def test_nothing_is_skipped_and_nothing_read_twice_while_many_write_and_read(
    app, service
):
    chats = [app.conversation() for _ in range(3)]
    service.model.text = "[]"
    writing = threading.Event()
    writing.set()

    def write(number: int) -> None:
        with psycopg.connect(app.url, autocommit=True) as connection:
            for each in range(40):
                chat = chats[(number + each) % 3]
                turn(connection, chat, app.user, f"{number}/{each}", turns_max=6)

    def read() -> None:
        with psycopg.connect(app.url, autocommit=True) as connection:
            while True:
                is_last = not writing.is_set()
                found = connection.execute(
                    "select key, array_agg(id) from kiloscale.outbox"
                    " where topic = 'extraction' and (ready_at <= now() or %s)"
                    " group by key",
                    (is_last,),
                ).fetchall()
                if is_last and not found:
                    return
                for key, ids in found:
                    service.extract(UUID(key), *ids)

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        writers = [pool.submit(write, number) for number in range(3)]
        for writer in writers:
            writer.result()
        writing.clear()
        for reader in readers:
            reader.result()

    expected = [f"{number}/{each}" for number in range(3) for each in range(40)]
    assert sorted(new_lines(service)) == sorted(expected)
    assert [progress(app, chat) for chat in chats] == [(0, 0, False)] * 3
    assert usage(app)[0][1] == len(service.model.asked)


def test_a_save_whose_connection_dies_is_done_once(app, service, wait_until):
    chat = app.conversation()
    defer(app, chat)
    find = (
        "select pid from pg_stat_activity where application_name = 'extract_memory'"
        " and wait_event_type = 'Lock'"
    )

    with psycopg.connect(app.url) as other, ThreadPoolExecutor(1) as pool:
        other.execute(
            "select pg_advisory_xact_lock("
            " hashtextextended('kiloscale:memories:' || %s::text, 0))",
            (app.user,),
        )
        reading = pool.submit(service.extract, chat, *waiting(app))
        wait_until(lambda: app.rows(find))
        app.connection.execute(f"select pg_terminate_backend(({find}))")
        wait_until(lambda: app.rows(find))
        other.commit()
        done = reading.result()

    assert (done.outcome, done.saved, len(memories(app))) == (Outcome.READ, 1, 1)
    assert (len(service.model.asked), usage(app)[0][1], outbox(app)) == (1, 1, [])


@pytest.mark.parametrize("answer", ["[]", json.dumps([memory()])])
def test_a_deadlock_with_the_app_throws_no_paid_reading_away(
    app, service, monkeypatch, answer
):
    chat = app.conversation()
    defer(app, chat)
    name = "save" if answer != "[]" else "finish"
    real, failed = getattr(queries, name), []

    def once(*arguments, **more):
        if not failed:
            failed.append(1)
            raise psycopg.errors.DeadlockDetected
        return real(*arguments, **more)

    monkeypatch.setattr(queries, name, once)
    service.model.text = answer

    done = service.extract(chat, *waiting(app))

    assert (done.outcome, len(service.model.asked), outbox(app)) == (
        Outcome.READ,
        1,
        [],
    )
    assert usage(app)[0][1] == 1
