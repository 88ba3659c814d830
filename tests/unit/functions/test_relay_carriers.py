"""Which topics the relay carries: those whose receiver is configured."""

from types import SimpleNamespace

import pytest

from functions.relay_outbox.handler import carriers
from functions.relay_outbox.purging import PurgeCarrier
from functions.relay_outbox.queries import Failure, Row
from functions.relay_outbox.settings import Settings

QUEUES = {"QUEUE_URL_LLM": "https://sqs/llm", "QUEUE_URL_EXTRACTION": "https://sqs/x"}


@pytest.mark.parametrize(
    ("variables", "topics"),
    [
        ({}, set()),
        (QUEUES, {"llm", "extraction"}),
        ({"QUEUE_URL_EXTRACTION": "https://sqs/x"}, {"extraction"}),
        (QUEUES | {"SUPABASE_URL": "https://a"}, {"llm", "extraction", "realtime"}),
        ({"CDN_PURGE_URL": "https://a/p", "CDN_PURGE_KEY": "k"}, {"cdn-purge"}),
    ],
)
def test_a_topic_is_carried_where_somebody_takes_it(variables, topics):
    settings = Settings.from_environ({"DATABASE_URL": "x"} | variables)

    assert set(carriers(settings)) == topics


def test_each_queue_gets_its_own_topic():
    settings = Settings.from_environ({"DATABASE_URL": "x"} | QUEUES)

    urls = {topic: each._queue._url for topic, each in carriers(settings).items()}

    assert urls == {"llm": "https://sqs/llm", "extraction": "https://sqs/x"}


def changed(number, name):
    payload = {"bucket": "generated-images", "name": name}
    return Row(id=number, key="generated-images", payload=payload)


@pytest.fixture
def purges(monkeypatch):
    """A purge path that refuses the names with ``bad``; ``away`` refuses all."""
    state = SimpleNamespace(sent=[], away="")

    def send(_, paths):
        state.sent.append(paths)
        refused = any("bad" in path for path in paths)
        return state.away or ("cdn: 400" if refused else "")

    monkeypatch.setattr(PurgeCarrier, "_send", send)
    return state


def test_an_image_that_changed_twice_is_forgotten_once(purges):
    rows = [changed(1, "a b.png"), changed(2, "a b.png"), changed(3, "caf\u00e9.svg")]

    assert PurgeCarrier("https://cdn/p", "k").carry(rows) == {}
    folder = "/storage/v1/object/public/generated-images"
    assert purges.sent == [[f"{folder}/a%20b.png", f"{folder}/caf%C3%A9.svg"]]


def test_a_name_that_the_cdn_refuses_costs_no_other_its_purge(purges):
    rows = [changed(1, "a.png"), changed(2, "bad.png"), changed(3, "c.png")]

    failed = PurgeCarrier("https://cdn/p", "k").carry(rows)

    assert failed == {2: Failure(id=2, reason="cdn: 400", counts=True)}


@pytest.mark.parametrize("why", ["cdn: 502", "cdn: 401", "cdn: TimeoutError"])
def test_a_cdn_that_takes_no_more_is_asked_again_later(purges, why):
    purges.away = why

    failed = PurgeCarrier("https://cdn/p", "k").carry(
        [changed(1, "a"), changed(2, "b")]
    )

    assert {each.counts for each in failed.values()} == {False}
    assert len(purges.sent) == 1
