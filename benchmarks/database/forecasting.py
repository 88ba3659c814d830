"""How often the forecast's interval of 90 % holds what came, and how wide it is.

Beside it what others would do with the same histories: the straight line through all
of them with its residuals around it, which is what a spreadsheet gives; the line
through the last 30 days, as the health check draws it; and a block bootstrap of daily
growth. The interval score (Gneiting and Raftery, 2007) is the width, and twenty times
how far the truth lies outside: neither a narrow nor a wide interval alone is good.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.database.dataset import Data
from benchmarks.database.histories import (
    FUTURE_DAYS,
    HELD_OUT,
    HORIZONS,
    REGIMES,
    Floats,
    History,
    histories,
)
from deploy.bench import Figure
from deploy.forecast import model
from deploy.forecast.series import Series

HISTORIES = 210
SEED = 20_261_126
"""Not one of the seeds with which the model was made."""

COVERED_MIN, COVERED_MAX = 85.0, 95.0
"""What an interval of 90 % may cover, in percent."""

MISSED = 0.1
"""Share that an interval of 90 % leaves out."""

Interval = tuple[Floats, Floats]
AT = np.array(HORIZONS) - 1


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One interval and what came.

    Attributes:
        regime: Kind of the history.
        horizon: Days ahead.
        is_covered: Whether the interval holds the truth.
        width: Its width, in percent of the size on the last day.
        score: Its interval score, in the same unit.
    """

    regime: str
    horizon: int
    is_covered: bool
    width: float
    score: float


def ours(history: History) -> Interval:
    """Forecast as `db.forecast` does."""
    found = model.forecast(Series(values=history.values), FUTURE_DAYS)
    return found.quantile(model.LOW)[AT], found.quantile(model.HIGH)[AT]


def line(history: History, last_days: int = 10_000) -> Interval:
    """Fit a straight line; its residuals are the interval."""
    days = np.flatnonzero(~np.isnan(history.values))
    recent = days[days >= len(history.values) - last_days]
    days = recent if len(recent) > 3 else days
    values = history.values[days]
    slope, start = np.polyfit(days, values, 1)
    around = 1.645 * float(np.std(values - slope * days - start, ddof=2))
    middle = slope * (len(history.values) + AT) + start
    return middle - around, middle + around


def line_30(history: History) -> Interval:
    """Fit a line through the last 30 days."""
    return line(history, 30)


def bootstrap(history: History) -> Interval:
    """Repeat weeks of the past in another order."""
    days = np.flatnonzero(~np.isnan(history.values))
    filled = np.interp(np.arange(len(history.values)), days, history.values[days])
    growth = np.diff(filled)
    block = min(7, len(growth))
    starts = np.random.default_rng(1).integers(
        0, len(growth) - block + 1, (1_000, -(-FUTURE_DAYS // block))
    )
    drawn = growth[starts[:, :, None] + np.arange(block)].reshape(1_000, -1)
    paths = filled[-1] + np.cumsum(drawn, axis=1)
    low, high = np.quantile(paths[:, AT], (model.LOW, model.HIGH), axis=0)
    return low, high


def hits(history: History, interval: Interval) -> Iterator[Hit]:
    """Compare an interval with what came, at each horizon."""
    size = history.values[-1] / 100
    for horizon, low, high in zip(HORIZONS, *interval, strict=True):
        came = history.future[horizon - 1]
        outside = max(low - came, 0.0) + max(came - high, 0.0)
        yield Hit(
            regime=history.regime,
            horizon=horizon,
            is_covered=bool(low <= came <= high),
            width=float((high - low) / size),
            score=float((high - low + 2 / MISSED * outside) / size),
        )


def measure(
    progress: Callable[[str], None], data: Data | None = None
) -> Iterator[Figure]:
    """Yield the figures of the forecast; it makes its own histories."""
    del data
    rivals = {"ours": ours, "line": line, "line_30": line_30, "bootstrap": bootstrap}
    found: dict[str, list[Hit]] = defaultdict(list)
    for number, history in enumerate(histories(HISTORIES, SEED)):
        progress(f"forecasting history {number + 1} of {HISTORIES}")
        for name, rival in rivals.items():
            found[name] += hits(history, rival(history))
    yield from _judged(found["ours"])
    for name in list(rivals)[1:]:
        score, covered = _score(found[name]), _covered(found[name])
        yield _figure(f"score_ratio_{name}", _score(found["ours"]) / score, "x", 1.0)
        yield _figure(f"coverage_{name}", covered, "%")
    yield from _details(found)


def _judged(found: list[Hit]) -> Iterator[Figure]:
    """Yield what the forecast promises, and how it does where it was never tried."""
    covered = _covered(found)
    name = "database.forecast_coverage"
    yield Figure(id=name, value=covered, unit="%", target=COVERED_MIN, at_least=True)
    yield Figure(id=f"{name}_most", value=covered, unit="%", target=COVERED_MAX)
    unseen = [each for each in found if each.regime in HELD_OUT]
    yield _figure("coverage_held_out", _covered(unseen), "%")


def _details(found: dict[str, list[Hit]]) -> Iterator[Figure]:
    """Yield coverage and width by horizon and by regime, beside the line's."""
    for horizon in HORIZONS:
        mine, plain = (
            [each for each in found[name] if each.horizon == horizon]
            for name in ("ours", "line")
        )
        yield _figure(
            f"coverage_{horizon}d", _covered(mine), "%", beside=_covered(plain)
        )
        yield _figure(
            f"width_{horizon}d", _width(mine), "% of size", beside=_width(plain)
        )
        yield _figure(
            f"score_{horizon}d", _score(mine), "% of size", beside=_score(plain)
        )
    for regime in REGIMES:
        mine, plain = (
            [each for each in found[name] if each.regime == regime]
            for name in ("ours", "line")
        )
        yield _figure(f"coverage_{regime}", _covered(mine), "%", beside=_covered(plain))


def _figure(
    name: str,
    value: float,
    unit: str,
    target: float | None = None,
    *,
    beside: float | None = None,
) -> Figure:
    """Make a figure of the group."""
    return Figure(
        id=f"database.forecast_{name}",
        value=value,
        unit=unit,
        target=target,
        baseline=beside,
    )


def _covered(found: list[Hit]) -> float:
    """Give how many intervals hold, in percent."""
    return 100 * sum(each.is_covered for each in found) / len(found)


def _width(found: list[Hit]) -> float:
    """Give the median width."""
    return float(np.median([each.width for each in found]))


def _score(found: list[Hit]) -> float:
    """Give the mean score."""
    return float(np.mean([each.score for each in found]))
