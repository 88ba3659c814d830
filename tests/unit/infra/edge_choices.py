"""Which rule each CDN would choose for a URL: our own reading of what we render.

This is no copy of Cloudflare's or of AWS's engine. It covers the few operators that the
renderers write and refuses all others, so that a renderer cannot outgrow it unseen. The
Worker itself is asked in tests/integration/edge.
"""

import json
import re

from infra.edge import cache_rules, path_patterns, worker_settings

HOST = "cdn.example.com"
Choice = tuple[int, int] | None
"""Edge and browser TTL in seconds; ``None`` where nothing is cached."""


def by_worker(path: str) -> Choice:
    """The first rule of the Worker's settings that matches."""
    settings = json.loads(
        worker_settings.render(origin="https://abc.supabase.co", cache="cache-api")
    )
    for rule in settings["rules"]:
        is_ours = path.startswith(rule["prefix"])
        if is_ours and path.lower().endswith(rule["suffix"]):
            return rule["edgeTtlS"], rule["browserTtlS"]
    return None


def by_cache_rules(path: str, host: str = HOST) -> Choice:
    """The last Cache Rule that matches."""
    fields = {"http.host": host, "http.request.uri.path": path}
    matching = [
        rule for rule in cache_rules.render(HOST) if holds(rule.expression, fields)
    ]
    return (matching[-1].edge_ttl_s, matching[-1].browser_ttl_s) if matching else None


def by_cloudfront(path: str) -> Choice:
    """The first path pattern that matches, with case."""
    for each in path_patterns.render():
        if pattern(each.pattern).fullmatch(path):
            return each.rule.edge_ttl_s, each.rule.browser_ttl_s
    return None


def pattern(text: str) -> re.Pattern[str]:
    """A path pattern as a regular expression."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in text), re.DOTALL)


FIELD = r"lower\((?P<lower>[a-z.]+)\)|(?P<field>[a-z.]+)"
TERMS = (
    re.compile(rf'(?P<operator>eq)\((?:{FIELD}), "(?P<text>[^"\\]*)"\)'),
    re.compile(
        rf'(?P<operator>starts_with|ends_with)\((?:{FIELD}), "(?P<text>[^"\\]*)"\)'
    ),
)


def holds(expression: str, fields: dict[str, str]) -> bool:
    """Whether an expression of ours holds.

    Raises:
        NotImplementedError: It has something that the renderer does not write.
    """
    inner = re.fullmatch(r"\((.*)\)", expression)
    if not inner:
        raise NotImplementedError(expression)
    return all(_term_holds(term, fields) for term in inner[1].split(" and "))


def _term_holds(term: str, fields: dict[str, str]) -> bool:
    term = re.sub(r'^([a-z.]+) eq (".*")$', r"eq(\1, \2)", term)
    found = next((match for each in TERMS if (match := each.fullmatch(term))), None)
    if not found:
        raise NotImplementedError(term)
    name = found["field"] or found["lower"]
    value = fields[name].lower() if found["lower"] else fields[name]
    if found["operator"] == "eq":
        return value == found["text"]
    if found["operator"] == "starts_with":
        return value.startswith(found["text"])
    return value.endswith(found["text"])
