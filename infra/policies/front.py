"""Rules on what stands before the function URLs, on CloudFront or Cloudflare."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pulumi.output import Unknown

from infra.edge.front_code import ROUTING
from infra.policies.resources import Finding, Registered, Resources, Rule

DISTRIBUTION = "cloudfront/distribution:Distribution"
FUNCTION = "cloudfront/function:Function"
URL = "lambda/functionUrl:FunctionUrl"
SCRIPT = "cloudflare:index/workersScript:WorkersScript"
NAME = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""Managed policies, written here again: a rule must not take over the error of what it
judges (CloudFront developer guide, "Use managed policies")."""

KEPT_ERRORS = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
"""Statuses that CloudFront keeps for 10 s unless it is told not to (its developer
guide, "Error caching minimum TTL")."""

PRESENT = "present"
BINDING = "FRONT"


def fronts_keep_no_answer(resources: Resources) -> Iterator[Finding]:
    """Find fronts that would give one user's answer to another."""
    for each in _distributions(resources):
        for behavior in _behaviors(each):
            if behavior.get("cachePolicyId") != CACHING_DISABLED:
                what = "caching is not disabled: one user may get another's answer"
                yield each.finding(fronts_keep_no_answer, what)
        not_kept = {
            error["errorCode"]
            for error in each.get("customErrorResponses") or []
            if error.get("errorCachingMinTtl") == 0
        }
        if kept := sorted(KEPT_ERRORS - not_kept):
            what = f"keeps errors {', '.join(map(str, kept))} for 10 s, for every user"
            yield each.finding(fronts_keep_no_answer, what)
    for each in _scripts(resources):
        if (each.get("cacheOptions") or {}).get("enabled") is not False:
            what = "Workers Cache is not off: one user may get another's answer"
            yield each.finding(fronts_keep_no_answer, what)


def fronts_send_all_but_their_host(resources: Resources) -> Iterator[Finding]:
    """Find fronts whose origins would refuse their Host, or never see a token."""
    for each in _distributions(resources):
        for behavior in _behaviors(each):
            if behavior.get("originRequestPolicyId") != ALL_VIEWER_EXCEPT_HOST:
                what = "not all headers but Host are sent on: no function could answer"
                yield each.finding(fronts_send_all_but_their_host, what)


def fronts_take_https_only(resources: Resources) -> Iterator[Finding]:
    """Find fronts that a token can be sent to in plain text."""
    for each in _distributions(resources):
        for behavior in _behaviors(each):
            # A redirect comes too late: the token was sent already.
            if behavior.get("viewerProtocolPolicy") != "https-only":
                what = f"viewers may use {behavior.get('viewerProtocolPolicy')}"
                yield each.finding(fronts_take_https_only, what)


def fronts_block_other_paths(resources: Resources) -> Iterator[Finding]:
    """Find fronts that would be an open proxy: the decision is not in their way."""
    for each in _distributions(resources):
        for behavior in _behaviors(each):
            arns = [
                found["functionArn"]
                for found in behavior.get("functionAssociations") or []
                if found["eventType"] == "viewer-request"
            ]
            if not any(_decides(resources, arn) for arn in arns):
                what = "no viewer-request function decides: every path goes through"
                yield each.finding(fronts_block_other_paths, what)
    for each in _scripts(resources):
        if ROUTING not in (each.get("content") or ""):
            what = "the code lacks infra/edge/routing.js: every path may go through"
            yield each.finding(fronts_block_other_paths, what)


def fronts_ask_known_origins_only(resources: Resources) -> Iterator[Finding]:
    """Find fronts that would send users' tokens to somebody else, or to themselves."""
    urls = [url.outputs.get("functionUrl") for url in resources.of(URL)]
    ours = {urlsplit(str(url)).netloc for url in urls}
    for each, names, origins, present in _asked(resources):
        strangers = sorted(set(origins) - ours)
        if strangers:
            what = f"asks {', '.join(strangers)}, which is no function URL of the stack"
            yield each.finding(fronts_ask_known_origins_only, what)
        if present and present in names:
            what = f"the present functions are at {present}: it would ask itself"
            yield each.finding(fronts_ask_known_origins_only, what)


def fronts_share_out_only_with_a_second_side(
    resources: Resources,
) -> Iterator[Finding]:
    """Find Workers whose share of users leaves the other users without a function."""
    for each in _scripts(resources):
        settings = _settings(each)
        if settings and settings["percent"] < 100 and not settings["presentOrigin"]:
            what = f"{settings['percent']} % are ours, and nobody answers the others"
            yield each.finding(fronts_share_out_only_with_a_second_side, what)


def fronts_log_no_tokens(resources: Resources) -> Iterator[Finding]:
    """Find Workers whose log has the headers of every request."""
    for each in _scripts(resources):
        observability = each.get("observability") or {}
        logs = observability.get("logs") or {}
        if observability.get("enabled") and logs.get("invocationLogs") is not False:
            what = "invocation logs are on: they have the headers, tokens included"
            yield each.finding(fronts_log_no_tokens, what)


def _behaviors(distribution: Registered) -> list[Mapping[str, Any]]:
    """Give all behaviours of a distribution."""
    ordered = distribution.get("orderedCacheBehaviors") or []
    return [distribution.get("defaultCacheBehavior"), *ordered]


def _distributions(resources: Resources) -> Iterator[Registered]:
    """Give the distributions whose function chooses among several origins."""
    for each in resources.of(DISTRIBUTION):
        if len(each.get("origins")) > 1:
            yield each


def _scripts(resources: Resources) -> Iterator[Registered]:
    """Give the Workers that have a front's settings."""
    for each in resources.of(SCRIPT):
        if any(one["name"] == BINDING for one in each.get("bindings") or []):
            yield each


def _settings(script: Registered) -> dict[str, Any] | None:
    """Read a Worker's settings; ``None`` while the function URLs are unknown."""
    text = next(one["json"] for one in script.get("bindings") if one["name"] == BINDING)
    if isinstance(text, Unknown):
        return None
    settings: dict[str, Any] = json.loads(text)
    return settings


def _decides(resources: Resources, arn: object) -> bool:
    """Whether a function of CloudFront holds the decision; yes while it is unknown."""
    if isinstance(arn, Unknown):
        return True
    function = resources.find(FUNCTION, arn=arn)
    return function is not None and ROUTING in function.get("code")


def _asked(
    resources: Resources,
) -> Iterator[tuple[Registered, list[str], list[str], str]]:
    """Give each front with its names, the hosts of its functions and the other side's.

    What is unknown in a preview is left out.
    """
    for each in _distributions(resources):
        hosts = {one["originId"]: one["domainName"] for one in each.get("origins")}
        present = hosts.pop(PRESENT, "")
        known = [host for host in hosts.values() if not isinstance(host, Unknown)]
        yield each, each.get("aliases") or [], known, present
    served = [each.get("hostname") for each in resources.of(NAME)]
    for each in _scripts(resources):
        if settings := _settings(each):
            origins = [urlsplit(url).netloc for url in settings["origins"].values()]
            present = urlsplit(settings["presentOrigin"] or "").netloc
            yield each, served, origins, present


RULES: tuple[Rule, ...] = (
    fronts_keep_no_answer,
    fronts_send_all_but_their_host,
    fronts_take_https_only,
    fronts_block_other_paths,
    fronts_ask_known_origins_only,
    fronts_share_out_only_with_a_second_side,
    fronts_log_no_tokens,
)
