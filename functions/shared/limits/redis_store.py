"""Count hits in Redis or Valkey: as exact as PostgreSQL, and no load for it."""

import threading
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING

from functions.shared import redis
from functions.shared.database import Result
from functions.shared.limits import Limit, LimitStoreError, Verdict

if TYPE_CHECKING:
    from functions.shared.limits.redis_windows import Windows


class RedisStore:
    """A `LimitStore` in Redis or Valkey.

    Its memory policy should be ``noeviction``: any other forgets windows that still run
    when the memory is full, while a refusal makes the outage policy hold.

    Args:
        url: Where it is; see `functions.shared.redis.connect`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._windows: Windows | None = None

    def hit(self, limit: Limit, subject: str, cost: int = 1) -> Verdict:
        """Count some hits; see `LimitStore.hit`."""
        is_admitted, hits, left_ms = self._run(
            lambda windows: windows.hit(
                _key(limit, subject),
                cost=cost,
                hits_max=limit.hits,
                window_s=limit.window_s,
            )
        )
        return Verdict(
            is_admitted=is_admitted,
            remaining=max(limit.hits - hits, 0),
            reset_s=max(ceil(left_ms / 1_000), 1),
        )

    def give_back(self, limit: Limit, subject: str, cost: int = 1) -> None:
        """Take back some hits; see `LimitStore.give_back`."""
        self._run(lambda windows: windows.give_back(_key(limit, subject), cost=cost))

    def _run(self, work: "Callable[[Windows], Result]") -> Result:
        """Run a command.

        Raises:
            LimitStoreError: It had no answer.
        """
        try:
            with redis.answering():
                return work(self._loaded())
        except redis.RedisGoneError as error:
            raise LimitStoreError(f"Redis is away: {error.reason}") from error

    def _loaded(self) -> "Windows":
        """Give the windows; the libraries are imported at the first use."""
        with self._lock:
            if self._windows is None:
                from functions.shared.limits.redis_windows import Windows

                self._windows = Windows(redis.connect(self._url))
            return self._windows


def _key(limit: Limit, subject: str) -> str:
    """Name a key, the same whatever the limit's values are."""
    return f"{limit.scope}:{subject}"
