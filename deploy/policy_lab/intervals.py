"""Intervals by resampling whole people or conversations: a bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

RESAMPLES = 1_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A share with the range in which it would fall for other people of the kind."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """Give it with four decimals."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
        }

    def told(self) -> str:
        """Write it as percentages.

        >>> Interval(0.9, 0.875, 0.925).told()
        '90.0 [87.5, 92.5]'
        """
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}]".replace("%", "")


def share(clusters: Sequence[tuple[int, int]], seed: int) -> Interval:
    """Give the share of counts, e.g. of facts that were found.

    Facts of one person are alike and share a person's habits, so people are drawn
    anew, not facts.

    Args:
        clusters: For each person what counts, and of how much; the first may be
            negative, for a difference.
        seed: Of the draws.
    """
    random = Random(seed)  # noqa: S311 - for resamples, not for a secret
    whole = sum(total for _, total in clusters)
    if not whole:
        return Interval(0.0, 0.0, 0.0)
    drawn = []
    for _ in range(RESAMPLES):
        sample = random.choices(clusters, k=len(clusters))
        total = sum(each for _, each in sample)
        if total:
            drawn.append(sum(each for each, _ in sample) / total)
    drawn.sort()
    edge = (1 - CONFIDENCE) / 2
    return Interval(
        sum(each for each, _ in clusters) / whole,
        quantile(drawn, edge),
        quantile(drawn, 1 - edge),
    )


def quantile(values: Sequence[float], at: float) -> float:
    """Give a quantile of sorted values; 0 for none.

    >>> quantile([1.0, 2.0, 3.0], 0.5)
    2.0
    """
    return values[round(at * (len(values) - 1))] if values else 0.0
