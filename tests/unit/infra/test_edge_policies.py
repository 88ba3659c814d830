# ruff: noqa: E501  # one fault a line reads as a table
import json

import pytest
from edge_stacks import MODES, broken, stack
from pack_asked import NOT_IN_THE_PACK, ask, found_by_its_policy, needs_another

from infra.policies import OF_ONE, check, edge
from infra.policies.resources import is_secret
from infra.policypack.policies import name_of

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
FUNCTION = "aws:cloudfront/function:Function"
CACHE_POLICY = "aws:cloudfront/cachePolicy:CachePolicy"
HEADERS_POLICY = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
RULESET = "cloudflare:index/ruleset:Ruleset"
SCRIPT = "cloudflare:index/workersScript:WorkersScript"
PARAMETERS = "parametersInCacheKeyAndForwardedToOrigin"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
NO_CODE = "function handler(event) { return event.request; }"
UNSORTED = json.dumps({"b": 1, "a": 2})


FAULTS = [
    ("cloudfront", DISTRIBUTION, "cdn", ["viewerCertificate", "minimumProtocolVersion"], "TLSv1", "distributions_ask_for_modern_tls"),
    ("cloudfront", DISTRIBUTION, "cdn", ["viewerCertificate", "minimumProtocolVersion"], None, "distributions_ask_for_modern_tls"),
    ("cloudfront", DISTRIBUTION, "cdn", ["origins", 0, "customOriginConfig", "originProtocolPolicy"], "match-viewer", "origins_speak_https"),
    ("cloudfront", DISTRIBUTION, "cdn", ["origins", 0, "customOriginConfig", "originSslProtocols"], ["TLSv1", "TLSv1.2"], "origins_speak_https"),
    ("cloudfront", DISTRIBUTION, "cdn", ["defaultCacheBehavior", "functionAssociations"], None, "images_only_are_served"),
    ("cloudfront", DISTRIBUTION, "cdn", ["defaultCacheBehavior", "functionAssociations", 0, "eventType"], "viewer-response", "images_only_are_served"),
    ("cloudfront", FUNCTION, "cdn-refuse", ["code"], NO_CODE, "images_only_are_served"),
    ("cloudfront", DISTRIBUTION, "cdn", ["defaultCacheBehavior", "originRequestPolicyId"], ALL_VIEWER, "origins_see_their_own_host"),
    ("cloudfront", DISTRIBUTION, "cdn", ["orderedCacheBehaviors", 0, "originRequestPolicyId"], "other", "origins_see_their_own_host"),
    ("cloudfront", DISTRIBUTION, "cdn", ["orderedCacheBehaviors", 0, "forwardedValues"], {"queryString": True}, "origins_see_their_own_host"),
    ("cloudfront", CACHE_POLICY, "cdn-86400", [PARAMETERS, "headersConfig", "headers"], {"items": ["Host"]}, "origins_see_their_own_host"),
    ("cloudfront", CACHE_POLICY, "cdn-86400", ["minTtl"], 0, "lifetimes_are_exact"),
    ("cloudfront", CACHE_POLICY, "cdn-604800", ["maxTtl"], None, "lifetimes_are_exact"),
    ("cloudfront", CACHE_POLICY, "cdn-604800", [PARAMETERS, "queryStringsConfig", "queryStringBehavior"], "all", "callers_cannot_fill_the_cache"),
    ("cloudfront", CACHE_POLICY, "cdn-604800", [PARAMETERS, "cookiesConfig", "cookieBehavior"], "all", "callers_cannot_fill_the_cache"),
    ("cloudfront", HEADERS_POLICY, "cdn-browser-3600", ["securityHeadersConfig", "contentSecurityPolicy"], None, "images_run_no_scripts"),
    ("cloudfront", HEADERS_POLICY, "cdn-browser-3600", ["securityHeadersConfig", "contentTypeOptions"], None, "images_run_no_scripts"),
    ("cloudfront", DISTRIBUTION, "cdn", ["orderedCacheBehaviors", -1, "responseHeadersPolicyId"], None, "images_run_no_scripts"),
    ("cache-rules", RULESET, "cdn-rules", ["rules", 0, "ref"], None, "cache_rules_keep_their_identity"),
    ("cache-rules", RULESET, "cdn-rules", ["rules", 0, "ref"], "kiloscale_chart_svgs", "cache_rules_keep_their_identity"),
    ("cache-rules", RULESET, "cdn-rules", ["rules", 0, "action"], "route", "cache_rules_keep_their_identity"),
    ("cache-rules", RULESET, "cdn-rules", ["rules", 1, "actionParameters", "edgeTtl", "default"], 3600, "cache_rules_fit_the_free_plan"),
    ("cache-rules", RULESET, "cdn-rules", ["rules", 1, "actionParameters", "edgeTtl", "mode"], "respect_origin", "cache_rules_fit_the_free_plan"),
    ("cache-rules", RULESET, "cdn-rules", ["rules", 1, "actionParameters", "edgeTtl", "statusCodeTtls"], None, "cache_rules_keep_no_errors"),
    ("cache-rules", RULESET, "cdn-rules", ["rules", 1, "actionParameters", "edgeTtl", "statusCodeTtls", 0, "value"], 0, "cache_rules_keep_no_errors"),
    ("worker-cache", SCRIPT, "cdn", ["content"], "export default {}; // 2026-11-26", "workers_are_reproducible"),
    ("worker-cache", SCRIPT, "cdn", ["compatibilityDate"], "2026-07-15", "workers_are_reproducible"),
    ("worker-cache", SCRIPT, "cdn", ["bindings", 0, "json"], UNSORTED, "workers_are_reproducible"),
    ("worker-cache", SCRIPT, "cdn", ["cacheOptions", "crossVersionCache"], False, "deploys_do_not_empty_the_cache"),
    ("worker-cache", SCRIPT, "cdn", ["bindings", 1, "type"], "plain_text", "worker_secrets_are_secret"),
    # Out of its wrapper, as `put` has all values.
    ("worker-cache", SCRIPT, "cdn", ["bindings", 1, "text"], "p" * 40, "worker_secrets_are_secret"),
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_no_cdn_breaks_a_rule(mode):
    assert check(stack(mode)) == []
    assert check(stack(mode, preview=True)) == []


@pytest.mark.parametrize(
    ("mode", "kind", "name", "path", "new", "rule"),
    FAULTS,
    ids=[f"{fault[5]}-{number}" for number, fault in enumerate(FAULTS)],
)
def test_a_fault_of_the_edge_is_found(mode, kind, name, path, new, rule):
    found = check(broken(stack(mode), kind, name, path, new))

    assert rule in {finding.rule for finding in found}


def test_more_cache_rules_than_the_free_plan_has_are_found():
    resources = stack("cache-rules")
    rules = next(resources.of(RULESET)).get("rules")
    many = [{**rules[0], "ref": f"rule_{number}"} for number in range(11)]

    found = check(broken(resources, RULESET, "cdn-rules", ["rules"], many))

    assert [finding.what for finding in found] == ["11 rules; the Free plan has 10"]


def test_every_rule_of_the_edge_has_a_fault_that_breaks_it():
    assert {rule.__name__ for rule in edge.RULES} == {fault[5] for fault in FAULTS}


def test_the_purge_key_is_wrapped_as_a_secret():
    script = next(stack("worker-cache").of(SCRIPT))

    assert is_secret(script.inputs["bindings"])


@pytest.mark.parametrize("mode", MODES)
def test_the_pack_finds_nothing_in_a_cdn_before_or_after_it_is_made(mode):
    assert ask(stack(mode)) == set()
    assert ask(stack(mode, preview=True)) == set()


@pytest.mark.parametrize(
    ("mode", "kind", "name", "path", "new", "rule"),
    FAULTS,
    ids=[f"{fault[5]}-{number}" for number, fault in enumerate(FAULTS)],
)
def test_the_pack_finds_a_fault_of_the_edge_early_where_it_can(
    mode, kind, name, path, new, rule
):
    faulty = broken(stack(mode), kind, name, path, new)
    (judge,) = (each for each in edge.RULES if each.__name__ == rule)

    if judge in OF_ONE:
        assert not needs_another(judge, faulty)
    if name_of(judge) not in NOT_IN_THE_PACK:
        assert found_by_its_policy(judge, faulty)


@pytest.mark.parametrize("rule", edge.RULES, ids=name_of)
def test_a_rule_is_asked_early_unless_it_needs_another_resource(rule):
    needs = any(needs_another(rule, stack(mode)) for mode in MODES)

    assert (rule in OF_ONE) is not needs
