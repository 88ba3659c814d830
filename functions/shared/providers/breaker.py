"""Leave a model alone for a while after it failed again and again.

Our own, because the libraries count calls that they wrap, while here the retries
know the time that is left, a refusal is no failure, and eight threads of the ASGI
server's worker share the state of a model.
"""

import threading
from collections.abc import Callable

FAILURES_MAX = 5
"""Failures in a row that open it: more than one answer tries, so that a single bad
moment does not."""

OPEN_S = 20.0
"""How long it stays open, in seconds: shorter than the time in which a queue delivers a
message again, so that each delivery meets a probe or what the probe found."""


class Breaker:
    """Counts the failures of one model of one provider, in one process.

    Closed, every call passes. Open, none does. After `OPEN_S` one call passes, the
    probe: it closes or opens again. A probe that never ends, because its thread died,
    is replaced after `OPEN_S`.

    Args:
        clock: Monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_at = float("-inf")

    def admits(self) -> bool:
        """Tell whether a call may be made; whoever is told so must report its end."""
        with self._lock:
            if self._failures < FAILURES_MAX:
                return True
            if self._clock() < self._probe_at:
                return False
            self._probe_at = self._clock() + OPEN_S
            return True

    def answered(self) -> None:
        """Close: the provider answered, be it with a refusal."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Count a failure that passes by itself."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_MAX:
                self._probe_at = self._clock() + OPEN_S
