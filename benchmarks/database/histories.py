"""Made histories of a database's size, with the troubles that real ones have.

They come from an app: users who come, write and go, days that differ, jobs that clean
up. Nothing here knows how the forecast works, and what happens to an app keeps
happening after the day on which the forecast is made: that a launch, an import or an
outage may come is part of what an interval of 90 % has to bear.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIB = 1024.0**2
HORIZONS = (7, 30, 90, 180)
FUTURE_DAYS = max(HORIZONS)
WEEK = np.array([1.1, 1.1, 1.1, 1.05, 1.0, 0.85, 0.8])


@dataclass(frozen=True, kw_only=True)
class History:
    """One made history.

    Attributes:
        regime: What kind of app it is.
        values: Sizes in bytes by day; NaN where no snapshot was taken.
        future: Sizes by day after it.
    """

    regime: str
    values: Floats
    future: Floats


@dataclass(kw_only=True)
class App:
    """An app whose days are drawn; a regime changes its parts.

    Attributes:
        rng: Source of chance.
        days: Days of history and future.
        known: Days of history.
        start: Size on the first day.
        use: Bytes that are written a day, by day.
        lasting: Bytes that appear or vanish for good, by day.
        wobble: Bytes that are there on a day only.
    """

    rng: np.random.Generator
    days: int
    known: int
    start: float
    use: Floats
    lasting: Floats
    wobble: Floats

    def sizes(self) -> Floats:
        """Add up the days."""
        grown = self.start + np.cumsum(self.use + self.lasting) + self.wobble
        return np.maximum(grown, 0.2 * self.start)


def _app(rng: np.random.Generator, known: int) -> App:
    """Make an app with ordinary days."""
    days = known + FUTURE_DAYS
    daily = rng.uniform(2, 40) * MIB
    noise = rng.gamma(1 / rng.uniform(0.05, 0.35) ** 2, size=days)
    week = WEEK[(np.arange(days) + rng.integers(7)) % 7]
    return App(
        rng=rng,
        days=days,
        known=known,
        start=rng.uniform(300, 4_000) * MIB,
        use=daily * week * noise / noise.mean(),
        lasting=np.zeros(days),
        wobble=rng.normal(0, 0.15 * daily, days),
    )


def steady(app: App) -> None:
    """The same users do the same."""


def weekdays(app: App) -> None:
    """An app for work: weekends are nearly empty."""
    app.use *= np.where(np.arange(app.days) % 7 >= 5, 0.1, 1.3)


def compound(app: App) -> None:
    """Users grow by a share each month."""
    rate = app.rng.uniform(0.01, 0.07) / 30
    app.use *= np.exp(rate * (np.arange(app.days) - app.known / 2))


def saturating(app: App) -> None:
    """Growth slows down: the market is full."""
    middle = app.rng.uniform(0.2, 1.2) * app.known
    width = app.rng.uniform(25, 80)
    app.use *= 2 / (1 + np.exp((np.arange(app.days) - middle) / width))


def launches(app: App) -> None:
    """Now and then a launch multiplies the use; part of it stays."""
    for day in np.flatnonzero(app.rng.random(app.days) < 1 / 90):
        after = np.arange(app.days - day)
        peak, stays = app.rng.uniform(0.3, 2.0), app.rng.uniform(0.0, 0.6)
        fades = np.exp(-after / app.rng.uniform(5, 25))
        app.use[day:] *= 1 + peak * (stays + (1 - stays) * fades)


def repacked(app: App) -> None:
    """Old rows are removed and the tables repacked, each month or so."""
    day = int(app.rng.integers(5, 40))
    share = app.rng.uniform(0.4, 0.9)
    last = 0
    while day < app.days:
        app.lasting[day] -= share * app.use[last:day].sum()
        last, day = day, day + int(app.rng.integers(25, 36))


def imports(app: App) -> None:
    """Data of another system is loaded, on a few days of the whole time."""
    for _ in range(int(app.rng.integers(1, 4))):
        day = int(app.rng.integers(3, app.days))
        app.lasting[day] += app.rng.uniform(0.05, 0.3) * app.start


def dropped_once(app: App) -> None:
    """Logs are made partitions once: a large step down, then as before."""
    day = int(app.rng.integers(10, app.known - 5))
    app.lasting[day] -= app.rng.uniform(0.15, 0.5) * (app.start + app.use[:day].sum())


def gaps(app: App) -> None:
    """The server was down, or nobody took snapshots: see `_with_gaps`."""


def noisy(app: App) -> None:
    """Days differ by orders of magnitude, and bloat comes and goes."""
    heavy = app.rng.lognormal(0, 1.0, app.days)
    app.use *= heavy / heavy.mean()
    bloat = np.zeros(app.days)
    for day in range(1, app.days):
        bloat[day] = 0.8 * bloat[day - 1] + app.rng.normal()
    app.wobble += bloat * app.use.mean() * app.rng.uniform(0.5, 2)


def young(app: App) -> None:
    """Few days are known of an app that is one of the others."""
    kind = app.rng.integers(3)
    (compound, launches, steady)[kind](app)


def seasonal(app: App) -> None:
    """Use follows the seasons."""
    period = app.rng.uniform(150, 365)
    phase = app.rng.uniform(0, 2 * np.pi)
    wave = np.sin(2 * np.pi * np.arange(app.days) / period + phase)
    app.use *= 1 + app.rng.uniform(0.2, 0.6) * wave


def paused(app: App) -> None:
    """Growth stops for a while, twice a year or so, and goes on."""
    for day in np.flatnonzero(app.rng.random(app.days) < 1 / 150):
        app.use[day : day + int(app.rng.integers(7, 30))] *= 0.02


def everything(app: App) -> None:
    """All of it at once."""
    launches(app)
    if app.rng.random() < 0.5:
        repacked(app)
    if app.rng.random() < 0.5:
        imports(app)
    if app.rng.random() < 0.5:
        seasonal(app)


REGIMES: dict[str, Callable[[App], None]] = {
    each.__name__: each
    for each in (
        steady,
        weekdays,
        compound,
        saturating,
        launches,
        repacked,
        imports,
        dropped_once,
        gaps,
        noisy,
        young,
        seasonal,
        paused,
        everything,
    )
}

HELD_OUT = ("seasonal", "paused", "everything")
"""Regimes that were not used when the model's numbers were chosen."""


def history(regime: str, seed: int) -> History:
    """Make one history."""
    rng = np.random.default_rng([seed, list(REGIMES).index(regime)])
    few = regime == "young"
    known = int(rng.integers(9, 28) if few else rng.integers(60, 400))
    app = _app(rng, known)
    REGIMES[regime](app)
    sizes = app.sizes()
    values = _with_gaps(
        sizes[:known].copy(), rng, often=regime in ("gaps", "everything")
    )
    return History(regime=regime, values=values, future=sizes[known:])


def histories(count: int, seed: int) -> list[History]:
    """Make histories of all regimes in turn."""
    names = list(REGIMES)
    return [
        history(names[each % len(names)], seed + each // len(names))
        for each in range(count)
    ]


def _with_gaps(values: Floats, rng: np.random.Generator, *, often: bool) -> Floats:
    """Leave days out, alone and in runs; never the first or the last."""
    share = rng.uniform(0.05, 0.25) if often else 0.01
    values[1:-1][rng.random(len(values) - 2) < share / 2] = np.nan
    if often:
        left = int(share / 2 * len(values))
        while left > 0:
            run = int(rng.integers(2, 15))
            day = int(rng.integers(1, max(len(values) - run - 1, 2)))
            values[day : min(day + run, len(values) - 1)] = np.nan
            left -= run
    return values
