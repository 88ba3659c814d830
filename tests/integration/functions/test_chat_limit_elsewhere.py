"""chat_send where Redis or memory counts: as exact, and saved messages cost as much."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from chat_service import KEY, Client, content, hits, turns

pytestmark = pytest.mark.integration


@pytest.fixture(params=["redis", "memory"])
def client(app, redis_server, request):
    client = Client(
        app.url,
        app.user,
        LIMIT_STORE=request.param,
        REDIS_URL=redis_server.url,
        CHAT_LIMIT_HITS="6",
    )
    yield client
    client.close()


def test_the_limit_holds_and_postgres_counts_nothing(app, client):
    chat = app.conversation()

    answers = [client.send(chat) for _ in range(8)]

    assert [each.status for each in answers] == [201] * 6 + [429] * 2
    assert [each.headers["ratelimit-remaining"] for each in answers] == list("54321000")
    assert int(answers[-1].headers["retry-after"]) in range(3_590, 3_601)
    assert app.value("select count(*) from public.messages") == 6
    assert hits(app) is None


def test_a_retry_costs_nothing_also_when_the_limit_is_reached(app, client):
    chat, key = app.conversation(), str(uuid4())
    client.send(chat, client_msg_id=key)

    again = [client.send(chat, client_msg_id=key) for _ in range(9)]
    rest = [client.send(chat).status for _ in range(5)]
    last = client.send(chat, client_msg_id=key)

    assert {each.status for each in again} == {200}
    assert {each.headers["ratelimit-remaining"] for each in again} == {"5"}
    assert rest == [201] * 5
    assert (last.status, content(last)["duplicate"]) == (200, True)


def test_what_is_not_saved_costs_nothing(app, client):
    client.send(app.conversation(user=uuid4()))
    client.send(uuid4())
    refused = client.say(app.conversation(), *turns(7)[:1], *turns(6))

    statuses = [client.send(app.conversation()).status for _ in range(6)]

    assert refused.status == 201  # more than a window admits takes a whole window
    assert statuses == [429] * 6


def test_a_batch_is_counted_and_given_back_in_part(app, client):
    chat, said = app.conversation(), turns(4)
    client.say(chat, *said[:4])

    whole = client.say(chat, *said)
    too_much = client.say(chat, *turns(3))
    fits = client.say(chat, *turns(2))

    assert (whole.status, whole.headers["ratelimit-remaining"]) == (201, "2")
    assert (too_much.status, fits.status) == (429, 201)


def test_the_backend_counts_for_the_owner(app, client):
    chat = app.conversation()

    statuses = [client.send(chat, bearer=KEY).status for _ in range(4)]
    statuses += [client.send(chat).status for _ in range(3)]

    assert statuses == [201] * 6 + [429]


def test_sixteen_threads_with_redis_get_exactly_the_limit_through(app, redis_server):
    client = Client(app.url, app.user, LIMIT_STORE="redis", REDIS_URL=redis_server.url)
    chat = app.conversation()
    barrier = threading.Barrier(16)

    def send(n: int) -> int:
        if n < 16:
            barrier.wait()
        return client.send(chat).status

    with ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(send, range(96)))

    client.close()
    assert statuses == {201: 60, 429: 36}
    assert app.value("select count(*) from public.messages") == 60


def test_while_redis_is_away_postgres_counts(app, own_redis):
    client = Client(
        app.url,
        app.user,
        LIMIT_STORE="redis",
        REDIS_URL=own_redis.url,
        CHAT_LIMIT_HITS="3",
    )
    chat = app.conversation()
    client.send(chat)
    own_redis.kill()

    statuses = [client.send(chat).status for _ in range(5)]

    client.close()
    assert statuses == [201] * 3 + [429] * 2
    assert hits(app) == 3
