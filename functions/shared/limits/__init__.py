"""Rate limits behind one interface, with three stores."""

from typing import Literal, Protocol

import msgspec

LIMIT_STORES = ("postgres", "redis", "memory")
"""As `infra.catalog.limits.LIMIT_STORES`, which a test holds equal."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed window that starts with a key's first hit.

    Attributes:
        scope: Which limit it is; ``kiloscale.rate_limits.scope``.
        hits: Hits that one window admits.
        window_s: Length of the window, in seconds.
        outage: What holds while the store is away; see `infra.catalog.limits`.
    """

    scope: str
    hits: int
    window_s: int
    outage: Literal["postgres", "memory", "closed"] = "closed"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a limit says to some hits.

    Attributes:
        is_admitted: Whether all of them were counted; else none was.
        remaining: Hits that the window still admits.
        reset_s: Time until the window ends, in seconds; the whole window if none runs.
    """

    is_admitted: bool
    remaining: int
    reset_s: int


class LimitStore(Protocol):
    """Counts the hits of a key, exactly as many as a window admits."""

    def hit(self, limit: Limit, subject: str, cost: int = 1) -> Verdict:
        """Count some hits, all or none.

        Args:
            limit: Which limit.
            subject: Whose, e.g. the user's id.
            cost: How many hits.

        Raises:
            LimitStoreError: The store is away.
        """

    def give_back(self, limit: Limit, subject: str, cost: int = 1) -> None:
        """Take back hits of the running window that had no effect."""


class LimitStoreError(Exception):
    """The store of a limit is away."""
