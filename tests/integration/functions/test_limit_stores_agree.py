"""One contract for the three stores of limits, each real."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from poolers import PGBOUNCER, pgbouncer

from functions.pooled_database import PooledDatabase
from functions.shared.database import SingleConnection
from functions.shared.limits import LIMIT_STORES, Limit, Verdict, postgres
from functions.shared.limits.memory import MemoryStore
from functions.shared.limits.stores import limiter, store
from infra.catalog import limits as catalog

pytestmark = pytest.mark.integration

LIMIT = Limit(scope="chat", hits=10, window_s=60)
BRIEF = Limit(scope="brief", hits=2, window_s=1)

THREADS = 16


@pytest.fixture
def database(app_url):
    database = PooledDatabase(app_url)
    database.open()
    yield database
    database.close()


@pytest.fixture(params=LIMIT_STORES)
def limits(request):
    # Only one of them needs a database, which takes longer than the test.
    database, url = None, ""
    if request.param == "postgres":
        database = request.getfixturevalue("database")
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
    return store(request.param, redis_url=url, database=database)


def test_a_window_admits_its_hits_and_no_more(limits):
    verdicts = [limits.hit(LIMIT, "ann") for _ in range(12)]

    assert [verdict.is_admitted for verdict in verdicts] == [True] * 10 + [False] * 2
    assert [verdict.remaining for verdict in verdicts[:3]] == [9, 8, 7]
    assert [verdict.remaining for verdict in verdicts[9:]] == [0, 0, 0]
    assert {verdict.reset_s for verdict in verdicts} <= {59, 60}


def test_a_cost_is_counted_whole_or_not_at_all(limits):
    assert limits.hit(LIMIT, "ann", 8).remaining == 2

    refused = limits.hit(LIMIT, "ann", 3)

    assert (refused.is_admitted, refused.remaining) == (False, 2)
    assert limits.hit(LIMIT, "ann", 2).is_admitted
    assert not limits.hit(LIMIT, "ann").is_admitted


def test_a_cost_beyond_the_limit_begins_no_window(limits):
    refused = limits.hit(LIMIT, "ann", 11)

    assert refused == Verdict(is_admitted=False, remaining=10, reset_s=60)


def test_scopes_and_subjects_are_counted_apart(limits):
    limits.hit(LIMIT, "ann", 10)

    assert limits.hit(LIMIT, "bob").remaining == 9
    assert limits.hit(Limit(scope="api", hits=10, window_s=60), "ann").remaining == 9


def test_what_is_given_back_is_admitted_again(limits):
    limits.hit(LIMIT, "ann", 10)

    limits.give_back(LIMIT, "ann", 3)

    assert limits.hit(LIMIT, "ann", 3).is_admitted
    assert not limits.hit(LIMIT, "ann").is_admitted


def test_nothing_can_be_given_back_twice_or_without_a_window(limits):
    limits.give_back(LIMIT, "ann", 5)
    limits.hit(LIMIT, "ann", 2)

    limits.give_back(LIMIT, "ann", 2)
    limits.give_back(LIMIT, "ann", 2)

    assert limits.hit(LIMIT, "ann", 10).is_admitted
    assert not limits.hit(LIMIT, "ann").is_admitted


def test_a_window_begins_with_the_first_hit_and_not_with_the_clock(limits):
    limits.hit(BRIEF, "ann")
    limits.hit(BRIEF, "bob", 2)
    began = time.monotonic()
    time.sleep(0.5)
    limits.hit(BRIEF, "ann")
    limits.give_back(BRIEF, "bob", 2)
    limits.hit(BRIEF, "bob", 2)
    refused = [limits.hit(BRIEF, name) for name in ("ann", "bob")]
    # A second after the first hits, half a second after the others.
    time.sleep(1.02 - (time.monotonic() - began))
    admitted = [limits.hit(BRIEF, name, 2) for name in ("ann", "bob")]

    assert [(one.is_admitted, one.reset_s) for one in refused] == [(False, 1)] * 2
    assert [(one.is_admitted, one.remaining) for one in admitted] == [(True, 0)] * 2


def test_simultaneous_hits_never_exceed_the_limit(limits):
    limit = Limit(scope="chat", hits=100, window_s=60)
    start = threading.Barrier(THREADS)

    def hammer(number: int) -> int:
        start.wait()
        costs = [1 + (number + turn) % 3 for turn in range(15)]
        return sum(cost for cost in costs if limits.hit(limit, "ann", cost).is_admitted)

    with ThreadPoolExecutor(THREADS) as pool:
        admitted = sum(pool.map(hammer, range(THREADS)))

    assert admitted == 100


def test_simultaneous_hits_and_returns_balance(limits):
    limit = Limit(scope="chat", hits=5, window_s=60)
    held = []
    most = []

    def work(_: int) -> None:
        for _ in range(20):
            if limits.hit(limit, "ann").is_admitted:
                held.append(1)
                most.append(len(held))
                held.pop()
                limits.give_back(limit, "ann")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))

    assert max(most) <= 5
    assert limits.hit(limit, "ann", 5).is_admitted


def test_only_the_hit_itself_is_committed_without_waiting_for_the_disk(app_url):
    database = SingleConnection(app_url, "test")
    chosen = store("postgres", redis_url="", database=database)

    def shown() -> object:
        show = "show synchronous_commit"
        return database.run(lambda one: one.execute(show).fetchone(), repeatable=True)

    change = "set synchronous_commit = local"
    database.run(lambda one: one.execute(change), repeatable=True)
    chosen.hit(LIMIT, "ann")
    chosen.give_back(LIMIT, "ann")

    assert "'synchronous_commit', 'off', true" in postgres.HIT
    assert shown() == ("local",)
    database.close()


@pytest.mark.skipif(PGBOUNCER is None, reason="apt-get install pgbouncer")
def test_a_transaction_pooler_keeps_the_limit_exact(cluster, app_url, short_folder):
    limit = Limit(scope="chat", hits=60, window_s=60)
    with pgbouncer(
        cluster, app_url, short_folder, mode="transaction", servers=2
    ) as pooled:
        databases = [SingleConnection(pooled, "test") for _ in range(8)]

        def hammer(database: SingleConnection) -> int:
            chosen = store("postgres", redis_url="", database=database)
            return sum(chosen.hit(limit, "ann").is_admitted for _ in range(20))

        with ThreadPoolExecutor(8) as pool:
            admitted = sum(pool.map(hammer, databases))
        for database in databases:
            database.close()

    assert admitted == 60


def test_the_limiter_of_each_store_counts_alike(request, database):
    url = request.getfixturevalue("redis_server").url

    for kind in LIMIT_STORES:
        chosen = limiter(kind, redis_url=url, database=database)
        verdicts = [chosen.hit(LIMIT, kind, 4) for _ in range(3)]
        assert [verdict.remaining for verdict in verdicts] == [6, 2, 2]


def test_the_library_counts_what_it_refuses_so_it_is_not_used_as_it_is(redis_server):
    from limits import RateLimitItemPerMinute
    from limits.storage import RedisStorage
    from limits.strategies import FixedWindowRateLimiter

    library = FixedWindowRateLimiter(RedisStorage(redis_server.url))
    item = RateLimitItemPerMinute(10)

    library.hit(item, "ann", cost=8)
    library.hit(item, "ann", cost=3)

    assert not library.hit(item, "ann", cost=2)


def test_the_memory_of_many_keys_is_bounded():
    clock = [0.0]
    limits = MemoryStore(clock=lambda: clock[0], keys_max=3)
    for name in "abcd":
        limits.hit(LIMIT, name)
        clock[0] += 1

    assert limits.hit(LIMIT, "d").remaining == 8  # a was forgotten for it
    assert limits.hit(LIMIT, "b").remaining == 8
    clock[0] = 62.5  # b and c have ended, d runs
    limits.hit(LIMIT, "e")
    assert sum(len(windows) for windows in limits._windows.values()) == 2


def test_a_store_that_could_not_work_is_refused_at_once():
    with pytest.raises(ValueError, match="no limit store 'x'"):
        store("x", redis_url="", database=None)
    with pytest.raises(ValueError, match="REDIS_URL is empty"):
        store("redis", redis_url="", database=None)


def test_the_stores_are_those_of_the_catalog():
    assert LIMIT_STORES == catalog.LIMIT_STORES
