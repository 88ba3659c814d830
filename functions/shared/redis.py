"""The client of Redis or Valkey: short waits, no repetition, one error for all.

The library is in the zips of stacks with ``redisUrl`` alone, and is imported at the
first use, because it costs as much as psycopg.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

CONNECT_TIMEOUT_S = 0.5
READ_TIMEOUT_S = 0.5
"""Longest waits for the connection and for an answer, in seconds. Whoever asks Redis
has something to go on with, so that waiting longer would help nobody."""


class RedisGoneError(Exception):
    """Redis gave no answer, or refused; ``reason`` is the type of the error."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def connect(url: str) -> "redis.Redis":
    """Give a client for many threads; it connects at its first use.

    Args:
        url: ``rediss://[user]:password@host:port/db``, or ``redis://`` on loopback.

    Raises:
        ValueError: It is no such URL; the text does not repeat it.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        return redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=READ_TIMEOUT_S,
            # The library's default is 3 with pauses of up to 10 s. None at all, because
            # a command whose answer was lost may have had its effect: a hit would be
            # counted twice. What died while it was idle is found without: the pool
            # looks at each connection before it is used.
            retry=Retry(NoBackoff(), 0),
            # The older protocol needs no greeting, so that connecting is one round trip
            # (AUTH) or none; with the newer one the pool does not look, as above.
            protocol=2,
            driver_info=None,
        )
    except ValueError:
        # Not chained: its text may quote a part of the URL.
        raise ValueError("REDIS_URL is no URL of a Redis") from None


@contextmanager
def answering() -> Iterator[None]:
    """Turn every error of the library within into `RedisGoneError`.

    Raises:
        RedisGoneError: No connection, no answer in time, or a refusal (read-only
            replica, no memory, wrong password).
    """
    import redis

    try:
        yield
    except redis.RedisError as error:
        raise RedisGoneError(type(error).__name__) from error
