"""Turns that wait to be read together: under one row, counted exactly."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from extraction_service import (
    defer,
    progress,
    times,
    turn,
    waiting,
)

pytestmark = pytest.mark.integration


def test_turns_wait_under_one_row_until_the_conversation_rests(app):
    chat = app.conversation()

    sent = [defer(app, chat) for _ in range(2)]

    assert sent == [None, None]
    assert times(app) == [(300, 300, 0)]
    assert progress(app, chat) == (2, 2, False)


def test_enough_turns_are_read_at_once_and_sent_again_only_after_a_minute(app):
    chat = app.conversation()

    sent = [defer(app, chat, turns_max=3) for _ in range(3)]

    assert sent == [None, None, waiting(app)[0]]
    assert times(app) == [(0, 60, 0)]


UNDER_WAY = [
    "update kiloscale.outbox set sends = 1 where id = %s",
    "update kiloscale.outbox set leased_until = now() + '1 min' where id = %s",
    "update kiloscale.outbox set ready_at = now(), due_at = now() where id = %s",
    "update kiloscale.outbox set dead_at = now() where id = %s",
    "delete from kiloscale.outbox where id = %s",
]


def test_a_row_that_is_under_way_is_left_alone(app):
    for event in UNDER_WAY:
        chat = app.conversation()
        defer(app, chat)
        *_, first = waiting(app)
        app.connection.execute(event, (first,))

        for _ in range(2):
            defer(app, chat, turns_max=9)

        *_, last = waiting(app)
        others = [number for number in waiting(app) if number >= first]
        assert len(others) == 1 + (not event.startswith("delete"))
        assert last != first
        assert times(app)[-1] == (300, 300, 0)


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

    assert (sent, times(app)) == (None, [])


def test_arguments_out_of_range_are_refused(app):
    chat = app.conversation()

    for arguments in [(0, 1, 0), (1, 0, 0), (1, 1, -1)]:
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            app.value(
                "select kiloscale.defer_extraction(%s, %s, %s, %s, %s, %s)",
                *(chat, app.user, chat, *arguments),
            )
