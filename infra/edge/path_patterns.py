"""The rules as CloudFront's path patterns: first match wins."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.catalog.cdn import EDGE_RULES, EdgeRule


@dataclass(frozen=True, kw_only=True)
class PathPattern:
    """One cache behaviour of a distribution.

    Attributes:
        pattern: ``*`` stands for any characters, slashes too.
        rule: The rule that it applies.
    """

    pattern: str
    rule: EdgeRule


def render(rules: Sequence[EdgeRule] = EDGE_RULES) -> tuple[PathPattern, ...]:
    """Write the rules in the order of the catalog.

    CloudFront minds case, so a suffix is there in lower and in upper case. A mixed one,
    ``.Svg``, falls to the rule of its bucket.

    >>> [each.pattern[26:] for each in render()[:2]]
    ['report-images/*.svg', 'report-images/*.SVG']
    """
    return tuple(
        PathPattern(pattern=f"{rule.prefix}*{suffix}", rule=rule)
        for rule in rules
        for suffix in dict.fromkeys((rule.suffix, rule.suffix.upper()))
    )
