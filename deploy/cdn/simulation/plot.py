"""The plot: origin bytes a day, hits by rule, and from where on a CDN pays."""

from math import floor, log10
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from deploy.cdn.simulation.plans import bill, pays, stops_at
from deploy.cdn.simulation.result import Result
from infra.catalog.cdn import EDGE_RULES
from infra.catalog.cdn_modes import CLOUDFRONT

COLOURS = {
    "today": "#555555",
    "headers": "#999999",
    "cdn": "#0072b2",
    "compression": "#e69f00",
    "both": "#009e73",
}
"""Of Okabe and Ito's palette: told apart without seeing red or green."""

CLOUDFRONT_COLOUR = "#d55e00"
FAINT = 0.25
CURVE_TO_GB, CURVE_POINTS = 10_000.0, 240


def draw(result: Result, path: Path) -> None:
    """Write the plot of a result as PNG or SVG, by the path's suffix."""
    mpl.rcParams["svg.hashsalt"] = "cdn.simulate"
    figure = Figure(figsize=(13, 8), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.15))
    _sent(figure.add_subplot(grid[0, 0]), result)
    _hits(figure.add_subplot(grid[0, 1]), result)
    _month(figure.add_subplot(grid[1, :]), result)
    figure.suptitle(f"What the CDN saves: {result.traffic.name}", fontsize=13)
    # Without a date the same result is the same file.
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
    figure.savefig(path, dpi=120, metadata=metadata)


def _plain(axes: Axes, grid: Literal["x", "y", "both"]) -> None:
    """Leave out what shows nothing."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, alpha=FAINT)
    axes.set_axisbelow(True)


def _sent(axes: Axes, result: Result) -> None:
    """Draw what Supabase sends a day, parted by how it is billed."""
    days = result.traffic.days
    for place, each in enumerate(result.variants):
        images = result.outcomes[each.name].images
        cached = images.origin_cached / days / 1e6
        uncached = images.origin_uncached / days / 1e6
        colour = COLOURS[each.name]
        axes.barh(place, uncached, color=colour)
        axes.barh(place, cached, left=uncached, color=colour, alpha=0.45)
        axes.annotate(
            f"{cached + uncached:,.0f}",
            (cached + uncached, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(
        range(len(result.variants)), [each.title for each in result.variants]
    )
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_title("Supabase sends, MB a day (solid: uncached, light: cached)", size=10)
    _plain(axes, "x")


def _hits(axes: Axes, result: Result) -> None:
    """Draw the hit rate of each rule."""
    tallies = result.outcomes["cdn"].rules
    names = [rule.name for rule in EDGE_RULES if rule.name in tallies]
    for place, name in enumerate(names):
        rate = 100 * (tallies[name].hit_rate or 0)
        axes.barh(place, 100, color=COLOURS["cdn"], alpha=0.08)
        axes.barh(place, rate, color=COLOURS["cdn"])
        is_short = rate < 20
        axes.annotate(
            f"{rate:.1f} %",
            (rate, place),
            xytext=(5 if is_short else -5, 0),
            textcoords="offset points",
            va="center",
            ha="left" if is_short else "right",
            color="black" if is_short else "white",
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    mode = result.settings.mode
    axes.set_title(f"Requests answered from a copy, % ({mode})", size=10)
    _plain(axes, "x")


def _month(axes: Axes, result: Result) -> None:
    """Draw a month by its size: what it costs, or how much of the quota it uses."""
    today = result.month("today")
    if today.egress_gb <= 0:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "Supabase sends nothing", ha="center")
        return
    axes.set_xscale("log")
    # A decade below this traffic, and far enough to see where a CDN pays.
    least = 10 ** floor(log10(today.egress_gb)) / 10
    # Where a quota ends it all, ten times this traffic are far enough.
    far = 10 if result.plan.is_hard else 100
    most = far * today.egress_gb
    if not result.plan.is_hard:
        most = max(CURVE_TO_GB, most)
    axes.set_xlim(least, most)
    count = CURVE_POINTS
    sizes = [least * (most / least) ** (each / count) for each in range(count + 1)]
    if result.plan.is_hard:
        _quota(axes, result, sizes)
    else:
        _costs(axes, result, sizes)
    _mark(axes, today.egress_gb, "this traffic", "black", ":")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))
    axes.set_xlabel("GB that Supabase sends in a month today, if all grows alike")
    is_hard = result.plan.is_hard
    axes.legend(loc="lower right" if is_hard else "upper left", frameon=False)
    _plain(axes, "both")


def _costs(axes: Axes, result: Result, sizes: list[float]) -> None:
    """Draw what a month costs, and where the CDN is cheaper."""
    plan, mode = result.plan, result.settings.mode
    today = result.month("today")
    curves = [("as today", today, COLOURS["today"])]
    curves += [(f"CDN ({mode})", result.cdn_month, COLOURS["cdn"])]
    if mode != CLOUDFRONT:
        other = result.month("cdn", mode=CLOUDFRONT)
        curves += [("CDN (cloudfront)", other, CLOUDFRONT_COLOUR)]
    for title, month, colour in curves:
        usd = [bill(plan, month.times(x / today.egress_gb)).usd for x in sizes]
        axes.plot(sizes, usd, color=colour, lw=2, label=title)
    for span in pays(plan, today, result.cdn_month):
        ends = span.to_gb or sizes[-1]
        axes.axvspan(span.from_gb, ends, color=COLOURS["cdn"], alpha=0.08, lw=0)
        told = f"the CDN pays from {span.from_gb:,.0f} GB"
        told += f" to {ends:,.0f} GB" if span.to_gb else " on"
        _mark(axes, span.from_gb, told, COLOURS["cdn"], "--")
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(0, None)
    axes.set_ylabel("USD a month for egress and CDN")
    axes.set_title(f"A month on Supabase {plan.title}", size=10)


def _quota(axes: Axes, result: Result, sizes: list[float]) -> None:
    """Draw how much of the quota a month uses, of the kind that is used up first."""
    today = result.month("today").egress_gb
    for each in result.variants:
        times = stops_at(result.plan, result.month(each.name))
        if times is None:
            continue
        used = [100 * x / today / times for x in sizes]
        axes.plot(sizes, used, color=COLOURS[each.name], lw=2, label=each.title)
        if each.name in {"today", "both"}:
            told = f"{each.title}: ends at {times * today:,.1f} GB"
            _mark(axes, times * today, told, COLOURS[each.name], "--")
    axes.axhline(100, color="black", lw=1)
    axes.axhspan(100, 1_000, color="black", alpha=0.05, lw=0)
    axes.set_yscale("log")
    axes.set_ylim(1, 1_000)
    axes.set_ylabel("% of the quota that is used up first")
    axes.set_title(
        f"A month on Supabase {result.plan.title}: above 100 % every image answers 402",
        size=10,
    )


def _mark(axes: Axes, x: float, told: str, colour: str, style: str) -> None:
    """Draw a line with a text along it."""
    axes.axvline(x, color=colour, ls=style, lw=1.2)
    axes.annotate(
        told,
        (x, 0.5),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 0),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="center",
        size=9,
        color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
    )
