"""Repeat a request that may be repeated, with pauses that grow and differ."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from functions.shared.storage.errors import StorageError

Result = TypeVar("Result")

ATTEMPTS = 4
FIRST_PAUSE_S = 0.2
PAUSE_S_MAX = 3.0
"""At most 0.2 + 0.4 + 0.8 s of pauses: longer outages are the queue's to repeat."""


def repeated(work: Callable[[], Result], *, attempts: int = ATTEMPTS) -> Result:
    """Do idempotent work until it succeeds, fails for good, or was tried often enough.

    Args:
        work: Must have the same effect however often it is done.
        attempts: How often it is tried, at least once.

    Raises:
        StorageError: The last one.
    """
    for attempt in range(1, attempts):
        try:
            return work()
        except StorageError as error:
            if error.is_permanent:
                raise
            time.sleep(pause_s(attempt))
    return work()


def pause_s(attempt: int) -> float:
    """Give the pause after an attempt, in seconds.

    Half of it at random, so that many clients of a storage that comes back do not all
    ask at once.
    """
    longest: float = min(FIRST_PAUSE_S * 2 ** (attempt - 1), PAUSE_S_MAX)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, hides nothing
