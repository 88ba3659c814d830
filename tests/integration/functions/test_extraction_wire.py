"""Round trips of a reading, and readings through a pooler in transaction mode."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from extraction_service import Service, ask, memories, memory, outbox, usage
from poolers import PGBOUNCER, pgbouncer

from benchmarks.services.proxy import Proxy, counted
from functions.extract_memory.conversations import Limit
from functions.extract_memory.extraction import Outcome
from functions.shared.providers.interface import ProviderError

pytestmark = pytest.mark.integration


@pytest.fixture
def wire(cluster, app) -> Iterator[tuple[Proxy, Service]]:
    """The service behind a proxy, with its connection made."""
    with (
        counted(app.url, cluster.port) as (proxy, url),
        closing(Service(url)) as service,
    ):
        service.keeps_connection = True
        chat = app.conversation()
        service.extract(chat, ask(app, chat)[1])
        yield proxy, service


@pytest.mark.parametrize(
    ("answer", "trips"),
    [
        # Take; look at what is known; save.
        ([memory("Plays the cello in an orchestra.")], 3),
        ([memory("Owns a cat called Tom.")], 3),
        # Take; finish.
        ([], 2),
    ],
)
def test_a_reading_has_three_round_trips_at_most(app, wire, answer, trips):
    proxy, service = wire
    chat = app.conversation()
    row = ask(app, chat)[1]
    service.model.text = json.dumps(answer)

    with proxy.counting() as count:
        done = service.extract(chat, row)

    assert (done.outcome, count.flights) == (Outcome.READ, trips)


def test_work_that_is_done_has_one_and_what_is_put_off_has_two(app, wire):
    proxy, service = wire
    chat = app.conversation()
    row = ask(app, chat)[1]
    service.limit = Limit(1, 86_400)

    with proxy.counting() as postponed:
        service.extract(chat, row)
    app.connection.execute("delete from kiloscale.outbox")
    with proxy.counting() as done_before:
        service.extract(chat, row)

    assert (postponed.flights, done_before.flights) == (2, 1)


@pytest.mark.skipif(
    PGBOUNCER is None, reason="pgbouncer is not installed: apt-get install pgbouncer"
)
def test_readings_work_through_a_transaction_pooler(cluster, app, short_folder: Path):
    chats = [app.conversation() for _ in range(24)]
    rows = [ask(app, chat)[1] for chat in chats]

    with (
        pgbouncer(cluster, app.url, short_folder, mode="transaction", servers=2) as url,
        closing(Service(url)) as service,
        ThreadPoolExecutor(8) as pool,
    ):
        service.model.error = ProviderError("503", is_transient=False)
        failed = [
            pool.submit(service.extract, *work)
            for work in zip(chats[:8], rows[:8], strict=True)
        ]
        assert all(each.exception() for each in failed)
        service.model.error = None
        done = list(pool.map(service.extract, chats, rows))

    assert {each.outcome for each in done} == {Outcome.READ}
    assert (sum(each.saved for each in done), len(memories(app))) == (1, 1)
    assert app.value("select reference_count from public.user_memory") == 23
    assert (outbox(app), usage(app)[0][1]) == ([], 24)
