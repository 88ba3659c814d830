"""The rules as the Worker reads them: a JSON binding, first match wins."""

import json
from collections.abc import Sequence
from pathlib import Path

from infra.catalog.cdn import (
    EDGE_RULES,
    NOT_FOUND_TTL_S,
    QUERY_PARAMETERS,
    STALE_IF_ERROR_S,
    STALE_WHILE_REVALIDATE_S,
    EdgeRule,
)

WORKER = Path(__file__).parent / "worker.js"
MAIN_MODULE = "worker.js"

WORKERS_CACHE = "workers-cache"
CACHE_API = "cache-api"
CACHES = (WORKERS_CACHE, CACHE_API)
"""Who keeps the copies: Cloudflare, in front of the Worker, or the Worker itself."""

PURGE_PATH = "/.cdn/purge"
"""No object has such a path: all of them are below ``/storage/``."""

SETTINGS_BINDING = "CDN"
PURGE_KEY_BINDING = "PURGE_KEY"


def render(*, origin: str, cache: str, rules: Sequence[EdgeRule] = EDGE_RULES) -> str:
    """Write the Worker's settings; the same input gives the same bytes.

    Args:
        origin: Base URL of the Supabase project, without a slash at its end.
        cache: One of `CACHES`.
        rules: The rules, the most specific first.
    """
    settings = {
        "cache": cache,
        "notFoundTtlS": NOT_FOUND_TTL_S,
        "origin": origin,
        "purgePath": PURGE_PATH,
        "query": sorted(QUERY_PARAMETERS),
        "rules": [
            {
                "name": rule.name,
                "prefix": rule.prefix,
                "suffix": rule.suffix,
                "edgeTtlS": rule.edge_ttl_s,
                "browserTtlS": rule.browser_ttl_s,
                "tags": list(rule.tags),
            }
            for rule in rules
        ],
        "staleIfErrorS": STALE_IF_ERROR_S,
        "staleWhileRevalidateS": STALE_WHILE_REVALIDATE_S,
    }
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))
