"""One quantity that has a limit: its history, its futures, and when they meet it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deploy.forecast import model
from deploy.forecast.dates import When, reached
from deploy.forecast.history import History
from deploy.forecast.model import HIGH, LOW, MIDDLE
from deploy.forecast.series import Floats, Series
from infra.catalog.limits import PlanLimit

WINDOW_DAYS = 30
"""What counts for a limit a month is the sum of the last 30 days."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What becomes of a quantity.

    Attributes:
        limit: Its limit.
        history: Its past.
        past: Values by day of the past, as they are compared with the limit.
        now: Value of this moment.
        paths: Futures from tomorrow on; ``None`` if too little is known.
        growth: Growth a day at the end of the history.
        steps: Day and size of each step that was set apart.
        alert: When the alert is reached; ``None`` without futures.
        full: When the limit is; ``None`` without futures.
    """

    limit: PlanLimit
    history: History
    past: Floats
    now: float
    paths: Floats | None = None
    growth: float = 0.0
    steps: tuple[tuple[int, float], ...] = ()
    alert: When | None = None
    full: When | None = None

    @cached_property
    def fan(self) -> Floats:
        """Low, middle and high by day; shape (3, days)."""
        if self.paths is None:
            return np.zeros((3, 0))
        return np.asarray(
            np.quantile(self.paths, (LOW, MIDDLE, HIGH), axis=0), dtype=np.float64
        )


def look(
    limit: PlanLimit, history: History, horizon: int, *, paths: int = model.PATHS
) -> Outlook:
    """Forecast a quantity that only adds up, such as a size.

    Args:
        limit: Its limit.
        history: Its past.
        horizon: How many days to look ahead.
        paths: How many futures.
    """
    past = history.series.values
    if history.lacks:
        return Outlook(limit=limit, history=history, past=past, now=history.now)
    found = model.forecast(history.series, horizon, paths=paths)
    return Outlook(
        limit=limit,
        history=history,
        past=past,
        now=history.now,
        paths=found.paths,
        growth=found.growth,
        steps=found.cleaned.steps,
        alert=reached(found.paths, limit.alert_at, history.now),
        full=reached(found.paths, limit.limit, history.now),
    )


def look_monthly(limit: PlanLimit, history: History, horizon: int) -> Outlook:
    """Forecast what is counted by the day and limited by the month.

    The counts are added up first: a sum grows as a size does, so that the same model
    holds, and 30 days of each future are what it grew in them.

    Args:
        limit: Its limit, a month.
        history: Counts by day; a day without a count had none.
        horizon: How many days to look ahead.
    """
    counts = np.nan_to_num(history.series.values)
    summed = np.cumsum(counts)
    past = summed - np.concatenate([np.zeros(WINDOW_DAYS), summed])[: len(summed)]
    now = float(past[-1])
    if history.lacks:
        return Outlook(limit=limit, history=history, past=past, now=now)
    series = Series(values=summed, first_weekday=history.series.first_weekday)
    found = model.forecast(series, horizon)
    before = np.broadcast_to(summed, (len(found.paths), len(summed)))
    ahead = np.concatenate([np.zeros((len(found.paths), WINDOW_DAYS)), before], axis=1)
    whole = np.concatenate([ahead, found.paths], axis=1)
    paths = (whole[:, WINDOW_DAYS:] - whole[:, :-WINDOW_DAYS])[:, len(summed) :]
    return Outlook(
        limit=limit,
        history=history,
        past=past,
        now=now,
        paths=paths,
        growth=float(np.median(paths[:, -1] - now)) / horizon,
        alert=reached(paths, limit.alert_at, now),
        full=reached(paths, limit.limit, now),
    )
