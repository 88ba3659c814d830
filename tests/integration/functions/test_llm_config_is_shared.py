"""The models' configuration: read once, shared through Redis, no worse without it."""

import json
import logging
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import redis

from functions.shared.caching import Lifetime
from functions.shared.caching.llm_config import LlmConfigs
from functions.shared.caching.shared_store import AWAY_S, RedisStore, shared_store
from functions.shared.database import SingleConnection

pytestmark = pytest.mark.integration

LIFETIME = Lifetime(600, 60)
FLASH = {"provider": "gemini", "model": "gemini-2.5-flash"}
MINI = {"provider": "openai", "model": "gpt-4o-mini"}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Environment:
    """One Lambda environment: a connection, a cache, a client of Redis."""

    def __init__(self, app, url: str, stack: str = "test") -> None:
        self.clock = Clock()
        self.reads = 0
        self.on_read = lambda: None
        self._database = SingleConnection(app.url, "test")
        store = RedisStore(url, stack, clock=self.clock) if url else None
        self.configs = LlmConfigs(self, store, LIFETIME, clock=self.clock)

    def run(self, work, *, repeatable):
        self.reads += 1
        found = self._database.run(work, repeatable=repeatable)
        self.on_read()
        return found

    def close(self) -> None:
        self._database.close()


@pytest.fixture
def environment(app):
    made: list[Environment] = []

    def make(url: str = "", stack: str = "test") -> Environment:
        made.append(Environment(app, url, stack))
        return made[-1]

    yield make
    for each in made:
        each.close()


def write(app, value: object) -> None:
    app.connection.execute(
        "insert into public.system_config (key, value) values ('llm_provider', %s)"
        " on conflict (key) do update set value = excluded.value",
        (json.dumps(value),),
    )


def test_without_redis_an_environment_reads_the_row_once_in_its_lifetime(
    app, environment
):
    write(app, FLASH)
    one = environment()

    values = [one.configs.get() for _ in range(3)]
    write(app, MINI)
    one.clock.now += 599
    values.append(one.configs.get())
    one.clock.now += 1
    values.append(one.configs.get())

    assert values == [FLASH] * 4 + [MINI]
    assert one.reads == 2


def test_a_cold_start_takes_the_row_from_redis(app, environment, redis_server):
    write(app, FLASH)
    first, second = environment(redis_server.url), environment(redis_server.url)

    assert first.configs.get() == FLASH
    assert second.configs.get().items() >= FLASH.items()
    assert (first.reads, second.reads) == (1, 0)


def test_what_redis_gives_is_kept_for_what_is_left_of_it(
    app, environment, redis_server
):
    write(app, FLASH)
    environment(redis_server.url).configs.get()
    with redis_server.client() as client:
        [key] = client.keys("*llm-config}")
        assert 590 < client.ttl(key) <= 600
        client.expire(key, 100)
    second = environment(redis_server.url)
    second.configs.get()

    second.clock.now += 101
    second.configs.get()

    assert second.configs.counts().loads == 2


def test_no_row_is_remembered_for_a_minute(app, environment, redis_server):
    first, second = environment(redis_server.url), environment(redis_server.url)

    assert (first.configs.get(), second.configs.get()) == (None, None)
    with redis_server.client() as client:
        [key] = client.keys("*llm-config}")
        assert 50 < client.ttl(key) <= 60
    assert (first.reads, second.reads) == (1, 0)


def test_an_invalidation_reaches_redis(app, environment, redis_server):
    write(app, FLASH)
    first, second = environment(redis_server.url), environment(redis_server.url)
    first.configs.get()
    write(app, MINI)

    first.configs.invalidate()

    assert first.configs.get() == MINI
    assert second.configs.get()["model"] == MINI["model"]


def test_a_row_that_was_read_before_an_invalidation_is_not_shared_after_it(
    app, environment, redis_server
):
    write(app, FLASH)
    slow, other = environment(redis_server.url), environment(redis_server.url)

    def change() -> None:
        slow.on_read = lambda: None
        write(app, MINI)
        other.configs.invalidate()

    slow.on_read = change
    assert slow.configs.get() == FLASH

    assert environment(redis_server.url).configs.get() == MINI


def test_two_stacks_may_share_a_redis(app, environment, redis_server):
    write(app, FLASH)
    environment(redis_server.url, "staging").configs.get()
    other = environment(redis_server.url, "production")

    other.configs.get()

    assert other.reads == 1


def test_a_key_of_an_api_does_not_leave_the_database(app, environment, redis_server):
    secret = "sk-that-stands-in-the-wrong-place"
    write(app, {**FLASH, "api_key": secret, "fallback": {**MINI, "key": secret}})

    environment(redis_server.url).configs.get()

    with redis_server.client() as client:
        [key] = client.keys("*llm-config}")
        assert json.loads(client.get(key))["fallback"].items() >= MINI.items()
        assert secret.encode() not in client.get(key)


@pytest.mark.parametrize("row", [{"provider": "other"}, ["a", "list"], "text"])
def test_a_row_that_cannot_be_read_is_not_shared(app, environment, redis_server, row):
    write(app, row)

    assert environment(redis_server.url).configs.get() == row
    with redis_server.client() as client:
        assert client.keys("*") == []


@pytest.mark.parametrize("garbage", [b"{", b"[1]", b"\xff"])
def test_garbage_in_redis_is_read_over(app, environment, redis_server, garbage):
    write(app, FLASH)
    environment(redis_server.url).configs.get()
    with redis_server.client() as client:
        [key] = client.keys("*llm-config}")
        client.set(key, garbage, px=60_000)

    assert environment(redis_server.url).configs.get() == FLASH


def test_without_redis_the_row_is_read_and_redis_left_alone(
    app, environment, own_redis, caplog
):
    caplog.set_level(logging.WARNING, "functions")
    write(app, FLASH)
    url = own_redis.url
    own_redis.kill()
    one = environment(url)

    assert one.configs.get() == FLASH
    one.configs.invalidate()
    assert one.configs.get() == FLASH

    assert [each.getMessage() for each in caplog.records] == ["shared cache away"]
    assert "127.0.0.1" not in caplog.text


def test_redis_is_used_again_when_it_is_back(app, environment, own_redis):
    write(app, FLASH)
    one = environment(own_redis.url)
    own_redis.kill()
    one.configs.get()
    own_redis.start()

    one.clock.now += AWAY_S
    one.configs.invalidate()
    one.configs.get()

    with own_redis.client() as client:
        assert len(client.keys("*llm-config}")) == 1


def test_a_redis_that_hangs_holds_nobody_up_for_long(app, environment, own_redis):
    write(app, FLASH)
    one = environment(own_redis.url)
    one.configs.get()
    own_redis.signal(signal.SIGSTOP)
    done = threading.Event()
    values = []

    def ask() -> None:
        one.clock.now += 600
        values.append(one.configs.get())
        done.set()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(ask)
        assert done.wait(2)
    own_redis.signal(signal.SIGCONT)

    assert values == [FLASH]


def test_a_redis_that_takes_no_writes_is_a_redis_that_is_away(
    app, environment, own_redis
):
    write(app, FLASH)
    with own_redis.client() as client:
        client.config_set("min-replicas-to-write", 1)

    assert environment(own_redis.url).configs.get() == FLASH


def test_only_the_database_can_make_it_fail(environment, app):
    one = environment()
    with psycopg.connect(app.url, autocommit=True) as other:
        other.execute("drop table public.system_config")

    with pytest.raises(psycopg.errors.UndefinedTable):
        one.configs.get()


def test_a_stack_without_redis_has_no_store():
    assert shared_store("", "test") is None
    assert isinstance(shared_store("redis://127.0.0.1:9", "test"), RedisStore)


def test_the_names_in_redis_are_in_one_slot(redis_server):
    store = RedisStore(redis_server.url, "test")

    slots = {redis.crc.key_slot(key.encode()) for key in store._keys("llm-config")}

    assert len(slots) == 1
