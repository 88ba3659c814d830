"""The plot: recall against calls, and the sweep of the stand-in's settings."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deploy.policy_lab.sweep import (
    BASELINE,
    CORRELATIONS,
    LOSSES,
    MISSES,
    Result,
)

COLOURS = {
    "every-turn": "#555555",
    "gathered": "#0072b2",
    "debounced": "#009e73",
    "sampled": "#d55e00",
}
"""Of Okabe and Ito's palette: told apart without seeing red or green."""

MARKERS = {"every-turn": "s", "gathered": "o", "debounced": "^", "sampled": "D"}


def draw(result: Result, path: Path) -> None:
    """Write the plot of a result as PNG or SVG, by the path's suffix."""
    mpl.rcParams["svg.hashsalt"] = "policy-lab"
    has_sweep = bool(result.settings)
    figure = Figure(figsize=(12, 8 if has_sweep else 5), layout="constrained")
    if has_sweep:
        halves = figure.subfigures(1, 2, width_ratios=(1, 1.5), squeeze=False)
        left, right = halves[0]
        _costs(left.subplots(), result)
        grid = right.subplots(len(MISSES), len(CORRELATIONS), sharex=True, sharey=True)
        for row, miss in enumerate(MISSES):
            for column, correlation in enumerate(CORRELATIONS):
                axes = grid[row][column]
                _swept(axes, result, miss, correlation)
                if row == 0:
                    axes.set_title(f"correlation {correlation:g}", fontsize=9)
                if column == len(CORRELATIONS) - 1:
                    axes.yaxis.set_label_position("right")
                    axes.set_ylabel(f"misses {miss:.0%}", fontsize=9)
        right.suptitle("Facts recalled with other settings of the stand-in (%)")
        right.supxlabel("lost for each further 100 tokens (%)", fontsize=10)
    else:
        _costs(figure.subplots(), result)
    # Without a date the same result is the same file.
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
    figure.savefig(path, dpi=120, metadata=metadata)


def _costs(axes: Axes, result: Result) -> None:
    """Draw what each policy finds for how many calls."""
    for each in result.outcomes:
        calls = 100 * each.calls_ratio
        value = 100 * (each.recall.value if each.recall else each.read)
        if each.recall:
            low, high = 100 * each.recall.low, 100 * each.recall.high
            axes.errorbar(
                calls,
                value,
                yerr=[[value - low], [high - value]],
                fmt=MARKERS[each.policy],
                color=COLOURS[each.policy],
                capsize=4,
            )
            if each.policy == BASELINE:
                axes.axhspan(low, high, color=COLOURS[BASELINE], alpha=0.12, lw=0)
        else:
            axes.plot(calls, value, MARKERS[each.policy], color=COLOURS[each.policy])
        is_right = calls > 60
        is_low = each.policy == "debounced"
        axes.annotate(
            each.policy,
            (calls, value),
            xytext=(-9 if is_right else 9, -14 if is_low else 6),
            textcoords="offset points",
            ha="right" if is_right else "left",
            color=COLOURS[each.policy],
        )
    what = "Facts recalled" if result.corpus.is_labelled else "Messages read"
    axes.set_title(f"{what} (%), {result.corpus.name}")
    axes.set_xlabel("calls of the model for 100 turns")
    axes.set_xlim(0, 108)
    axes.set_ylim(top=101)
    axes.grid(alpha=0.25)


def _swept(axes: Axes, result: Result, miss: float, correlation: float) -> None:
    """Draw recall against the loss, one line for each policy."""
    settings = [
        each
        for each in result.settings
        if (each.reader.miss, each.reader.correlation) == (miss, correlation)
    ]
    losses = [100 * each for each in LOSSES]
    for outcome in result.outcomes:
        name = outcome.policy
        found = [each.recall[name] for each in settings]
        axes.plot(
            losses,
            [100 * each for each in found],
            f"-{MARKERS[name]}",
            color=COLOURS[name],
            markersize=4,
            lw=1.2,
        )
        if name == BASELINE:
            low = [100 * each.baseline.low for each in settings]
            high = [100 * each.baseline.high for each in settings]
            axes.fill_between(losses, low, high, color=COLOURS[name], alpha=0.12, lw=0)
    axes.set_xticks(losses)
    axes.grid(alpha=0.25)
