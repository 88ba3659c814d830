"""How far each step moves the day, and which of them is the cheapest that does.

The rule: of the steps that lose no data and move the most likely day by 30 days, or
beyond the horizon, the cheapest; of equals a single one, then the one that locks
nothing, then the one that gains most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deploy.forecast.dates import When, reached
from deploy.forecast.lever import Lever
from deploy.forecast.levers import TOGETHER
from deploy.forecast.series import Floats
from infra.catalog.limits import PlanLimit

GAIN_DAYS_MIN = 30

RULE = (
    "the cheapest step that loses no data and moves the most likely day by 30 days or"
    " beyond the horizon; of equals a single one, then one that locks nothing, then the"
    " one that gains most"
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A limit's day after a step.

    Attributes:
        lever: The step.
        when: When the limit is reached after it.
        gain_days: By how many days it moves the most likely day; where that is beyond
            the horizon, the days up to it.
        is_beyond: Whether it moves the day beyond the horizon.
    """

    lever: Lever
    when: When
    gain_days: int
    is_beyond: bool

    @property
    def is_enough(self) -> bool:
        """Whether the rule counts it."""
        return self.gain_days >= GAIN_DAYS_MIN or self.is_beyond


def after(lever: Lever, paths: Floats, now: float, limit: PlanLimit) -> Outcome:
    """Find when a limit is reached after a step.

    What is freed within a table does not shrink the database: its growth stops until
    the space is used, which comes to the same day unless the limit is reached already.
    """
    horizon = paths.shape[1]
    slower = lever.per_day * np.arange(1, horizon + 1)
    least = now + lever.takes - lever.returned
    changed = np.maximum(paths - lever.bytes - slower, least)
    value = lever.limit or limit.limit
    when = reached(changed, value, least)
    before = reached(paths, limit.limit, now)
    old = horizon if before.likely is None else before.likely
    new = horizon if when.likely is None else when.likely
    return Outcome(
        lever=lever,
        when=when,
        gain_days=new - old,
        is_beyond=before.likely is not None and when.likely is None,
    )


def cheapest(outcomes: Sequence[Outcome]) -> Outcome | None:
    """Choose by the rule; ``None`` where no step is enough."""
    enough = [
        each
        for each in outcomes
        if each.is_enough and each.lever.helps and not each.lever.loses
    ]
    return min(
        enough,
        key=lambda each: (
            each.lever.usd_month,
            each.lever.id == TOGETHER,
            bool(each.lever.locks),
            -each.gain_days,
        ),
        default=None,
    )
