"""When a limit is reached, as days from now: early, most likely, late."""

from dataclasses import dataclass

import numpy as np

from deploy.forecast.model import HIGH, LOW, MIDDLE
from deploy.forecast.series import Floats


@dataclass(frozen=True, kw_only=True)
class When:
    """The day on which a value is reached first, in days from now.

    Attributes:
        early: Not before this day, with 95 % of the futures; 0 is now, ``None`` is not
            within the horizon.
        likely: Half of the futures have reached it by then.
        late: 95 % of them have.
        share: Share of the futures that reach it within the horizon.
    """

    early: int | None
    likely: int | None
    late: int | None
    share: float


def reached(paths: Floats, value: float, now: float) -> When:
    """Find when futures reach a value.

    Args:
        paths: Shape (paths, days), from tomorrow on.
        value: What is to be reached.
        now: The present value.
    """
    if now >= value:
        return When(early=0, likely=0, late=0, share=1.0)
    above = paths >= value
    ever = above.any(axis=1)
    first = np.sort(np.where(ever, above.argmax(axis=1) + 1, np.inf))

    def at(share: float) -> int | None:
        day = first[min(int(share * len(first)), len(first) - 1)]
        return int(day) if np.isfinite(day) else None

    return When(
        early=at(LOW), likely=at(MIDDLE), late=at(HIGH), share=float(ever.mean())
    )


def later(one: int | None, other: int | None) -> bool:
    """Say whether a day is later than another; ``None`` is later than all."""
    if one is None or other is None:
        return one is None and other is not None
    return one > other
