"""Caches: one load for many misses, bounded, and never across users."""

import io
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from functions.shared.caching import (
    APP,
    Cache,
    CacheMetrics,
    Counts,
    Fresh,
    Key,
    Lifetime,
)
from functions.shared.environment import Environment

USER, OTHER = UUID(int=1), UUID(int=2)
KEY = Key(USER, "chat")
LIFETIME = Lifetime(300, 60)
THREADS = 16


class Source:
    """Gives what the tables would, slowly where a test holds it."""

    def __init__(self, **values: object) -> None:
        self.values: dict[str, object] = {"chat": "first"} | values
        self.asked: list[Key] = []
        self.now = 1_000.0
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, key: Key) -> object:
        self.asked.append(key)
        found = self.values.get(key.part)
        self.begun.set()
        assert self.go_on.wait(10)
        if isinstance(found, Exception):
            raise found
        return found

    def cache(self, size: int = 100) -> Cache:
        return Cache("Test", self, lifetime=LIFETIME, size=size, clock=lambda: self.now)

    def hold(self) -> None:
        """Let loads begin and not end."""
        self.begun.clear()
        self.go_on.clear()


def test_a_value_is_loaded_once_in_its_lifetime():
    source = Source()
    cache = source.cache()

    values = [cache.get(KEY)]
    source.now += 299
    values.append(cache.get(KEY))
    source.values["chat"] = "second"
    source.now += 1
    values.append(cache.get(KEY))

    assert values == ["first", "first", "second"]
    assert cache.counts() == Counts(hits=1, misses=2, loads=2, evictions=0)


def test_an_absence_is_remembered_for_a_lifetime_of_its_own():
    source = Source(chat=None)
    cache = source.cache()

    values = [cache.get(KEY), cache.get(KEY)]
    source.values["chat"] = "made since"
    source.now += 60
    values.append(cache.get(KEY))

    assert values == [None, None, "made since"]
    assert len(source.asked) == 2


def test_a_value_may_be_kept_for_less_than_the_lifetime():
    source = Source(chat=Fresh("old already", 5))
    cache = source.cache()

    assert cache.get(KEY) == "old already"
    source.now += 5
    cache.get(KEY)

    assert len(source.asked) == 2


def test_a_value_is_never_kept_for_more_than_the_lifetime():
    source = Source(chat=Fresh(None, 5_000))
    cache = source.cache()

    cache.get(KEY)
    source.now += 60
    cache.get(KEY)

    assert len(source.asked) == 2


def test_misses_of_one_key_at_the_same_time_load_it_once():
    source = Source()
    source.hold()
    cache = source.cache()

    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(cache.get, KEY) for _ in range(THREADS)]
        while cache.counts().misses < THREADS:
            assert source.begun.wait(10)
        source.go_on.set()
        values = {each.result(10) for each in waiting}

    assert values == {"first"}
    assert cache.counts() == Counts(misses=THREADS, loads=1)


def test_different_keys_do_not_wait_for_each_other():
    source = Source(other="quick")
    cache = source.cache()
    cache.get(Key(USER, "other"))
    source.hold()

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, KEY)
        assert source.begun.wait(10)
        quick = cache.get(Key(USER, "other"))
        source.go_on.set()

    assert (quick, slow.result()) == ("quick", "first")


def test_a_load_that_fails_fails_for_all_who_wait_and_is_not_remembered():
    source = Source(chat=OSError("away"))
    source.hold()
    cache = source.cache()

    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(cache.get, KEY) for _ in range(THREADS)]
        while cache.counts().misses < THREADS:
            assert source.begun.wait(10)
        source.go_on.set()
        errors = {type(each.exception(10)) for each in waiting}
    source.values["chat"] = "back"

    assert errors == {OSError}
    assert cache.get(KEY) == "back"
    assert cache.counts().loads == 2


def test_a_cache_is_bounded_and_the_least_used_value_goes():
    source = Source(**{f"n{number}": number for number in range(5)})
    cache = source.cache(size=3)

    for part in ("n0", "n1", "n2", "n0", "n3"):
        cache.get(Key(USER, part))
    before = len(source.asked)
    cache.get(Key(USER, "n0"))
    cache.get(Key(USER, "n1"))

    assert [key.part for key in source.asked[before:]] == ["n1"]
    assert cache.counts().evictions == 2


def test_an_expired_value_makes_room_without_an_eviction():
    source = Source(n0=0, n1=1)
    cache = source.cache(size=1)

    cache.get(Key(USER, "n0"))
    source.now += 300
    cache.get(Key(USER, "n1"))

    assert cache.counts().evictions == 0


def test_an_invalidated_value_is_loaded_again():
    source = Source()
    cache = source.cache()
    cache.get(KEY)
    source.values["chat"] = "written"

    cache.invalidate(KEY)

    assert cache.get(KEY) == "written"


def test_what_began_to_load_before_an_invalidation_is_not_kept():
    source = Source()
    source.hold()
    cache = source.cache()

    with ThreadPoolExecutor(2) as pool:
        stale = pool.submit(cache.get, KEY)
        assert source.begun.wait(10)
        source.values["chat"] = "written"
        cache.invalidate(KEY)
        # Who asks after the invalidation does not wait for the old load either.
        after = pool.submit(cache.get, KEY)
        while len(source.asked) < 2:
            source.begun.wait(0.001)
        source.go_on.set()

    assert (stale.result(), after.result()) == ("first", "written")
    assert cache.get(KEY) == "written"


def test_nobody_reads_what_is_older_than_an_invalidation_that_they_saw():
    row = {"version": 0}
    seen = {"invalidated": 0}

    def load(_: Key) -> int:
        version = row["version"]
        # Let others write between the read and what is done with it.
        time.sleep(random.uniform(0, 0.000_2))
        return version

    cache = Cache("Test", load, lifetime=LIFETIME, size=10)
    end = time.monotonic() + 0.5

    def write() -> None:
        while time.monotonic() < end:
            row["version"] += 1
            cache.invalidate(KEY)
            seen["invalidated"] = row["version"]

    def read() -> int:
        stale = 0
        while time.monotonic() < end:
            known = seen["invalidated"]
            stale += cache.get(KEY) < known
        return stale

    with ThreadPoolExecutor(THREADS) as pool:
        pool.submit(write)
        readers = [pool.submit(read) for _ in range(8)]

    assert row["version"] > 100
    assert [each.result() for each in readers] == [0] * 8


def test_a_user_is_forgotten_and_nobody_else():
    source = Source()
    cache = source.cache()
    for owner in (USER, OTHER, APP):
        cache.get(Key(owner, "chat"))

    cache.forget(USER)
    before = len(source.asked)
    for owner in (USER, OTHER, APP):
        cache.get(Key(owner, "chat"))

    assert source.asked[before:] == [KEY]


def test_two_users_never_share_a_value():
    cache = Cache("Test", lambda key: f"of {key.owner}", lifetime=LIFETIME, size=10_000)
    owners = [*(uuid4() for _ in range(200)), APP]

    def read(owner):
        return owner, cache.get(Key(owner, "chat"))

    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(read, owners * 10))

    assert seen == {(owner, f"of {owner}") for owner in owners}


@pytest.mark.parametrize("owner", [None, "", str(USER), 1])
def test_a_key_without_an_owner_cannot_be_made(owner):
    with pytest.raises(TypeError, match="the owner of a key is a UUID or APP"):
        Key(owner, "chat")


def test_nothing_is_left_of_a_load_that_was_interrupted():
    cache = Source(chat=None).cache()
    cache._load = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)

    with pytest.raises(KeyboardInterrupt):
        cache.get(KEY)

    assert cache._loads == {}


def test_a_lifetime_is_read_by_its_name():
    environment = Environment({"CACHE_USAGE_S": "60", "CACHE_ABSENT_S": "30"})

    assert Lifetime.read(environment, "USAGE") == Lifetime(60, 30)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_hits_and_misses_are_written_as_metrics_at_most_once_a_minute():
    output, clock, source = io.StringIO(), Clock(), Source()
    cache = source.cache()
    metrics = CacheMetrics(
        "Kiloscale/test",
        "test",
        "read_history",
        [cache],
        clock=clock,
        wall_clock=lambda: 1_700_000_000.5,
        output=output,
    )

    metrics.write()
    for seconds in (1, 30, 61):
        clock.now = seconds
        cache.get(KEY)
        metrics.write()

    first, second = map(json.loads, output.getvalue().splitlines())
    assert first == {
        "_aws": {
            "Timestamp": 1_700_000_000_500,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Kiloscale/test",
                    "Dimensions": [["Stack", "Service"]],
                    "Metrics": [
                        {"Name": "TestCacheHits", "Unit": "Count"},
                        {"Name": "TestCacheMisses", "Unit": "Count"},
                    ],
                }
            ],
        },
        "Stack": "test",
        "Service": "read_history",
        "TestCacheHits": 0,
        "TestCacheMisses": 1,
    }
    assert (second["TestCacheHits"], second["TestCacheMisses"]) == (2, 0)


def test_without_a_namespace_no_metric_is_written():
    output, source = io.StringIO(), Source()
    cache = source.cache()
    cache.get(KEY)

    CacheMetrics("", "test", "read_history", [cache], output=output).write()

    assert output.getvalue() == ""
