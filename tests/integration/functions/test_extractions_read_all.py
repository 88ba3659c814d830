"""What waits is read: all of it, with what was before it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from extraction_service import (
    Service,
    defer,
    hits,
    new_lines,
    outbox,
    progress,
    say,
    times,
    waiting,
)

from functions.extract_memory.extraction import Outcome

pytestmark = pytest.mark.integration


@pytest.fixture
def service(app):
    service = Service(app.url)
    yield service
    service.close()


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
            assert times(app) == [(due_s, due_s, 0)]
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

    assert times(app) == [(300, 300, 0)]
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
