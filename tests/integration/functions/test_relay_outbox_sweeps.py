"""relay_outbox against a real PostgreSQL: everything once a sweep, nothing lost."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from functions.relay_outbox.outbox import QueueCarrier, RealtimeCarrier, Sweep, sweep
from functions.shared.database import SingleConnection
from functions.shared.queues import Queue
from functions.shared.realtime import BroadcastError

pytestmark = pytest.mark.integration


class FakeSqs:
    """Takes batches as SQS does; refuses the ids that it is told, or fails whole."""

    def __init__(self) -> None:
        self.taken: list[dict] = []
        self.refused: dict[int, bool] = {}
        self.error: Exception | None = None
        self.calls = 0
        self._lock = threading.Lock()

    def send_message_batch(self, **request) -> dict:
        entries = request["Entries"]
        assert 0 < len(entries) <= 10
        with self._lock:
            self.calls += 1
            if self.error:
                raise self.error
            failed = []
            for entry in entries:
                body = json.loads(entry["MessageBody"])
                if body["outbox_id"] in self.refused:
                    fault = self.refused[body["outbox_id"]]
                    code = {"Id": entry["Id"], "Code": "Refused", "SenderFault": fault}
                    failed.append(code)
                else:
                    self.taken.append(body)
            return {"Failed": failed}


class FakeBroadcaster:
    """Takes events unless one of them has the topic ``bad``."""

    def __init__(self) -> None:
        self.sent: list[dict] = []

    def send(self, events: list[dict]) -> None:
        if any(event["topic"] == "bad" for event in events):
            raise BroadcastError("realtime: 422", is_permanent=True)
        self.sent += events


class Relay:
    """Relays that share a queue and a broadcaster, with a connection each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sqs = FakeSqs()
        self.broadcaster = FakeBroadcaster()

    def sweep(self, left_s: float = 50.0) -> Sweep:
        queue = Queue("https://sqs.test/llm")
        queue._client = self.sqs
        carriers = {
            "llm": QueueCarrier(queue),
            "extraction": QueueCarrier(queue),
            "realtime": RealtimeCarrier(self.broadcaster),
        }
        database = SingleConnection(self.url, "relay_outbox")
        try:
            return sweep(database, carriers, lambda: left_s)
        finally:
            database.close()


@pytest.fixture
def relay(app) -> Relay:
    return Relay(app.url)


def enqueue(app, count: int, *, topic: str = "llm", due: str = "-1 s") -> list[int]:
    rows = app.rows(
        "insert into kiloscale.outbox (topic, key, payload, due_at)"
        " select %s, 'key', jsonb_build_object('topic', 'user', 'n', n),"
        " now() + %s::interval from generate_series(1, %s) n returning id",
        topic,
        due,
        count,
    )
    return [number for (number,) in rows]


def test_what_is_due_is_sent_and_stays_until_its_effect(app, relay):
    ids = enqueue(app, 25)
    enqueue(app, 3, due="30 s")

    done = relay.sweep()

    assert (done.sent, done.failed, relay.sqs.calls) == (25, 0, 3)
    assert sorted(body["outbox_id"] for body in relay.sqs.taken) == ids
    assert app.rows(
        "select count(*), min(sends), max(sends), min(due_at) - now() > '59 s'"
        " from kiloscale.outbox where id = any (%s)",
        ids,
    ) == [(25, 1, 1, True)]


def test_three_relays_send_each_row_once(app, relay):
    ids = enqueue(app, 500)

    with ThreadPoolExecutor(3) as pool:
        sweeps = list(pool.map(lambda _: relay.sweep(), range(3)))

    assert sum(done.sent for done in sweeps) == 500
    counts = Counter(body["outbox_id"] for body in relay.sqs.taken)
    assert counts == dict.fromkeys(ids, 1)


def test_a_partial_failure_is_due_again_and_the_rest_is_sent(app, relay):
    first, second, third = enqueue(app, 3)
    relay.sqs.refused = {first: False, second: True}

    done = relay.sweep()

    assert (done.sent, done.failed) == (1, 2)
    assert app.rows(
        "select id, sends, last_error from kiloscale.outbox order by id"
    ) == [
        (first, 0, "sqs: Refused"),
        (second, 1, "sqs: Refused"),
        (third, 1, None),
    ]


def test_an_outage_of_the_queue_costs_no_send_and_is_asked_once(app, relay):
    enqueue(app, 30)
    relay.sqs.error = ConnectionError("away")

    done = relay.sweep()
    relay.sqs.error = None
    app.connection.execute("update kiloscale.outbox set due_at = now()")
    after = relay.sweep()

    assert (done.failed, relay.sqs.calls) == (10, 4)
    assert after.sent == 30
    assert app.value("select max(sends) from kiloscale.outbox") == 1


def test_the_backoff_doubles_up_to_an_hour(app, relay):
    waits = []
    enqueue(app, 1)
    for _ in range(8):
        relay.sweep()
        waits.append(
            app.value(
                "select round(extract(epoch from due_at - now()))::int"
                " from kiloscale.outbox"
            )
        )
        app.connection.execute("update kiloscale.outbox set due_at = now()")

    assert waits == pytest.approx([60, 120, 240, 480, 960, 1920, 3600, 3600], abs=2)


def test_a_row_is_dead_after_twelve_sends_and_is_left_alone(app, relay):
    enqueue(app, 1)
    app.connection.execute("update kiloscale.outbox set sends = 12")

    first, second = relay.sweep(), relay.sweep()

    assert (first.buried, first.sent, second.buried) == (1, 0, 0)
    assert app.rows("select dead_at <= now(), last_error from kiloscale.outbox") == [
        (True, "no effect after 12 sends")
    ]


def test_a_row_under_a_lease_is_left_to_its_consumer(app, relay):
    enqueue(app, 1)
    app.connection.execute("update kiloscale.outbox set leased_until = now() + '1 min'")

    done = relay.sweep()

    assert done.sent == 0


def defer(app, chat, turns_max: int) -> int | None:
    return app.value(
        "select kiloscale.defer_extraction(%s, %s, %s, 1, %s, 300)",
        *(chat, app.user, chat, turns_max),
    )


def test_turns_that_wait_are_sent_once_when_the_conversation_rests(app, relay):
    chat = app.conversation()
    defer(app, chat, turns_max=9)

    early = relay.sweep()
    app.connection.execute(
        "update kiloscale.outbox set ready_at = now() - '1 s'::interval,"
        " due_at = now() - '1 s'::interval"
    )
    rested, after = relay.sweep(), relay.sweep()

    assert (early.sent, rested.sent, after.sent) == (0, 1, 0)
    assert [body["chat_id"] for body in relay.sqs.taken] == [str(chat)]


def test_what_was_sent_at_once_is_sent_again_only_after_a_minute(app, relay):
    chat = app.conversation()
    row = defer(app, chat, turns_max=1)

    soon = relay.sweep()
    app.connection.execute(
        "update kiloscale.outbox set due_at = due_at - '61 s'::interval"
    )
    later = relay.sweep()

    assert row is not None
    assert (soon.sent, later.sent) == (0, 1)


def test_a_row_that_a_consumer_holds_is_not_waited_for_to_bury_it(app, relay):
    enqueue(app, 2)
    app.connection.execute("update kiloscale.outbox set sends = 12")

    with psycopg.connect(app.url) as consumer:
        consumer.execute("select from kiloscale.outbox order by id limit 1 for update")
        held = relay.sweep().buried

    assert (held, relay.sweep().buried) == (1, 1)


def test_realtime_events_go_with_their_delivery_and_one_bad_event_stays(app, relay):
    enqueue(app, 3, topic="realtime")
    app.connection.execute(
        'update kiloscale.outbox set payload = \'{"topic": "bad"}\''
        " where id = (select min(id) from kiloscale.outbox)"
    )

    done = relay.sweep()

    assert (done.sent, done.failed) == (2, 1)
    assert [event["n"] for event in relay.broadcaster.sent] == [2, 3]
    assert app.rows("select payload, sends, last_error from kiloscale.outbox") == [
        ({"topic": "bad"}, 1, "realtime: 422")
    ]


def test_topics_that_nobody_takes_are_left_alone(app, relay):
    enqueue(app, 1, topic="images")

    relay.sweep()

    assert app.value("select sends from kiloscale.outbox") == 0


def test_a_sweep_ends_before_its_time_does(app, relay):
    enqueue(app, 1)

    done = relay.sweep(left_s=5.0)

    assert (done.sent, done.complete) == (0, False)
