"""The rules as Cloudflare's Cache Rules: expressions, last match wins."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.catalog.cdn import (
    CACHE_RULES_MAX_FREE,
    EDGE_RULES,
    EDGE_TTL_MIN_FREE_S,
    EdgeRule,
)
from infra.edge.names import EMPTY_PART, ENCODED, END


@dataclass(frozen=True, kw_only=True)
class CacheRule:
    """One rule of the phase ``http_request_cache_settings``.

    Attributes:
        ref: Keeps the rule's identity when others are added or moved.
        description: Shown in the dashboard.
        expression: When it applies, in Cloudflare's Rules language.
        edge_ttl_s: How long Cloudflare serves a copy, in seconds.
        browser_ttl_s: How long a browser does, in seconds.
    """

    ref: str
    description: str
    expression: str
    edge_ttl_s: int
    browser_ttl_s: int


def render(host: str, rules: Sequence[EdgeRule] = EDGE_RULES) -> tuple[CacheRule, ...]:
    """Write the rules for a host, in the order that Cloudflare needs.

    Every rule that matches applies and the last one wins, where the catalog's first one
    does: so the order is reversed.

    Raises:
        ValueError: The Free plan has no room for them, or refuses a TTL.
    """
    if len(rules) > CACHE_RULES_MAX_FREE:
        raise ValueError(
            f"EDGE_RULES: {len(rules)} rules, and a zone on Cloudflare's Free plan has"
            f" {CACHE_RULES_MAX_FREE}; join some, or use cdn worker-cache"
        )
    for rule in rules:
        if rule.edge_ttl_s < EDGE_TTL_MIN_FREE_S:
            raise ValueError(
                f"EDGE_RULES: {rule.name}: edge_ttl_s must be at least"
                f" {EDGE_TTL_MIN_FREE_S} seconds on Cloudflare's Free plan, got"
                f" {rule.edge_ttl_s}; use cdn worker-cache for shorter ones"
            )
    return tuple(
        CacheRule(
            ref=f"kiloscale_{rule.name.replace('-', '_')}",
            description=f"Kiloscale: {rule.name}, {rule.edge_ttl_s} s",
            expression=expression(host, rule),
            edge_ttl_s=rule.edge_ttl_s,
            browser_ttl_s=rule.browser_ttl_s,
        )
        for rule in reversed(rules)
    )


def expression(host: str, rule: EdgeRule) -> str:
    """Say when a rule applies; the Free plan has no regular expressions.

    >>> from infra.catalog.cdn import WEBSITE_IMAGES
    >>> expression("c.example.com", WEBSITE_IMAGES).partition(" and ")[0]
    '(http.host eq "c.example.com"'
    """
    parts = [
        f'http.host eq "{host}"',
        f'starts_with(http.request.uri.path, "{rule.prefix}")',
    ]
    if rule.suffix:
        parts.append(f'ends_with(lower(http.request.uri.path), "{rule.suffix}")')
    parts.append(f'not http.request.uri.path contains "{EMPTY_PART}"')
    parts.append(f'not ends_with(http.request.uri.path, "{END}")')
    parts += [
        f'not lower(http.request.uri.path) contains "{encoded}"' for encoded in ENCODED
    ]
    return f"({' and '.join(parts)})"
