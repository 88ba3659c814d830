"""Go on by a limit's outage policy while its store is away."""

import logging
import threading
import time
from collections.abc import Callable

from functions.shared.limits import Limit, LimitStore, LimitStoreError, Verdict

logger = logging.getLogger(__name__)

PAUSE_S = 5
"""How long a store that was away is left alone, in seconds. Then one request asks it
again: a request that asks waits for its timeouts, 0.5 s each with Redis."""


class Limiter:
    """A `LimitStore` with something to go on with.

    A window that began in the store is not known to what counts instead, and back: an
    outage gives a key one more window in each place, and no more.

    Args:
        store: Where hits are counted.
        instead: What counts while it is away, by outage policy. A policy that is
            missing admits nobody, as ``closed`` does.
        clock: Monotonic time in seconds; a test passes its own.
    """

    def __init__(
        self,
        store: LimitStore,
        instead: dict[str, LimitStore],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._instead = instead
        self._clock = clock
        self._lock = threading.Lock()
        self._ask_again_at: float | None = None

    @property
    def is_away(self) -> bool:
        """Whether the store was away when it was last asked."""
        return self._ask_again_at is not None

    def hit(self, limit: Limit, subject: str, cost: int = 1) -> Verdict:
        """Count some hits, in the store or by the limit's outage policy.

        Raises:
            LimitStoreError: The store is away, and the policy has nothing instead.
        """
        instead = self._instead.get(limit.outage)
        if instead is None:
            # Nothing to go on with, so the store is asked each time: one connection
            # that broke must not refuse everybody for a while.
            return self._store.hit(limit, subject, cost)
        if self._may_ask():
            try:
                verdict = self._store.hit(limit, subject, cost)
            except LimitStoreError as error:
                self._went_away(error, limit)
            else:
                self._came_back()
                return verdict
        return instead.hit(limit, subject, cost)

    def give_back(self, limit: Limit, subject: str, cost: int = 1) -> None:
        """Take back some hits where they would be counted at this time.

        What cannot be given back is lost to the user until the window ends, and said in
        the log: a request that has had its effect does not fail for that.
        """
        instead = self._instead.get(limit.outage)
        store = self._store if instead is None or not self.is_away else instead
        try:
            store.give_back(limit, subject, cost)
        except LimitStoreError as error:
            fields = {"scope": limit.scope, "hits": cost, "reason": str(error)}
            logger.warning("hits not given back", extra={"fields": fields})

    def _may_ask(self) -> bool:
        """Whether to ask the store; while it is away, one request in `PAUSE_S`."""
        if self._ask_again_at is None:
            return True
        with self._lock:
            now = self._clock()
            if self._ask_again_at is not None and now < self._ask_again_at:
                return False
            self._ask_again_at = now + PAUSE_S
            return True

    def _went_away(self, error: LimitStoreError, limit: Limit) -> None:
        """Leave the store alone for a while."""
        with self._lock:
            is_new = self._ask_again_at is None
            self._ask_again_at = self._clock() + PAUSE_S
        if is_new:
            fields = {"reason": str(error), "policy": limit.outage}
            logger.error("limit store is away", extra={"fields": fields})

    def _came_back(self) -> None:
        """Ask the store again."""
        if self._ask_again_at is None:
            return
        with self._lock:
            was_away, self._ask_again_at = self._ask_again_at is not None, None
        if was_away:
            logger.warning("limit store is back")
