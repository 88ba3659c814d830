"""A daily series, and what is taken out of it before a trend is looked for.

A day's value is the median of its snapshots, so that an hour of temporary tables does
not count, and of today the size of this moment. Steps, down after a repack or up after
an import, are set apart; excursions that come back within days and the rhythm of the
week are taken out.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEIGHBOURS = 3
"""Days on each side that a day's growth is compared with: a launch, whose growth stays,
is like its neighbours of one side; a step is like none."""

STEP_SIGMAS = 6.0
STEP_SHARE = 0.01
STEP_GROWTHS = 3.0
"""A step is so many robust standard deviations, so large a share of the size and so
many days of growth at least."""

EXCURSION_DAYS = 3
"""A step that is undone within so many days is an excursion: its days are left out."""

WEEKS_MIN = 4
"""Weeks that it takes to tell the rhythm of the week from chance."""

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One value a day.

    Attributes:
        values: Values of consecutive days; NaN where there is none. First and last are
            there.
        first_weekday: Weekday of the first day, 0 is Monday.
    """

    values: Floats
    first_weekday: int = 0

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which days have a value."""
        return ~np.isnan(self.values)

    @property
    def days(self) -> int:
        """How many days it spans."""
        return len(self.values)

    @property
    def weekdays(self) -> NDArray[np.int64]:
        """Weekday of each day."""
        return (np.arange(self.days) + self.first_weekday) % 7


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """A series without what is no trend.

    Attributes:
        series: What is left; its last value is the level of the last day.
        steps: Day and size of each step that was set apart.
        excursions: Days that were left out.
        rhythm: What each weekday adds to the level.
    """

    series: Series
    steps: tuple[tuple[int, float], ...]
    excursions: tuple[int, ...]
    rhythm: Floats


def cleaned(series: Series) -> Cleaned:
    """Set steps, excursions and the rhythm of the week apart."""
    rhythm = _rhythm(series)
    series = replace(series, values=series.values - rhythm[series.weekdays])
    steps = _steps(series)
    excursions = _excursions(steps)
    values = series.values.copy()
    values[list(excursions)] = np.nan
    # An excursion hides a step of the same days: look again at what is left.
    steps = _steps(replace(series, values=values)) if excursions else steps
    for day, size in steps:
        values[:day] += size
    return Cleaned(
        series=replace(series, values=values),
        steps=tuple(steps),
        excursions=excursions,
        rhythm=rhythm,
    )


def spread(values: Floats) -> float:
    """Give the robust standard deviation of values."""
    if not len(values):
        return 0.0
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def _steps(series: Series) -> list[tuple[int, float]]:
    """Find the days on which the level jumps, and by how much."""
    days = np.flatnonzero(series.seen)
    values = series.values[days]
    if len(days) < 2 * NEIGHBOURS:
        return []
    apart = np.diff(days)
    grown = np.diff(values)
    usual = _neighbourly(grown / apart)
    jumps = grown - usual * apart
    least = np.maximum.reduce(
        [
            np.full(len(jumps), STEP_SIGMAS * spread(jumps)),
            STEP_SHARE * np.abs(values[:-1]),
            STEP_GROWTHS * np.abs(usual) * apart,
        ]
    )
    found = np.flatnonzero(np.abs(jumps) > least)
    return [(int(days[each + 1]), float(jumps[each])) for each in found]


def _neighbourly(growth: Floats) -> Floats:
    """Give the median growth of each day's neighbours, without the day itself."""
    padded = np.pad(growth, NEIGHBOURS, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)
    around = np.delete(windows, NEIGHBOURS, axis=1)
    return np.asarray(np.nanmedian(around, axis=1), dtype=np.float64)


def _excursions(steps: list[tuple[int, float]]) -> tuple[int, ...]:
    """Find the days between a step and the one that undoes it."""
    found: set[int] = set()
    for (day, size), (back, undone) in itertools.pairwise(steps):
        is_undone = abs(size + undone) < 0.3 * abs(size)
        if day not in found and back - day <= EXCURSION_DAYS and is_undone:
            found |= set(range(day, back))
    return tuple(sorted(found))


def _rhythm(series: Series) -> Floats:
    """Estimate what each weekday adds to the level; zero where weeks are few."""
    seen = series.seen
    if seen.sum() < 7 * WEEKS_MIN:
        return np.zeros(7)
    days = np.arange(series.days)
    filled = np.interp(days, days[seen], series.values[seen])
    middle = np.convolve(filled, np.full(7, 1 / 7), mode="valid")
    rest = series.values[3:-3] - middle
    weekdays = series.weekdays[3:-3]
    rhythm = np.zeros(7)
    for weekday in range(7):
        found = rest[(weekdays == weekday) & ~np.isnan(rest)]
        if len(found) >= WEEKS_MIN - 1:
            rhythm[weekday] = np.median(found)
    return np.asarray(rhythm - rhythm.mean(), dtype=np.float64)
