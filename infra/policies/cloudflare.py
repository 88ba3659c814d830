"""Rules on Workers and Cache Rules of Cloudflare."""

import json
from collections.abc import Iterator

from infra.catalog.cdn import (
    CACHE_RULES_MAX_FREE,
    EDGE_TTL_MIN_FREE_S,
    WORKER_COMPATIBILITY_DATE,
)
from infra.edge.front_code import worker_code
from infra.edge.worker_settings import WORKER
from infra.policies.resources import Finding, Resources, Rule, is_secret

RULESET = "cloudflare:index/ruleset:Ruleset"
SCRIPT = "cloudflare:index/workersScript:WorkersScript"

SECRET_NAMES = ("KEY", "SECRET", "TOKEN", "PASSWORD")


def cache_rules_keep_their_identity(resources: Resources) -> Iterator[Finding]:
    """Find Cache Rules that a reordering would make anew, or that do nothing."""
    for each in resources.of(RULESET):
        refs = [rule.get("ref") for rule in each.get("rules")]
        if None in refs or len(set(refs)) != len(refs):
            what = f"each rule needs a ref of its own, got {refs}"
            yield each.finding(cache_rules_keep_their_identity, what)
        for rule in each.get("rules"):
            if rule.get("action") != "set_cache_settings":
                what = f"{rule.get('ref')}: action must be set_cache_settings"
                yield each.finding(cache_rules_keep_their_identity, what)


def cache_rules_fit_the_free_plan(resources: Resources) -> Iterator[Finding]:
    """Find Cache Rules that a zone on the Free plan refuses."""
    for each in resources.of(RULESET):
        rules = each.get("rules")
        if len(rules) > CACHE_RULES_MAX_FREE:
            what = f"{len(rules)} rules; the Free plan has {CACHE_RULES_MAX_FREE}"
            yield each.finding(cache_rules_fit_the_free_plan, what)
        for rule in rules:
            ttl = rule["actionParameters"]["edgeTtl"]
            if ttl.get("mode") != "override_origin" or not (
                ttl.get("default") and ttl["default"] >= EDGE_TTL_MIN_FREE_S
            ):
                what = (
                    f"{rule.get('ref')}: edge TTL must override the origin's with at"
                    f" least {EDGE_TTL_MIN_FREE_S} seconds, got {ttl.get('default')}"
                )
                yield each.finding(cache_rules_fit_the_free_plan, what)


def cache_rules_keep_no_errors(resources: Resources) -> Iterator[Finding]:
    """Find Cache Rules under which a missing image is missing for a week."""
    for each in resources.of(RULESET):
        for rule in each.get("rules"):
            kept = rule["actionParameters"]["edgeTtl"].get("statusCodeTtls") or []
            ranges = [
                (found["statusCodeRange"]["from"], found["statusCodeRange"]["to"])
                for found in kept
                if found["value"] == -1 and "statusCodeRange" in found
            ]
            if not any(low <= 400 and high >= 599 for low, high in ranges):
                what = f"{rule.get('ref')}: statuses 400 to 599 must not be stored"
                yield each.finding(cache_rules_keep_no_errors, what)


def workers_are_reproducible(resources: Resources) -> Iterator[Finding]:
    """Find Workers that an update would upload again although nothing changed."""
    for each in resources.of(SCRIPT):
        ours = (WORKER.read_text(encoding="utf-8"), worker_code())
        if each.get("content") not in ours:
            what = "its code is neither worker.js nor api_front.js of infra/edge"
            yield each.finding(workers_are_reproducible, what)
        if each.get("compatibilityDate") != WORKER_COMPATIBILITY_DATE:
            what = f"was tested with compatibility date {WORKER_COMPATIBILITY_DATE}"
            yield each.finding(workers_are_reproducible, what)
        for binding in each.get("bindings"):
            text = binding.get("json")
            if isinstance(text, str) and text != json.dumps(
                json.loads(text), sort_keys=True, separators=(",", ":")
            ):
                what = f"{binding['name']}: its JSON must have sorted keys"
                yield each.finding(workers_are_reproducible, what)


def deploys_do_not_empty_the_cache(resources: Resources) -> Iterator[Finding]:
    """Find Workers whose version is part of the key of their copies."""
    for each in resources.of(SCRIPT):
        options = each.get("cacheOptions") or {}
        if options.get("enabled") and not options.get("crossVersionCache"):
            what = "each upload empties the cache; set cross_version_cache"
            yield each.finding(deploys_do_not_empty_the_cache, what)


def worker_secrets_are_secret(resources: Resources) -> Iterator[Finding]:
    """Find secrets of Workers that anybody with the dashboard or the state can read."""
    for each in resources.of(SCRIPT):
        whole = is_secret(each.inputs.get("bindings"))
        for binding in each.get("bindings"):
            if not any(part in binding["name"].upper() for part in SECRET_NAMES):
                continue
            is_hidden = whole or is_secret(binding.get("text"))
            if binding["type"] != "secret_text" or not is_hidden:
                what = f"{binding['name']}: must be a secret in a secret_text binding"
                yield each.finding(worker_secrets_are_secret, what)


RULES: tuple[Rule, ...] = (
    cache_rules_keep_their_identity,
    cache_rules_fit_the_free_plan,
    cache_rules_keep_no_errors,
    workers_are_reproducible,
    deploys_do_not_empty_the_cache,
    worker_secrets_are_secret,
)
