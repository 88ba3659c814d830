"""Count hits in this process: for a single one, or while the common store is away.

Not by the library `limits`: its storage in memory starts a thread for each burst of
hits (measured: 900 in 8 s with 32 clients), which a Lambda environment would freeze,
and counts what it refuses. A zip without Redis has no such library either.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from functions.shared.limits import Limit, Verdict

KEYS_MAX = 10_000
"""Keys of one limit that are remembered: 2 MB (measured). Beyond it the oldest window
is forgotten, whose key then has a new one: refusing people because others came first
would be worse."""


@dataclass(slots=True)
class _Window:
    """The running window of a key; times of the store's clock, in seconds."""

    ends_at: float
    hits: int = 0


class MemoryStore:
    """A `LimitStore` for the threads of one process.

    Args:
        clock: Monotonic time in seconds; a test passes its own.
        keys_max: As `KEYS_MAX`.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        keys_max: int = KEYS_MAX,
    ) -> None:
        self._clock = clock
        self._keys_max = keys_max
        self._lock = threading.Lock()
        # For each limit its windows by subject, in the order in which they began. They
        # are of one length, so that they end in this order too.
        self._windows: dict[tuple[str, int], dict[str, _Window]] = {}

    def hit(self, limit: Limit, subject: str, cost: int = 1) -> Verdict:
        """Count some hits; see `LimitStore.hit`. Never raises."""
        with self._lock:
            now = self._clock()
            windows = self._running(limit, now)
            window = windows.get(subject) or _Window(now + limit.window_s)
            is_admitted = window.hits + cost <= limit.hits
            if is_admitted:
                window.hits += cost
                windows[subject] = window
                if len(windows) > self._keys_max:
                    del windows[next(iter(windows))]
            return Verdict(
                is_admitted=is_admitted,
                remaining=max(limit.hits - window.hits, 0),
                reset_s=max(ceil(window.ends_at - now), 1),
            )

    def give_back(self, limit: Limit, subject: str, cost: int = 1) -> None:
        """Take back some hits; see `LimitStore.give_back`."""
        with self._lock:
            window = self._running(limit, self._clock()).get(subject)
            if window is not None:
                window.hits = max(window.hits - cost, 0)

    def _running(self, limit: Limit, now: float) -> dict[str, _Window]:
        """Give the windows of a limit, without those that have ended."""
        windows = self._windows.setdefault((limit.scope, limit.window_s), {})
        while windows:
            oldest = next(iter(windows))
            if windows[oldest].ends_at > now:
                break
            del windows[oldest]
        return windows
