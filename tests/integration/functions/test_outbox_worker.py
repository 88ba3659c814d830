"""What the outbox worker takes: what is ready, and nobody has and nobody tried."""

import pytest

from functions.outbox_consumers import Crew
from functions.outbox_worker import _Drain
from functions.shared.database import SingleConnection

pytestmark = pytest.mark.integration


class FakeConsumer:
    deletes = False
    batch_max = 10
    age_s = 10.0

    def __init__(self) -> None:
        self.crew = Crew("test", 4)


@pytest.fixture
def consumer():
    consumer = FakeConsumer()
    yield consumer
    consumer.crew.close()


@pytest.fixture
def fresh(app, consumer):
    database = SingleConnection(app.url, "worker")
    drain = _Drain(database, {"extraction": consumer})
    yield lambda room=8: [row.id for row in drain._fresh("extraction", consumer, room)]
    database.close()


def add(app, **columns: str) -> int:
    names = "".join(f", {name}" for name in columns)
    values = "".join(f", {value}" for value in columns.values())
    return app.value(
        f"insert into kiloscale.outbox (topic, key, payload{names})"
        f" values ('extraction', 'key', '{{}}'{values}) returning id"
    )


def test_a_row_is_taken_when_it_has_been_ready_for_a_while(app, fresh):
    ready = add(app, ready_at="now() - interval '11 s'")
    add(app, ready_at="now() - interval '9 s'")
    # It was written long ago, and waits for its conversation to rest.
    add(app, ready_at="now() + interval '1 h'", created_at="now() - interval '1 h'")

    assert fresh() == [ready]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sends", "1"),
        ("last_error", "'503'"),
        ("dead_at", "now()"),
        ("leased_until", "now() + interval '1 min'"),
    ],
)
def test_a_row_that_somebody_has_or_had_is_left_alone(app, fresh, column, value):
    add(app, ready_at="'-infinity'", **{column: value})

    assert fresh() == []


def test_a_row_of_a_worker_that_was_killed_is_taken_when_its_lease_ends(app, fresh):
    row = add(app, ready_at="'-infinity'", leased_until="now() - interval '1 s'")

    assert fresh() == [row]


def test_no_more_is_taken_than_there_is_room_for_and_nothing_twice(
    app, fresh, consumer
):
    rows = [add(app, ready_at="'-infinity'") for _ in range(4)]
    consumer.crew._rows.add(rows[0])

    taken = fresh(room=2)
    consumer.crew._rows.clear()

    assert taken == rows[1:3]
