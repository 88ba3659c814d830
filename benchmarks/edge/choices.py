"""Which rule a CDN chooses for a URL where its engine cannot be run here.

Our own reading of what we render. It covers the few operators that the renderers write
and refuses all others, so that a renderer cannot outgrow it unseen. Both providers
normalise a path before they compare it, as RFC 3986 says (Cloudflare, "URL
normalization"; CloudFront developer guide, "Path pattern").
"""

import re
import string
from functools import cache
from typing import NamedTuple

from infra.catalog.cdn import EDGE_RULES
from infra.edge import cache_rules, path_patterns

HOST = "cdn.example.com"
UNRESERVED = string.ascii_letters + string.digits + "-._~"


class Choice(NamedTuple):
    """A rule, and how long it keeps copies: at the edge and in browsers, in seconds."""

    rule: str
    edge_ttl_s: int
    browser_ttl_s: int


def normalised(path: str) -> str:
    """Normalise a path (RFC 3986, 6.2.2): decode, upper case, no dot segments.

    >>> normalised("/a/b/%2E%2e/%63%2f")
    '/a/c%2F'
    """
    return _climbed(re.sub(r"%[0-9A-Fa-f]{2}", _decoded, path))


def _decoded(code: re.Match[str]) -> str:
    letter = chr(int(code[0][1:], 16))
    return letter if letter in UNRESERVED else code[0].upper()


def _climbed(path: str) -> str:
    kept: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            kept = kept[:-1]
        elif part != ".":
            kept.append(part)
    ends = [""] if parts[-1:] in ([".."], ["."]) else []
    return "/" + "/".join([*kept, *ends])


def by_cache_rules(path: str, host: str = HOST) -> Choice | None:
    """Give the last Cache Rule that matches."""
    fields = {"http.host": host, "http.request.uri.path": normalised(path)}
    found = None
    for rule in _cache_rules():
        if holds(rule.expression, fields):
            name = rule.ref.removeprefix("kiloscale_").replace("_", "-")
            found = Choice(name, rule.edge_ttl_s, rule.browser_ttl_s)
    return found


@cache
def _cache_rules() -> tuple[cache_rules.CacheRule, ...]:
    return cache_rules.render(HOST)


def by_cloudfront(path: str) -> Choice | None:
    """Give the first path pattern that matches, with case."""
    normal = normalised(path)
    for compiled, rule in _patterns():
        if compiled.fullmatch(normal):
            return Choice(*rule) if rule else None
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], tuple[str, int, int] | None]]:
    return [
        (
            pattern(each.pattern),
            (each.rule.name, each.rule.edge_ttl_s, each.rule.browser_ttl_s)
            if each.rule
            else None,
        )
        for each in path_patterns.render()
    ]


def pattern(text: str) -> re.Pattern[str]:
    """Give a path pattern as a regular expression."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in text), re.DOTALL)


def of_rule(name: str) -> Choice | None:
    """Give what the catalog declares for a rule; ``None`` for no name."""
    known = {rule.name: rule for rule in EDGE_RULES}
    if not name:
        return None
    return Choice(name, known[name].edge_ttl_s, known[name].browser_ttl_s)


FIELD = r"(?:lower\((?P<lower>[a-z.]+)\)|(?P<field>[a-z.]+))"
TEXT = r'"(?P<text>[^"\\]*)"'
TERMS = (
    re.compile(rf"(?P<not>not )?{FIELD} (?P<operator>eq|contains) {TEXT}"),
    re.compile(
        rf"(?P<not>not )?(?P<operator>starts_with|ends_with)\({FIELD}, {TEXT}\)"
    ),
)


def holds(expression: str, fields: dict[str, str]) -> bool:
    """Tell whether an expression of ours holds.

    Raises:
        NotImplementedError: It has something that the renderer does not write.
    """
    return all(_term_holds(term, fields) for term in _terms(expression))


@cache
def _terms(expression: str) -> tuple[re.Match[str], ...]:
    inner = re.fullmatch(r"\((.*)\)", expression)
    if not inner:
        raise NotImplementedError(expression)
    return tuple(map(_term, inner[1].split(" and ")))


def _term(text: str) -> re.Match[str]:
    found = next((match for each in TERMS if (match := each.fullmatch(text))), None)
    if not found:
        raise NotImplementedError(text)
    return found


def _term_holds(term: re.Match[str], fields: dict[str, str]) -> bool:
    value = fields[term["lower"]].lower() if term["lower"] else fields[term["field"]]
    text = term["text"]
    held = {
        "eq": value == text,
        "contains": text in value,
        "starts_with": value.startswith(text),
        "ends_with": value.endswith(text),
    }[term["operator"]]
    return held is not bool(term["not"])
