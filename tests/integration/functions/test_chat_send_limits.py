"""chat_send with its limit in Redis: exact, nothing charged twice, and no Redis."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from chat_service import Client, content, hits, turns

from functions.shared.limits import limiter

pytestmark = pytest.mark.integration

PAUSE_S = 0.3


@pytest.fixture
def redis(own_redis, monkeypatch):
    monkeypatch.setattr(limiter, "PAUSE_S", PAUSE_S)
    return own_redis


@pytest.fixture
def client(app, redis):
    client = Client(app.url, app.user, LIMIT_STORE="redis", REDIS_URL=redis.url)
    yield client
    client.close()


def counted(redis, user) -> int:
    """Give the hits of a user in Redis."""
    with redis.client() as client:
        return int(client.get(f"kiloscale:limit:chat:{user}") or 0)


def test_eight_environments_get_exactly_the_limit_through(app, client, redis):
    chat = app.conversation()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.send(chat), range(80)))

    assert Counter(answer.status for answer in answers) == {201: 60, 429: 20}
    assert app.value("select count(*) from public.messages") == 60
    assert counted(redis, app.user) == 60
    assert hits(app) is None  # Postgres counted nothing
    refused = next(answer for answer in answers if answer.status == 429)
    assert 3_590 <= int(refused.headers["retry-after"]) <= 3_600


def test_a_retry_costs_nothing_in_redis(app, client, redis):
    chat, message = app.conversation(), str(uuid4())

    first = client.send(chat, client_msg_id=message)
    again = client.send(chat, client_msg_id=message)

    assert content(again) == content(first) | {"duplicate": True}
    assert counted(redis, app.user) == 1
    assert again.headers["ratelimit-remaining"] == "59"


def test_a_batch_is_charged_whole_or_not_at_all(app, client, redis):
    chat = app.conversation()
    for _ in range(58):
        client.send(chat)

    refused = client.say(chat, *turns(3))
    accepted = client.say(chat, *turns(2))

    assert (refused.status, accepted.status) == (429, 201)
    assert counted(redis, app.user) == 60


def test_no_message_fails_while_redis_dies_and_comes_back(
    app, client, redis, wait_until
):
    chat = app.conversation()
    ended = threading.Event()
    statuses: Counter[int] = Counter()

    def send() -> None:
        while not ended.is_set():
            statuses[client.send(chat).status] += 1

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: counted(redis, app.user))
    redis.kill()
    wait_until(lambda: hits(app))
    redis.start()
    wait_until(lambda: counted(redis, app.user))
    ended.set()
    for thread in threads:
        thread.join()

    assert set(statuses) <= {201, 429}
    # A window in Redis, one in Postgres, and one in the Redis that forgot.
    assert statuses[201] <= 180
    assert statuses[201] == app.value("select count(*) from public.messages")
    assert hits(app) <= 60
