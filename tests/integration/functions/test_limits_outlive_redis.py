"""What holds while a limit's store is away: Redis and PostgreSQL that really go."""

import logging
import signal
import threading
import time

import pytest

from functions.pooled_database import PooledDatabase
from functions.shared.database import SingleConnection
from functions.shared.limits import Limit, LimitStoreError
from functions.shared.limits import limiter as limiters
from functions.shared.limits.limiter import Limiter
from functions.shared.limits.stores import limiter
from functions.shared.redis import READ_TIMEOUT_S

pytestmark = pytest.mark.integration

POSTGRES = Limit(scope="chat", hits=20, window_s=60, outage="postgres")
MEMORY = Limit(scope="api", hits=20, window_s=60, outage="memory")
CLOSED = Limit(scope="shut", hits=20, window_s=60, outage="closed")

PAUSE_S = 0.3


@pytest.fixture
def database(app_url):
    database = PooledDatabase(app_url)
    database.open()
    yield database
    database.close()


@pytest.fixture
def limits(own_redis, database, monkeypatch) -> Limiter:
    monkeypatch.setattr(limiters, "PAUSE_S", PAUSE_S)
    return limiter("redis", redis_url=own_redis.url, database=database)


def admitted(limits: Limiter, limit: Limit, subject: str, hits: int) -> int:
    """Hit so many times; give how many were admitted."""
    return sum(limits.hit(limit, subject).is_admitted for _ in range(hits))


@pytest.mark.parametrize("limit", [POSTGRES, MEMORY], ids=lambda one: one.outage)
def test_a_dead_redis_fails_no_request_and_the_limit_goes_on(limits, own_redis, limit):
    assert admitted(limits, limit, "ann", 25) == 20

    own_redis.kill()

    # One more window, counted elsewhere, and no third.
    assert admitted(limits, limit, "ann", 50) == 20
    own_redis.start()
    time.sleep(PAUSE_S * 1.1)
    assert admitted(limits, limit, "bob", 25) == 20
    with own_redis.client() as client:
        assert client.keys() == [f"kiloscale:limit:{limit.scope}:bob".encode()]


def test_during_an_outage_postgres_counts_for_all_processes(
    limits, own_redis, database
):
    other = limiter("redis", redis_url=own_redis.url, database=database)
    own_redis.kill()

    assert admitted(limits, POSTGRES, "ann", 15) == 15
    assert admitted(other, POSTGRES, "ann", 15) == 5


def test_a_closed_limit_admits_nobody_while_redis_is_away(limits, own_redis):
    limits.hit(CLOSED, "ann")
    own_redis.kill()

    with pytest.raises(LimitStoreError, match="Redis is away: ConnectionError"):
        limits.hit(CLOSED, "ann")

    own_redis.start()
    assert limits.hit(CLOSED, "ann").is_admitted


def test_requests_in_flight_when_redis_dies_and_comes_back_never_fail(
    limits, own_redis, wait_until
):
    ended = threading.Event()
    counts: list[int] = []
    failures: list[BaseException] = []

    def client() -> None:
        count = 0
        try:
            while not ended.is_set():
                count += limits.hit(POSTGRES, "ann").is_admitted
        except BaseException as error:
            failures.append(error)
        counts.append(count)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(0.1)
        own_redis.kill()
        wait_until(lambda: limits.is_away)
        own_redis.start()
        wait_until(lambda: not limits.is_away)
    ended.set()
    for thread in threads:
        thread.join()

    assert failures == []
    # A Redis that restarts forgets: three windows there and one in PostgreSQL.
    assert 20 <= sum(counts) <= 4 * 20


def test_a_redis_that_hangs_delays_one_request_and_not_the_next(limits, own_redis):
    limits.hit(POSTGRES, "ann")
    own_redis.signal(signal.SIGSTOP)

    times = []
    for _ in range(5):
        began = time.monotonic()
        assert limits.hit(POSTGRES, "ann").is_admitted
        times.append(time.monotonic() - began)
    own_redis.signal(signal.SIGCONT)

    assert times[0] >= READ_TIMEOUT_S
    assert max(times[1:]) < READ_TIMEOUT_S


def test_each_change_of_state_is_logged_once(limits, own_redis, caplog):
    caplog.set_level(logging.INFO, logger="functions")
    own_redis.kill()
    admitted(limits, POSTGRES, "ann", 3)
    time.sleep(PAUSE_S * 1.1)
    admitted(limits, POSTGRES, "ann", 3)  # asked again, in vain
    own_redis.start()
    time.sleep(PAUSE_S * 1.1)
    admitted(limits, POSTGRES, "ann", 3)

    told = [record.getMessage() for record in caplog.records]
    assert told == ["limit store is away", "limit store is back"]
    assert own_redis.url not in caplog.text


def test_what_cannot_be_given_back_fails_no_request(own_redis, caplog):
    database = SingleConnection("postgresql://127.0.0.1:1/none", "test")
    limits = limiter("redis", redis_url=own_redis.url, database=database)
    own_redis.kill()

    limits.give_back(POSTGRES, "ann")

    assert [record.getMessage() for record in caplog.records] == ["hits not given back"]


def test_what_postgres_counted_is_given_back_there(limits, own_redis):
    own_redis.kill()
    admitted(limits, POSTGRES, "ann", 20)

    limits.give_back(POSTGRES, "ann", 2)

    assert admitted(limits, POSTGRES, "ann", 5) == 2


@pytest.mark.parametrize("kind", ["postgres", "redis"])
def test_without_any_store_nobody_is_admitted(kind):
    database = SingleConnection("postgresql://127.0.0.1:1/none", "test")
    limits = limiter(kind, redis_url="redis://127.0.0.1:1/0", database=database)

    with pytest.raises(LimitStoreError, match="PostgreSQL is away"):
        limits.hit(POSTGRES, "ann")


def test_one_broken_connection_to_postgres_refuses_nobody_after_it(app):
    database = SingleConnection(app.url, "victim")
    limits = limiter("postgres", redis_url="", database=database)
    limits.hit(POSTGRES, "ann")
    app.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'victim'"
    )

    time.sleep(0.05)  # its notice arrives
    assert admitted(limits, POSTGRES, "ann", 25) == 19


def test_a_server_that_takes_no_writes_counts_as_away(app):
    name = app.value("select current_database()")
    app.connection.execute(
        f"alter database {name} set default_transaction_read_only = on"
    )
    limits = limiter(
        "postgres", redis_url="", database=SingleConnection(app.url, "test")
    )

    with pytest.raises(LimitStoreError):
        limits.hit(POSTGRES, "ann")


def test_a_password_is_in_no_error(database):
    url = "redis://:hunter2@127.0.0.1:1/0"
    limits = limiter("redis", redis_url=url, database=database)

    with pytest.raises(LimitStoreError) as refusal:
        limits.hit(CLOSED, "ann")

    error: BaseException | None = refusal.value
    while error is not None:
        assert "hunter2" not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__
