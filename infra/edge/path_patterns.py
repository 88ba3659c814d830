"""The rules as CloudFront's path patterns: first match wins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.catalog.cdn import EDGE_RULES, PUBLIC_PATH, EdgeRule
from infra.edge.names import EMPTY_PART, ENCODED, END, spellings

BEHAVIORS_MAX = 25
"""Cache behaviours of a distribution, the default one aside (CloudFront quotas; more
can be asked for)."""


@dataclass(frozen=True, kw_only=True)
class PathPattern:
    """One cache behaviour of a distribution.

    Attributes:
        pattern: ``*`` stands for any characters, slashes too; case counts.
        rule: The rule that it applies; ``None`` if it refuses.
    """

    pattern: str
    rule: EdgeRule | None


def render(rules: Sequence[EdgeRule] = EDGE_RULES) -> tuple[PathPattern, ...]:
    """Write what is refused, then the rules in the order of the catalog.

    CloudFront minds case, so a suffix is there in each spelling.

    >>> [each.pattern[26:] for each in render() if each.rule][:3]
    ['report-images/*.svg', 'report-images/*.svG', 'report-images/*.sVg']

    Raises:
        ValueError: A distribution has no room for them.
    """
    patterns = (*_refused(), *_kept(rules))
    if len(patterns) > BEHAVIORS_MAX:
        raise ValueError(
            f"EDGE_RULES: {len(patterns)} path patterns, and a distribution has"
            f" {BEHAVIORS_MAX}; a suffix of n letters takes 2 to the power of n: join"
            " some rules, or use cdn worker-cache"
        )
    return patterns


def _refused() -> Iterator[PathPattern]:
    """Write what no object's name has."""
    yield PathPattern(pattern=f"{PUBLIC_PATH}*{EMPTY_PART}*", rule=None)
    yield PathPattern(pattern=f"{PUBLIC_PATH}*{END}", rule=None)
    for encoded in ENCODED:
        for spelling in spellings(encoded):
            yield PathPattern(pattern=f"{PUBLIC_PATH}*{spelling}*", rule=None)


def _kept(rules: Sequence[EdgeRule]) -> Iterator[PathPattern]:
    """Write what the rules cover."""
    for rule in rules:
        for suffix in spellings(rule.suffix):
            yield PathPattern(pattern=f"{rule.prefix}*{suffix}", rule=rule)
