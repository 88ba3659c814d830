import pytest

from functions.shared.redis import (
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    RedisGoneError,
    answering,
    connect,
)


def test_nothing_is_repeated_and_nobody_waits_long():
    options = connect("rediss://:pw@redis.example.com:6380/2").get_connection_kwargs()

    assert options["retry"].get_retries() == 0
    assert options["socket_connect_timeout"] == CONNECT_TIMEOUT_S <= 0.5
    assert options["socket_timeout"] == READ_TIMEOUT_S <= 0.5
    assert (options["host"], options["port"], options["db"]) == (
        "redis.example.com",
        6380,
        2,
    )


def test_a_connection_needs_no_greeting():
    options = connect("redis://127.0.0.1:6379/0").get_connection_kwargs()

    assert (options["protocol"], options["driver_info"]) == (2, None)


@pytest.mark.parametrize("url", ["redis://:hunter2@host:port/0", "http://hunter2@host"])
def test_a_wrong_url_is_refused_and_not_repeated(url):
    with pytest.raises(ValueError, match="REDIS_URL is no URL of a Redis") as refusal:
        connect(url)

    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


def test_every_error_of_the_library_is_one_of_ours_with_its_type():
    from redis.exceptions import ReadOnlyError

    with pytest.raises(RedisGoneError) as gone, answering():
        raise ReadOnlyError("You can't write against a read only replica.")

    assert gone.value.reason == "ReadOnlyError"


def test_an_error_of_ours_stays_as_it_is():
    with pytest.raises(KeyError), answering():
        raise KeyError("ours")
