"""Hits and misses of an environment's caches, as metrics in the log.

A line in CloudWatch's embedded metric format is a metric without a call of an API: the
log group reads it from standard output.
"""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TextIO

import msgspec

from functions.shared.caching.cache import Counts

PERIOD_S = 60.0
"""Shortest time between two lines of an environment, in seconds."""


class Counting(Protocol):
    """A cache with a name and counters."""

    @property
    def name(self) -> str:
        """Begins the names of its metrics, e.g. ``LlmConfig``."""

    def counts(self) -> Counts:
        """Tell what it did since it was made."""


class CacheMetrics:
    """Writes what the caches of an environment did since the last line.

    An environment writes after its first request and then at most once a minute; what
    it did in the last minute of its life is not written.

    Args:
        namespace: CloudWatch namespace of the stack; empty writes nothing.
        stack: Value of the dimension ``Stack``.
        service: Value of the dimension ``Service``, e.g. ``llm_handler``.
        caches: Whose counters.
        clock: Monotonic time in seconds.
        wall_clock: Seconds since 1970.
        output: Where the line goes; ``None`` takes standard output.
    """

    def __init__(
        self,
        namespace: str,
        stack: str,
        service: str,
        caches: Sequence[Counting],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        output: TextIO | None = None,
    ) -> None:
        self._namespace = namespace
        self._dimensions = {"Stack": stack, "Service": service}
        self._caches = caches
        self._clock = clock
        self._wall_clock = wall_clock
        self._output = output
        self._written = {cache.name: Counts() for cache in caches}
        self._due = float("-inf")
        self._lock = threading.Lock()

    def write(self) -> None:
        """Write a line if one is due and there is something to say."""
        if not self._namespace:
            return
        with self._lock:
            if self._clock() < self._due:
                return
            values = self._new()
            if not any(values.values()):
                return
            self._due = self._clock() + PERIOD_S
            output = self._output or sys.stdout
            output.write(msgspec.json.encode(self._line(values)).decode() + "\n")
            output.flush()

    def _new(self) -> dict[str, int]:
        """Give what happened since the last line, e.g. ``LlmConfigCacheHits``."""
        values = {}
        for cache in self._caches:
            now, before = cache.counts(), self._written[cache.name]
            values[f"{cache.name}CacheHits"] = now.hits - before.hits
            values[f"{cache.name}CacheMisses"] = now.misses - before.misses
            self._written[cache.name] = now
        return values

    def _line(self, values: dict[str, int]) -> dict[str, Any]:
        """Write the document (CloudWatch user guide, "Embedded metric format")."""
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [list(self._dimensions)],
            "Metrics": [{"Name": name, "Unit": "Count"} for name in values],
        }
        return {
            "_aws": {
                "Timestamp": round(self._wall_clock() * 1000),
                "CloudWatchMetrics": [directive],
            },
            **self._dimensions,
            **values,
        }
