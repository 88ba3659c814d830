"""The forecast: many futures that fit the history, and what they say together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.forecast.filtering import DEVIATION, Filtered, filtered
from deploy.forecast.series import Cleaned, Floats, Series, cleaned, spread

PATHS = 1_000
LIKE = (0.5, 1.5)
"""A step that comes again is so many times as large, evenly spread."""

LAUNCHES = 1 / 365
LAUNCH_MEAN = 0.4
LAUNCH_LEFT = 0.99
"""A launch: one a year, which adds four tenths to growth on average, of which 1 % fades
each day: no history tells of the first one. Chosen with made histories, of other seeds
than the benchmark's."""

SEED = 20_251_107
"""Fixed, so that the same history gives the same forecast."""

LOW, MIDDLE, HIGH = 0.05, 0.5, 0.95
"""Quantiles of the interval of 90 % and of what is most likely."""

USUAL_CHANGE = 0.1
USUAL_SPREAD = 1.5
"""How much growth changes in 90 days, as a share of itself, before the history has its
say: the median and the standard deviation of a log-normal distribution. A short history
cannot tell; without this its intervals would be far too narrow."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The futures of a series.

    Attributes:
        paths: Values by path and day from tomorrow on; shape (paths, days).
        last: Value of the last day that was seen.
        growth: Growth a day at the end of the history, weighed over the settings.
        cleaned: What was taken out of the history.
    """

    paths: Floats
    last: float
    growth: float
    cleaned: Cleaned

    def quantile(self, share: float) -> Floats:
        """Give the value that a share of the paths is below, by day."""
        return np.asarray(np.quantile(self.paths, share, axis=0), dtype=np.float64)


def forecast(series: Series, horizon: int, *, paths: int = PATHS) -> Forecast:
    """Continue a series.

    Args:
        series: At least `deploy.forecast.history.DAYS_MIN` days.
        horizon: How many days.
        paths: How many futures.
    """
    parts = cleaned(series)
    fit = filtered(parts.series, _unit(parts.series))
    weights = _weights(fit)
    generator = np.random.default_rng(SEED)
    values = _simulated(fit, weights, horizon, paths, generator)
    values += parts.rhythm[_weekdays_after(series, horizon)]
    values += _future_steps(parts, horizon, paths, generator)
    growth = float((weights * (fit.mean[DEVIATION] + fit.mean[DEVIATION + 1])).sum())
    return Forecast(
        paths=np.maximum(values, 0.0),
        last=float(series.values[series.seen][-1]),
        growth=growth,
        cleaned=parts,
    )


def _unit(series: Series) -> float:
    """Give the noise of a day's growth; something above zero for a straight line."""
    days = np.flatnonzero(series.seen)
    growth = np.diff(series.values[days]) / np.diff(days)
    size = float(np.abs(series.values[days]).max())
    return max(spread(growth), 0.01 * float(np.abs(growth).mean()), 1e-6 * size, 1e-9)


def _weights(fit: Filtered) -> Floats:
    """Weigh the settings by what they foretold, and by what is usual of growth."""
    keep = fit.grid.keep
    left = np.where(keep < 1, (1 - keep**180) / np.maximum(1 - keep**2, 1e-9), 90)
    unit = np.sqrt(fit.variance) * fit.unit
    change = unit * fit.grid.slope * np.sqrt(left)
    growth = np.abs(fit.mean[DEVIATION] + fit.mean[DEVIATION + 1])
    share = change / np.maximum(growth, 1e-9)
    usual = -0.5 * (np.log(share / USUAL_CHANGE) / USUAL_SPREAD) ** 2
    logs = fit.evidence + usual
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _weekdays_after(series: Series, horizon: int) -> NDArray[np.int64]:
    """Give the weekdays of the days to come."""
    return (np.arange(horizon) + series.days + series.first_weekday) % 7


def _simulated(
    fit: Filtered,
    weights: Floats,
    horizon: int,
    paths: int,
    generator: np.random.Generator,
) -> Floats:
    """Draw a setting, a scale and a present for each path, then let it go on."""
    chosen = generator.choice(len(weights), size=paths, p=weights)
    # The scale is known from `count` days only: an inverse chi-squared distribution.
    scale = np.sqrt(
        fit.variance[chosen] * fit.count / generator.chisquare(fit.count, paths)
    )
    roots = np.linalg.cholesky(
        np.moveaxis(fit.covariance, 2, 0)[chosen] + 1e-12 * fit.unit**2 * np.eye(4)
    )
    drawn = np.einsum("pij,pj->pi", roots, generator.standard_normal((paths, 4)))
    state = fit.mean[:, chosen].T + scale[:, None] * drawn
    level, deviation, growth, bend = state.T
    noise = scale * fit.unit
    launched = _launched(horizon, paths, generator)
    # A database does not shrink by itself, unless it does already: steps do that.
    least = np.minimum(growth + deviation, 0.0)
    values = np.empty((paths, horizon))
    for day in range(horizon):
        shocks = generator.standard_normal((3, paths)) * noise
        trend = np.maximum(growth + deviation, least) * (1 + launched[:, day])
        level = level + trend + fit.grid.level[chosen] * shocks[0]
        growth = growth + bend
        deviation = (
            fit.grid.keep[chosen] * deviation + fit.grid.slope[chosen] * shocks[1]
        )
        values[:, day] = level + fit.grid.error[chosen] * shocks[2]
    return values


def _launched(horizon: int, paths: int, generator: np.random.Generator) -> Floats:
    """Give by how much launches multiply growth, less one, by path and day."""
    comes = generator.random((paths, horizon)) < LAUNCHES
    added = np.zeros((paths, horizon))
    added[comes] = generator.exponential(LAUNCH_MEAN, int(comes.sum()))
    for day in range(1, horizon):
        added[:, day] += LAUNCH_LEFT * added[:, day - 1]
    return added


def _future_steps(
    parts: Cleaned, horizon: int, paths: int, generator: np.random.Generator
) -> Floats:
    """Let the steps of the history come again, as often as they came.

    One step alone may never come again: it counts as half a step.
    """
    total = np.zeros((paths, horizon))
    sizes = np.array([size for _, size in parts.steps])
    if not len(sizes):
        return total
    often = (len(sizes) if len(sizes) > 1 else 0.5) / parts.series.days
    comes = generator.random((paths, horizon)) < often
    count = int(comes.sum())
    total[comes] = generator.choice(sizes, size=count)
    total[comes] *= generator.uniform(*LIKE, size=count)
    return np.cumsum(total, axis=1)
