"""Asks CloudFront for the distribution that serves a stack's images; reads only."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy import account
from deploy.cdn.edge import Edge
from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.drift.findings import GONE, Difference, differs
from infra.components.certificate import MINIMUM_TLS
from infra.components.cloudfront_cdn import CACHING_DISABLED, REFUSE, refusal_name
from infra.components.cloudfront_policies import cache_control
from infra.edge import path_patterns
from infra.edge.path_patterns import PathPattern

PART = "cdn"
VIEWER_REQUEST = "viewer-request"

Found = Mapping[str, Any]


def look(deployment: Deployment, edge: Edge, remedy: str) -> Iterator[Result]:
    """Yield what differs from what the renderers write.

    Raises:
        DeployError: AWS does not answer, or refuses.
    """
    cloudfront = account.client(deployment, "cloudfront")
    with account.explained(deployment, f"the distribution of {edge.config.domain}"):
        for name, resource, differences in _parts(cloudfront, edge):
            if differences:
                yield differs(PART, name, resource, differences, remedy)


Compared = Iterator[tuple[str, str, list[Difference]]]


def _parts(cloudfront: Any, edge: Edge) -> Compared:
    """Compare the distribution, what it refuses, and each of its behaviours."""
    known = distribution(cloudfront, edge.config.domain)
    if known is None:
        yield "distribution", f"distribution of {edge.config.domain}", [GONE]
        return
    config = cloudfront.get_distribution_config(Id=known)["DistributionConfig"]
    resource = f"distribution {known}"
    yield "distribution", resource, list(_general(config, edge))
    refused = list(_refusal(cloudfront, config, edge))
    yield "refusal", f"what {resource} refuses", refused
    behaviors = _items(config, "CacheBehaviors")
    yield from _behaviors(cloudfront, edge, resource, behaviors)


def _behaviors(
    cloudfront: Any, edge: Edge, resource: str, behaviors: Sequence[Found]
) -> Compared:
    """Compare the behaviours, of which the first that matches counts."""
    found = {each["PathPattern"]: each for each in behaviors}
    wanted = [each.pattern for each in path_patterns.render()]
    for number, declared in enumerate(path_patterns.render(), 1):
        here = found.get(declared.pattern)
        rule = declared.rule.name if declared.rule else f"refused-{number}"
        name = f"{rule}{declared.pattern.rpartition('*')[2] if declared.rule else ''}"
        about = f"behaviour {declared.pattern} of {resource}"
        compared = _behavior(cloudfront, edge, declared, here) if here else [GONE]
        yield name, about, list(compared)
    if list(found) != wanted and sorted(found) == sorted(wanted):
        moved = Difference(name="order", declared=wanted, found=list(found))
        yield "order", f"behaviours of {resource}", [moved]
    for pattern in found.keys() - set(wanted):
        more = Difference(name="PathPattern", declared=None, found=pattern)
        yield f"more-{pattern}", f"behaviours of {resource}", [more]


def distribution(cloudfront: Any, domain: str) -> str | None:
    """Find the id of the distribution that has a name; ``None`` if none has it."""
    for page in cloudfront.get_paginator("list_distributions").paginate():
        for each in page["DistributionList"].get("Items") or []:
            if domain in _items(each, "Aliases"):
                return str(each["Id"])
    return None


def _general(config: Found, edge: Edge) -> Iterator[Difference]:
    """Compare whom it asks, and how viewers reach it."""
    origins = _items(config, "Origins")
    asked = [each.get("CustomOriginConfig") or {} for each in origins]
    yield from _compared(
        {
            "Enabled": (True, config["Enabled"]),
            "Origins": (
                [edge.config.origin_host],
                [each["DomainName"] for each in origins],
            ),
            "OriginProtocolPolicy": (
                ["https-only"],
                [each.get("OriginProtocolPolicy") for each in asked],
            ),
            "MinimumProtocolVersion": (
                MINIMUM_TLS,
                config["ViewerCertificate"].get("MinimumProtocolVersion"),
            ),
        }
    )


def _refusal(cloudfront: Any, config: Found, edge: Edge) -> Iterator[Difference]:
    """Compare what answers every path that no rule covers."""
    name = refusal_name(edge.name)
    default = config["DefaultCacheBehavior"]
    yield from _refusing(default, edge)
    if _functions(default) == [name]:
        code = cloudfront.get_function(Name=name, Stage="LIVE")["FunctionCode"].read()
        if code != REFUSE.read_bytes():
            yield Difference(name="code", declared=REFUSE.name, found="other code")


def _refusing(behavior: Found, edge: Edge) -> Iterator[Difference]:
    """Compare a behaviour that has to answer without the origin."""
    yield from _compared(
        {
            "CachePolicyId": (CACHING_DISABLED, behavior.get("CachePolicyId")),
            "FunctionAssociations": ([refusal_name(edge.name)], _functions(behavior)),
        }
    )


def _functions(behavior: Found) -> list[str]:
    """Name the functions that answer in a behaviour's place."""
    return [
        each["FunctionARN"].rpartition("/")[2]
        for each in _items(behavior, "FunctionAssociations")
        if each["EventType"] == VIEWER_REQUEST
    ]


def _behavior(
    cloudfront: Any, edge: Edge, declared: PathPattern, found: Found
) -> Iterator[Difference]:
    """Compare how long CloudFront and browsers keep what a pattern covers."""
    if declared.rule is None:
        yield from _refusing(found, edge)
        return
    edge_s, browser_s = declared.rule.edge_ttl_s, declared.rule.browser_ttl_s
    yield from _compared(
        {
            "ViewerProtocolPolicy": (
                "redirect-to-https",
                found["ViewerProtocolPolicy"],
            ),
            "TTLs": ([edge_s] * 3, _lifetimes(cloudfront, found)),
            "Cache-Control": (
                cache_control(browser_s),
                _browser_lifetime(cloudfront, found),
            ),
        }
    )


def _lifetimes(cloudfront: Any, behavior: Found) -> list[int] | None:
    """Give minimum, default and maximum TTL in seconds; ``None`` without a policy."""
    policy = behavior.get("CachePolicyId")
    if not policy:
        return None
    found = cloudfront.get_cache_policy(Id=policy)["CachePolicy"]["CachePolicyConfig"]
    return [found[key] for key in ("MinTTL", "DefaultTTL", "MaxTTL")]


def _browser_lifetime(cloudfront: Any, behavior: Found) -> str | None:
    """Give the ``Cache-Control`` that viewers get; ``None`` without a policy."""
    policy = behavior.get("ResponseHeadersPolicyId")
    if not policy:
        return None
    found = cloudfront.get_response_headers_policy(Id=policy)["ResponseHeadersPolicy"]
    headers = _items(found["ResponseHeadersPolicyConfig"], "CustomHeadersConfig")
    values = [each["Value"] for each in headers if each["Header"] == "Cache-Control"]
    return values[0] if values else None


def _compared(pairs: Mapping[str, tuple[Any, Any]]) -> Iterator[Difference]:
    """Yield the pairs of declared and found that differ."""
    for name, (declared, found) in pairs.items():
        if declared != found:
            yield Difference(name=name, declared=declared, found=found)


def _items(found: Found, key: str) -> list[Any]:
    """Give the items of one of CloudFront's counted lists."""
    return list((found.get(key) or {}).get("Items") or [])
