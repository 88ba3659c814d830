"""What environments share through Redis or Valkey; without it each reads for itself."""

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from functions.shared.redis import RedisGoneError, answering, connect

logger = logging.getLogger(__name__)

AWAY_S = 30.0
"""How long Redis is left alone after it failed, in seconds: each attempt at a server
that does not answer holds a request up."""

GENERATION_S = 86_400
"""How long an invalidation is remembered, in seconds: longer than any load takes."""

# A value that was read before an invalidation must not be stored after it: the store
# is asked whether the generation is still the one that the reader saw.
_SET = """
if (redis.call('get', KEYS[2]) or '') == ARGV[1] then
    redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
end
"""
_INVALIDATE = """
redis.call('del', KEYS[1])
redis.call('incr', KEYS[2])
redis.call('expire', KEYS[2], ARGV[1])
"""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says about a name.

    Attributes:
        value: What was stored; ``None`` if nothing is.
        for_s: How long it still holds, in seconds.
        generation: To be given back with `SharedStore.set`.
    """

    value: bytes | None = None
    for_s: float = 0
    generation: bytes = b""


class SharedStore(Protocol):
    """Keeps small values for a while, for all environments of a stack; never raises.

    Every value can be had elsewhere: a store that is away only costs time.
    """

    def get(self, name: str) -> Shared:
        """Look a name up."""

    def set(self, name: str, value: bytes, *, for_s: float, generation: bytes) -> None:
        """Keep a value, unless the name was invalidated since the look-up.

        Args:
            name: Which value.
            value: The value; never a secret.
            for_s: How long it is kept, in seconds.
            generation: As `Shared` had it before the value was read.
        """

    def invalidate(self, name: str) -> None:
        """Forget a value, and do not keep one that is being read."""


class RedisStore:
    """A `SharedStore` in Redis or Valkey, reached at the first use.

    Args:
        url: ``redis://`` or ``rediss://``.
        stack: Part of the names: stacks may share a server.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self, url: str, stack: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._stack = stack
        self._clock = clock
        self._client: Any = None
        self._away_until = float("-inf")

    def get(self, name: str) -> Shared:
        """See `SharedStore.get`."""
        key, generation = self._keys(name)

        def read(client: Any) -> Shared:
            pipe = client.pipeline(transaction=False)
            pipe.get(key)
            pipe.pttl(key)
            pipe.get(generation)
            value, left_ms, seen = pipe.execute()
            return Shared(
                value=value if left_ms > 0 else None,
                for_s=left_ms / 1000,
                generation=seen or b"",
            )

        return self._ask(read) or Shared()

    def set(self, name: str, value: bytes, *, for_s: float, generation: bytes) -> None:
        """See `SharedStore.set`."""
        keys = self._keys(name)
        for_ms = round(for_s * 1000)
        self._ask(lambda client: client.eval(_SET, 2, *keys, generation, value, for_ms))

    def invalidate(self, name: str) -> None:
        """See `SharedStore.invalidate`."""
        keys = self._keys(name)
        self._ask(lambda client: client.eval(_INVALIDATE, 2, *keys, GENERATION_S))

    def _keys(self, name: str) -> tuple[str, str]:
        """Give the keys of a value and of its generation."""
        # The braces put both into one slot of a cluster, which scripts need.
        key = f"{{kiloscale:{self._stack}:{name}}}"
        return key, f"{key}:generation"

    def _ask(self, work: Callable[[Any], Any]) -> Any:
        """Run a command; give ``None`` if Redis is away, and leave it alone then."""
        if self._clock() < self._away_until:
            return None
        try:
            if self._client is None:
                self._client = connect(self._url)
            with answering():
                return work(self._client)
        except RedisGoneError as error:
            self._away_until = self._clock() + AWAY_S
            fields = {"reason": error.reason}
            logger.warning("shared cache away", extra={"fields": fields})
            return None


def shared_store(redis_url: str, stack: str) -> SharedStore | None:
    """Give the store of a stack; ``None`` where it has no Redis.

    Args:
        redis_url: Value of ``REDIS_URL``; may be empty.
        stack: The stack's name.
    """
    return RedisStore(redis_url, stack) if redis_url else None
