"""Recorded Cache Rules, for a linter that knows Cloudflare's phases and plans.

The expressions are parsed by Cloudflare's own engine (wirefilter), which says whether
they are valid, and not what they match.
"""

from collections.abc import Mapping
from typing import Any

from infra.policies.cloudflare import RULESET
from infra.policies.resources import Registered, Resources

PLAN = "free"
"""What is legal there is legal on every plan."""

NOT_SO = " CF550 "
"""What the linter is wrong about: an encoded slash in a path were decoded before an
expression sees it. Cloudflare decodes what is the same encoded or not, and no more; its
`url_decode()` is there for the rest (Ruleset Engine docs, "Functions"; "URL
normalization")."""

NAMES = {
    "actionParameters": "action_parameters",
    "browserTtl": "browser_ttl",
    "cacheDeceptionArmor": "cache_deception_armor",
    "cacheKey": "cache_key",
    "disableStaleWhileUpdating": "disable_stale_while_updating",
    "edgeTtl": "edge_ttl",
    "ignoreQueryStringsOrder": "ignore_query_strings_order",
    "respectStrongEtags": "respect_strong_etags",
    "serveStale": "serve_stale",
    "statusCodeRange": "status_code_range",
    "statusCodeTtls": "status_code_ttl",
}
"""Names of Cloudflare's API where Pulumi has others."""


def findings(resources: Resources) -> list[str]:
    """Lint the Cache Rules of a program; give what is wrong with them."""
    from octorules.config import normalize_zone_format
    from octorules.linter.engine import lint_zone_file
    from octorules_cloudflare.linter import register_cloudflare_linter

    register_cloudflare_linter()
    # Not its command line: for a single file that always takes the Enterprise plan.
    zones = [
        normalize_zone_format(zone(ruleset), source=ruleset.name)
        for ruleset in resources.of(RULESET)
    ]
    return [
        str(found)
        for each in zones
        for found in lint_zone_file(each, plan_tier=PLAN).results
        if NOT_SO not in str(found)
    ]


def zone(ruleset: Registered) -> dict[str, Any]:
    """Write a ruleset as the linter reads the rules of a zone."""
    return {"cloudflare": {"cache_rules": _value(ruleset.get("rules"))}}


def _value(value: Any) -> Any:
    """Write one value, and all that it holds, in the API's names."""
    if isinstance(value, Mapping):
        return {NAMES.get(key, key): _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
