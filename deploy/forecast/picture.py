"""The forecast as a picture: what was measured, the interval, limits and their days."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from deploy.forecast.dates import When
from deploy.forecast.model import HIGH, LOW
from deploy.forecast.outlook import Outlook
from deploy.forecast.words import amount

WIDE, NARROW = "#d9eaf5", "#a6cee6"
MEASURED, FUTURE, ALERT, LIMIT = "#333333", "#0072b2", "#e69f00", "#d55e00"
"""Of Okabe and Ito's palette: told apart without seeing red or green."""

GIB = 1024**3
EPOCH = date(1970, 1, 1)
NAMES = {
    "database_bytes": ("Size of the database", "GiB"),
    "storage_bytes": ("Size of the storage", "GiB"),
    "invocations_month": ("Invocations in 30 days", "thousand"),
}


def draw(outlooks: Sequence[Outlook], stack: str, path: Path) -> None:
    """Write the picture as PNG or SVG, by the path's suffix.

    Args:
        outlooks: With futures, one for each panel.
        stack: Name of the stack, for the title.
        path: Where it goes.
    """
    mpl.rcParams["svg.hashsalt"] = "forecast"
    figure = Figure(figsize=(10, 0.6 + 4.6 * len(outlooks)), layout="constrained")
    panels = figure.subplots(len(outlooks), 1, squeeze=False)
    for outlook, (axes,) in zip(outlooks, panels, strict=True):
        _panel(axes, outlook, stack)
    # Without a date the same forecast is the same file.
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
    figure.savefig(path, dpi=130, metadata=metadata)


def _panel(axes: Axes, outlook: Outlook, stack: str) -> None:
    """Draw one quantity."""
    name, unit = NAMES[outlook.limit.name]
    scale = GIB if unit == "GiB" else 1_000
    history = outlook.history
    past = np.array([_at(history.first_day, each) for each in range(len(outlook.past))])
    seen = ~np.isnan(outlook.past)
    axes.plot(
        past[seen], outlook.past[seen] / scale, color=MEASURED, lw=1.6, label="measured"
    )
    _future(axes, outlook, scale)
    top = _top(axes, outlook, scale)
    _limits(axes, outlook, scale, top)
    axes.set_ylim(0, top)
    axes.margins(x=0.01)
    axes.axvline(_at(history.last_day, 0), color="#999999", lw=0.8, ls=(0, (2, 3)))
    axes.annotate(
        "today",
        (_at(history.last_day, 0), 0),
        xytext=(4, 6),
        textcoords="offset points",
        color="#777777",
        fontsize=9,
    )
    axes.set_title(f"{name} ({unit}), stack {stack}", loc="left", fontsize=12)
    # Neither has types in matplotlib.
    locator = AutoDateLocator(minticks=5, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    axes.grid(axis="y", alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(loc="lower right", frameon=False, fontsize=9)


def _future(axes: Axes, outlook: Outlook, scale: float) -> None:
    """Draw the interval, a narrower one within, and what is most likely."""
    if outlook.paths is None:
        return
    shares = (LOW, 0.25, 0.5, 0.75, HIGH)
    shown = np.arange(0, outlook.paths.shape[1], max(outlook.paths.shape[1] // 120, 1))
    ahead = np.quantile(outlook.paths[:, shown], shares, axis=0) / scale
    # The lines begin where the measured one ends.
    start = np.full((len(shares), 1), outlook.now / scale)
    low, lower, middle, higher, high = np.concatenate([start, ahead], axis=1)
    days = [_at(outlook.history.last_day, each) for each in (0, *(shown + 1).tolist())]
    axes.fill_between(days, low, high, color=WIDE, lw=0, label="90 % of the futures")
    axes.fill_between(days, lower, higher, color=NARROW, lw=0, label="half of them")
    axes.plot(days, middle, color=FUTURE, lw=1.8, label="most likely")


def _top(axes: Axes, outlook: Outlook, scale: float) -> float:
    """Choose the upper end: a limit that is far above is left out."""
    highest = max(float(np.nanmax(outlook.past)), float(outlook.fan[2].max())) / scale
    bounds = (outlook.limit.limit / scale, outlook.limit.alert_at / scale)
    near = [each for each in bounds if each <= 2.5 * highest]
    if not near:
        return 1.25 * highest
    return 1.14 * max(near[0], min(highest, 1.3 * near[0]))


def _limits(axes: Axes, outlook: Outlook, scale: float, top: float) -> None:
    """Draw alert and limit, each with the day on which it is reached."""
    quota = outlook.limit
    for what, value, colour, found in (
        ("alert", quota.alert_at, ALERT, outlook.alert),
        ("limit", quota.limit, LIMIT, outlook.full),
    ):
        height = value / scale
        if height > top or found is None:
            continue
        axes.axhline(height, color=colour, lw=1.2, ls=(0, (6, 3)))
        axes.annotate(
            f"{what}, {amount(value, quota.unit)}: {_said(outlook, found)}",
            (0, height),
            xycoords=("axes fraction", "data"),
            xytext=(6, 4),
            textcoords="offset points",
            ha="left",
            color=colour,
            fontsize=9,
        )
        _mark(axes, outlook, found, height, colour)


def _mark(
    axes: Axes, outlook: Outlook, found: When, height: float, colour: str
) -> None:
    """Mark the interval of the day on the limit's line."""
    if found.early is None or found.likely == 0:
        return
    last = outlook.fan.shape[1]
    days = (found.early, last if found.late is None else found.late)
    ends = [_at(outlook.history.last_day, each) for each in days]
    axes.plot(ends, [height, height], color=colour, lw=4, solid_capstyle="butt")
    if found.likely is not None:
        axes.plot(
            _at(outlook.history.last_day, found.likely),
            height,
            "o",
            color=colour,
            mec="white",
            mew=1.2,
            ms=8,
            zorder=5,
        )


def _said(outlook: Outlook, found: When) -> str:
    """Write the most likely day."""
    if found.likely == 0:
        return "reached"
    if found.likely is None:
        return f"most likely not within {outlook.fan.shape[1]} days"
    return f"most likely {outlook.history.day(found.likely):%Y-%m-%d}"


def _at(first: date, days: int) -> float:
    """Give a day in matplotlib's count: days since 1970."""
    return float((first - EPOCH).days + days)
