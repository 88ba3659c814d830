"""The semi-local linear trend: a Kalman filter for a grid of settings at once.

    size      level(t)  + error
    level     level(t-1) + growth(t-1) + deviation(t-1) + noise
    deviation keep * deviation(t-1) + noise
    growth    growth(t-1) + bend

Growth deviates from its long-run mean, and comes back the slower the larger ``keep``
is: the model that R's bsts calls `AddSemilocalLinearTrend`, recommended there for long
horizons, since a growth that wanders freely makes intervals useless. The long-run
growth itself may bend evenly. How large the noises are is not chosen but weighed: each
setting counts by how well it foretold each next day. A day without a value is predicted
and not corrected.
"""

from dataclasses import dataclass

import numpy as np

from deploy.forecast.series import Floats, Series

ERRORS = (0.1, 1.0, 3.0)
LEVELS = (0.03, 0.3, 1.0)
SLOPES = (0.0003, 0.003, 0.01, 0.03, 0.1, 0.3)
KEEPS = (0.9, 0.98, 0.995, 1.0)
"""Standard deviations of the three noises, relative to each other, and ``keep``: a
deviation halves within 7, 34 or 138 days, or never."""

BENDS = 0.3
"""How much the long-run growth bends in 90 days, as a share of itself, before the
history has its say: users who grow by a share each month, or a market that is full."""

LEVEL, DEVIATION, GROWTH, BEND = range(4)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Settings of the filter, an array each.

    Attributes:
        error: Standard deviation of a day's value around the level.
        level: Of the level's own noise.
        slope: Of a day's change of growth.
        keep: Share of the deviation that is left a day later.
    """

    error: Floats
    level: Floats
    slope: Floats
    keep: Floats


@dataclass(frozen=True, kw_only=True)
class Filtered:
    """What each setting says of the last day.

    Attributes:
        grid: The settings.
        mean: Level, deviation, growth and bend by setting; shape (4, settings).
        covariance: Relative to ``variance``; shape (4, 4, settings).
        unit: What the grid's noises are relative to, in the series' unit.
        variance: Scale of all noises by setting, in units squared.
        evidence: Log-likelihood by setting.
        count: Days that were foretold.
    """

    grid: Grid
    mean: Floats
    covariance: Floats
    unit: float
    variance: Floats
    evidence: Floats
    count: int


def grid() -> Grid:
    """Combine all settings."""
    error, level, slope, keep = (
        each.ravel()
        for each in np.meshgrid(ERRORS, LEVELS, SLOPES, KEEPS, indexing="ij")
    )
    return Grid(error=error, level=level, slope=slope, keep=keep)


def filtered(series: Series, unit: float) -> Filtered:
    """Run the filter over a series, twice: the first run only learns the scale.

    Args:
        series: Without steps; see `deploy.forecast.series.cleaned`.
        unit: Roughly the noise of a day's growth, in the series' unit: the grid is
            relative to it.
    """
    settings = grid()
    once = _run(series, unit, settings, np.ones_like(settings.keep))
    return _run(series, unit, settings, once.variance)


def _run(series: Series, unit: float, settings: Grid, scale: Floats) -> Filtered:
    """Run the filter once.

    Args:
        series: The series.
        unit: What the grid is relative to.
        settings: The grid.
        scale: Variance by setting, as far as it is known: what is believed of the
            growth's bend does not depend on it, and all else here is relative to it.
    """
    mean, covariance = _start(series, unit, settings, scale)
    squares = np.zeros_like(settings.keep)
    logs = np.zeros_like(settings.keep)
    count = 0
    for value in series.values[1:] / unit:
        mean, covariance = _predicted(mean, covariance, settings)
        if np.isnan(value):
            continue
        surprise = value - mean[LEVEL]
        total = covariance[LEVEL, LEVEL] + settings.error**2
        gain = covariance[LEVEL] / total
        mean = mean + gain * surprise
        covariance = covariance - gain[:, None] * covariance[LEVEL][None, :]
        count += 1
        if count > 1:  # the first one only teaches the growth
            squares += surprise**2 / total
            logs += np.log(total)
    known = max(count - 1, 1)
    variance = np.maximum(squares / known, 1e-12)
    return Filtered(
        grid=settings,
        mean=mean * unit,
        covariance=covariance * unit**2,
        unit=unit,
        variance=variance,
        evidence=-0.5 * (known * np.log(variance) + logs),
        count=known,
    )


def _start(
    series: Series, unit: float, settings: Grid, scale: Floats
) -> tuple[Floats, Floats]:
    """Begin at the first value, with a growth that is not known."""
    mean = np.zeros((4, len(settings.keep)))
    mean[LEVEL] = series.values[0] / unit
    covariance = np.zeros((4, 4, len(settings.keep)))
    covariance[LEVEL, LEVEL] = settings.error**2
    left = np.maximum(1 - settings.keep**2, 1e-3)
    covariance[DEVIATION, DEVIATION] = settings.slope**2 / left
    seen = series.values[series.seen]
    rough = (seen[-1] - seen[0]) / unit / max(series.days - 1, 1)
    covariance[GROWTH, GROWTH] = 100 * (1 + rough**2)
    covariance[BEND, BEND] = (BENDS * (abs(rough) + 0.1) / 90) ** 2 / scale
    return mean, covariance


def _predicted(
    mean: Floats, covariance: Floats, settings: Grid
) -> tuple[Floats, Floats]:
    """Go one day on."""
    moved = _moved(covariance, settings.keep)
    # The same for the columns: the covariance is symmetric.
    new = _moved(moved.transpose(1, 0, 2), settings.keep)
    new[LEVEL, LEVEL] += settings.level**2
    new[DEVIATION, DEVIATION] += settings.slope**2
    return _moved(mean, settings.keep), new


def _moved(rows: Floats, keep: Floats) -> Floats:
    """Apply the step of a day to level, deviation, growth and bend."""
    return np.stack(
        [
            rows[LEVEL] + rows[DEVIATION] + rows[GROWTH],
            keep * rows[DEVIATION],
            rows[GROWTH] + rows[BEND],
            rows[BEND],
        ]
    )
