"""Turns that wait to be read together: one row, nothing skipped, nothing read twice."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest
from extraction_service import (
    Service,
    defer,
    hits,
    memories,
    outbox,
    progress,
    say,
    usage,
    waiting,
)

from functions.extract_memory.extraction import Outcome
from functions.extract_memory.queries import take
from functions.shared.database import SingleConnection

pytestmark = pytest.mark.integration


@pytest.fixture
def service(app):
    service = Service(app.url)
    yield service
    service.close()


def rows(app) -> list[tuple]:
    """Seconds until each row may begin, until the relay sends it, and its sends."""
    return app.rows(
        "select round(extract(epoch from ready_at - now()))::int,"
        " round(extract(epoch from due_at - now()))::int, sends"
        " from kiloscale.outbox where topic = 'extraction' order by id"
    )


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


def test_turns_wait_under_one_row_until_the_conversation_rests(app):
    chat = app.conversation()

    sent = [defer(app, chat) for _ in range(2)]

    assert sent == [None, None]
    assert rows(app) == [(300, 300, 0)]
    assert progress(app, chat) == (2, 2, False)


def test_enough_turns_are_read_at_once_and_sent_again_only_after_a_minute(app):
    chat = app.conversation()

    sent = [defer(app, chat, turns_max=3) for _ in range(3)]

    assert sent == [None, None, waiting(app)[0]]
    assert rows(app) == [(0, 60, 0)]


@pytest.mark.parametrize(
    "event",
    [
        "update kiloscale.outbox set sends = 1",
        "update kiloscale.outbox set leased_until = now() + '1 min'",
        "update kiloscale.outbox set ready_at = now(), due_at = now()",
        "update kiloscale.outbox set dead_at = now()",
        "delete from kiloscale.outbox",
    ],
)
def test_a_row_that_is_under_way_is_left_alone(app, event):
    chat = app.conversation()
    defer(app, chat)
    [first] = waiting(app)
    app.connection.execute(event)

    for _ in range(2):
        defer(app, chat, turns_max=9)

    *_, last = waiting(app)
    assert last != first
    assert len(waiting(app)) == 1 + (not event.startswith("delete"))
    assert rows(app)[-1] == (300, 300, 0)


def test_a_turn_that_meets_a_lease_in_its_transaction_waits_for_it(app, wait_until):
    chat = app.conversation()
    defer(app, chat)
    [first] = waiting(app)

    with psycopg.connect(app.url) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute(
            "update kiloscale.outbox set leased_until = now() + '1 min' where id = %s",
            (first,),
        )
        late = pool.submit(defer, app, chat)
        wait_until(lambda: _waits_for_lock(reader))
        reader.commit()
        late.result()

    assert len(waiting(app)) == 2


def _waits_for_lock(connection) -> bool:
    return connection.execute(
        "select count(*) > 0 from pg_locks where not granted"
    ).fetchone()[0]


def test_simultaneous_first_turns_are_counted_exactly(app):
    chat = app.conversation()
    app.person(app.user)
    barrier = threading.Barrier(8)

    def one(number: int) -> int | None:
        with psycopg.connect(app.url, autocommit=True) as connection:
            barrier.wait()
            return turn(connection, chat, app.user, str(number), turns_max=8)

    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(one, range(8)))

    assert [each for each in sent if each] == waiting(app)
    assert progress(app, chat) == (8, 8, False)


def test_a_conversation_that_is_gone_has_nothing_to_wait_for(app):
    gone = uuid4()

    sent = app.value(
        "select kiloscale.defer_extraction(%s, %s, %s, 1, 1, 0)", gone, app.user, gone
    )

    assert (sent, rows(app)) == (None, [])


@pytest.mark.parametrize("arguments", [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_arguments_out_of_range_are_refused(app, arguments):
    chat = app.conversation()

    with pytest.raises(psycopg.errors.InvalidParameterValue):
        app.value(
            "select kiloscale.defer_extraction(%s, %s, %s, %s, %s, %s)",
            *(chat, app.user, chat, *arguments),
        )


def test_everything_unread_is_read_oldest_first_with_some_context(app, service):
    chat = app.conversation()
    for _ in range(2):
        defer(app, chat)
    service.extract(chat, *waiting(app))
    first = service.model.lines
    for _ in range(2):
        defer(app, chat)

    service.extract(chat, *waiting(app))

    # The assistant's "Go on." asks nothing: it helps to understand nothing.
    assert [line[:9] for line in first] == ["[1] user:", "[2] user:"]
    assert [line[:10] for line in service.model.lines] == [
        *("[1*] user:", "[2*] user:", "[3] user: ", "[4] user: ")
    ]
    assert (outbox(app), progress(app, chat)) == ([], (0, 0, False))


def test_rows_in_another_order_are_read_once(app, service):
    chat = app.conversation()
    defer(app, chat)
    app.connection.execute("update kiloscale.outbox set sends = 1")
    defer(app, chat)
    first, second = waiting(app)

    outcomes = [service.extract(chat, row).outcome for row in (second, first, second)]

    assert outcomes == [Outcome.READ, Outcome.NOTHING_NEW, Outcome.DONE_BEFORE]
    assert (len(service.model.asked), hits(app), outbox(app)) == (1, 1, [])


def test_what_can_tell_nothing_is_no_call_and_does_not_count(app, service):
    chat = app.conversation()
    say(app, chat, "Thanks!")
    answer = say(app, chat, "You are welcome.", "assistant")
    row = app.value(
        "select kiloscale.defer_extraction(%s, %s, %s, 1, 1, 0)",
        *(chat, app.user, answer),
    )

    done = service.extract(chat, row)

    assert (done.outcome, outbox(app)) == (Outcome.NOTHING_NEW, [])
    assert (service.model.asked, hits(app)) == ([], 0)
    assert progress(app, chat) == (0, 0, False)


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


@pytest.mark.parametrize(("turns", "due_s"), [(25, 300), (45, 0)])
def test_what_does_not_fit_is_read_later(app, service, turns, due_s):
    chat = app.conversation()
    defer(app, chat, turns_max=99)
    for number in range(1, turns):
        say(app, chat, f"thing {number}")
        say(app, chat, "Hm.", "assistant")
    readings = 0

    while todo := waiting(app):
        service.extract(chat, *todo)
        readings += 1
        if readings == 1:
            assert rows(app) == [(due_s, due_s, 0)]
            assert waiting(app) != todo

    assert new_lines(service) == [
        "And one more thing.",
        *(f"thing {number}" for number in range(1, turns)),
    ]
    assert readings == -(-turns // 20)
    assert progress(app, chat) == (0, 0, False)


def test_the_rest_waits_with_the_turns_that_come_meanwhile(app, service, wait_until):
    chat = app.conversation()
    defer(app, chat, turns_max=99)
    for number in range(24):
        say(app, chat, f"thing {number}")
        say(app, chat, "Hm.", "assistant")
    todo = waiting(app)
    service.model.block.clear()

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(service.extract, chat, *todo)
        wait_until(lambda: service.model.asked)
        defer(app, chat, turns_max=99)
        service.model.block.set()
        reading.result()

    assert rows(app) == [(300, 300, 0)]
    assert progress(app, chat)[:2] == (6, 2)


def test_a_long_history_before_the_first_turn_is_not_read(app, service):
    chat = app.conversation()
    app.connection.execute(
        "insert into public.messages (chat_id, role, text, created_at, status, user_id)"
        " select %s, 'user', 'old ' || n, now() - make_interval(days => 200 - n),"
        " 'complete', %s from generate_series(1, 100) n",
        (chat, app.user),
    )
    defer(app, chat)

    service.extract(chat, *waiting(app))

    read = new_lines(service)
    assert (read[0], len(read), outbox(app)) == ("old 63", 39, [])


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
