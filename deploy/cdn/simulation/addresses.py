"""Which rule a request belongs to and under which name its copy is kept.

The Worker's own decisions (infra/edge/worker.js) in Python; a test asks the Worker for
the same 2,500 addresses.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

from functions.shared.cdn_url import VERSION, canonical_path
from infra.catalog.cdn import EDGE_RULES, QUERY_PARAMETERS, EdgeRule


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A public image that the CDN may keep.

    Attributes:
        rule: The rule that it belongs to.
        path: The one spelling of its path.
        query: The parameters that make a copy of its own, with their ``?``.
        is_canonical: Whether the request had this spelling already.
    """

    rule: EdgeRule
    path: str
    query: str
    is_canonical: bool

    @property
    def key(self) -> str:
        """The name of its copy."""
        return self.path + self.query


@lru_cache(maxsize=65_536)
def address(target: str) -> Address | None:
    """Find the image that a request means; ``None`` for everything else.

    >>> address("/storage/v1/object/public/report-images/%61.SVG?x=1&v=2").key
    '/storage/v1/object/public/report-images/a.SVG?v=2'
    >>> address("/storage/v1/object/sign/report-images/a.svg?token=x") is None
    True
    """
    raw, _, query = target.partition("?")
    seen = _climbed(raw)
    path = canonical_path(seen)
    rule = path and _rule(path)
    if not path or not rule:
        return None
    kept = _canonical_query(query)
    # Dot segments, and a `?` alone, are gone before the Worker sees an address.
    is_canonical = seen + (query and f"?{query}") == path + kept
    return Address(rule=rule, path=path, query=kept, is_canonical=is_canonical)


def _climbed(path: str) -> str:
    """Take dot segments out, as each URL parser does before anybody sees a path."""
    parts = path.replace("\\", "/").split("/")[1:]
    kept: list[str] = []
    last = len(parts) - 1
    for number, part in enumerate(parts):
        dots = re.sub("%2e", ".", part, flags=re.IGNORECASE)
        if dots == "..":
            kept = kept[:-1]
        if dots not in {".", ".."}:
            kept.append(part)
        elif number == last:
            kept.append("")
    return "/" + "/".join(kept)


def _canonical_query(query: str) -> str:
    """Give the allowed parameters in a fixed order, each once."""
    given: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        given.setdefault(unquote_plus(name), unquote_plus(value))
    kept = [
        f"{name}={given[name]}"
        for name in sorted(QUERY_PARAMETERS)
        if VERSION.fullmatch(given.get(name, ""))
    ]
    return f"?{'&'.join(kept)}" if kept else ""


def _rule(path: str) -> EdgeRule | None:
    """Give the first rule that matches."""
    lower = path.lower()
    return next(
        (
            rule
            for rule in EDGE_RULES
            if path.startswith(rule.prefix) and lower.endswith(rule.suffix)
        ),
        None,
    )
