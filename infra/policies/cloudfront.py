"""Rules on distributions of CloudFront."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.output import Unknown

from infra.catalog.cdn import PUBLIC_PATH
from infra.policies.resources import Finding, Registered, Resources, Rule

DISTRIBUTION = "cloudfront/distribution:Distribution"
FUNCTION = "cloudfront/function:Function"
CACHE_POLICY = "cloudfront/cachePolicy:CachePolicy"
HEADERS_POLICY = "cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"

MODERN_TLS = {"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}
"""Security policies without TLS 1.0, TLS 1.1 and CBC ciphers (CloudFront developer
guide, "Supported protocols and ciphers")."""

ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
"""Id of the managed origin request policy AllViewer, which sends the viewer's Host."""


def distributions_ask_for_modern_tls(resources: Resources) -> Iterator[Finding]:
    """Find distributions that accept outdated encryption."""
    for each in resources.of(DISTRIBUTION):
        version = each.get("viewerCertificate").get("minimumProtocolVersion")
        if version not in MODERN_TLS:
            what = f"viewers may use {version or 'TLSv1'}; ask for TLSv1.2_2021"
            yield each.finding(distributions_ask_for_modern_tls, what)


def origins_speak_https(resources: Resources) -> Iterator[Finding]:
    """Find origins that are asked in plain text, or with outdated encryption."""
    for each in resources.of(DISTRIBUTION):
        for origin in each.get("origins"):
            config = origin.get("customOriginConfig") or {}
            protocols = config.get("originSslProtocols")
            if config.get("originProtocolPolicy") != "https-only" or protocols != [
                "TLSv1.2"
            ]:
                what = f"{origin['domainName']} is not asked by HTTPS with TLSv1.2 only"
                yield each.finding(origins_speak_https, what)


def images_only_are_served(resources: Resources) -> Iterator[Finding]:
    """Find distributions of public images that hand other paths on to Supabase."""
    for each in _of_images(resources):
        if not _is_refused(resources, each.get("defaultCacheBehavior")):
            yield each.finding(
                images_only_are_served,
                "the default behaviour is an open proxy to the REST API and Auth of the"
                " project; a viewer-request function must answer it with 404",
            )
        for behavior in each.get("orderedCacheBehaviors"):
            if _has_function(behavior) and not _is_refused(resources, behavior):
                what = f"{behavior['pathPattern']}: its function does not answer 404"
                yield each.finding(images_only_are_served, what)


def origins_see_their_own_host(resources: Resources) -> Iterator[Finding]:
    """Find behaviours that send the viewer's Host, or anything, to Supabase."""
    images = list(_of_images(resources))
    for each in resources.of(DISTRIBUTION):
        for behavior in _behaviors(each):
            policy = behavior.get("originRequestPolicyId")
            if policy == ALL_VIEWER or (policy and each in images):
                what = f"origin request policy {policy}: Supabase would refuse the Host"
                yield each.finding(origins_see_their_own_host, what)
            if behavior.get("forwardedValues"):
                what = "forwardedValues replaces the cache policy, TTLs included"
                yield each.finding(origins_see_their_own_host, what)
    for each in resources.of(CACHE_POLICY):
        parameters = each.get("parametersInCacheKeyAndForwardedToOrigin")
        headers = parameters["headersConfig"].get("headers") or {}
        if "host" in {header.lower() for header in headers.get("items") or []}:
            what = "the Host header is part of the key, and so sent to the origin"
            yield each.finding(origins_see_their_own_host, what)


def lifetimes_are_exact(resources: Resources) -> Iterator[Finding]:
    """Find cache policies that let the origin decide."""
    for each in resources.of(CACHE_POLICY):
        lifetimes = [each.get(key) for key in ("minTtl", "defaultTtl", "maxTtl")]
        if None in lifetimes or len(set(lifetimes)) != 1:
            what = (
                f"minimum, default and maximum TTL are {lifetimes}: they must be equal,"
                " else Supabase's no-cache decides"
            )
            yield each.finding(lifetimes_are_exact, what)


def callers_cannot_fill_the_cache(resources: Resources) -> Iterator[Finding]:
    """Find cache policies whose key has what any caller may choose."""
    for each in resources.of(CACHE_POLICY):
        parameters = each.get("parametersInCacheKeyAndForwardedToOrigin")
        query = parameters["queryStringsConfig"]["queryStringBehavior"]
        cookies = parameters["cookiesConfig"]["cookieBehavior"]
        is_open = query not in {"none", "whitelist"} or cookies != "none"
        if each.get("maxTtl") != 0 and is_open:
            what = f"query strings {query}, cookies {cookies}: each caller adds copies"
            yield each.finding(callers_cannot_fill_the_cache, what)


def images_run_no_scripts(resources: Resources) -> Iterator[Finding]:
    """Find images that a browser would run scripts of, on the app's own domain."""
    for each in _of_images(resources):
        for behavior in each.get("orderedCacheBehaviors"):
            # Where a function answers no image is served: `images_only_are_served`.
            is_bare = not behavior.get("responseHeadersPolicyId")
            if is_bare and not _has_function(behavior):
                what = f"{behavior['pathPattern']}: no response headers policy"
                yield each.finding(images_run_no_scripts, what)
    for each in resources.of(HEADERS_POLICY):
        security = each.get("securityHeadersConfig") or {}
        content = security.get("contentSecurityPolicy") or {}
        is_sandboxed = "sandbox" in content.get("contentSecurityPolicy", "")
        if _is_public(each) and not (
            is_sandboxed and security.get("contentTypeOptions")
        ):
            what = "an uploaded SVG may run scripts: CSP sandbox and nosniff are needed"
            yield each.finding(images_run_no_scripts, what)


def _behaviors(distribution: Registered) -> list[Mapping[str, Any]]:
    """Give all behaviours of a distribution."""
    ordered = distribution.get("orderedCacheBehaviors") or []
    return [distribution.get("defaultCacheBehavior"), *ordered]


def _of_images(resources: Resources) -> Iterator[Registered]:
    """Give the distributions that serve public objects of Supabase."""
    for each in resources.of(DISTRIBUTION):
        ordered = each.get("orderedCacheBehaviors") or []
        if any(found["pathPattern"].startswith(PUBLIC_PATH) for found in ordered):
            yield each


def _has_function(behavior: Mapping[str, Any]) -> bool:
    """Whether a function sees each request first."""
    return bool(_functions(behavior))


def _functions(behavior: Mapping[str, Any]) -> list[Any]:
    """Give the functions that see each request first."""
    return [
        found["functionArn"]
        for found in behavior.get("functionAssociations") or []
        if found["eventType"] == "viewer-request"
    ]


def _is_refused(resources: Resources, behavior: Mapping[str, Any]) -> bool:
    """Whether a behaviour answers with 404 and asks no origin."""
    return any(_refuses(resources, arn) for arn in _functions(behavior))


def _refuses(resources: Resources, arn: object) -> bool:
    """Whether a function answers with 404 and never lets a request pass."""
    if isinstance(arn, Unknown):
        return True
    function = resources.find(FUNCTION, arn=arn)
    code = function.get("code") if function else ""
    return "statusCode: 404" in code and "event.request" not in code


def _is_public(policy: Registered) -> bool:
    """Whether a response headers policy lets everybody keep the responses."""
    custom = (policy.get("customHeadersConfig") or {}).get("items") or []
    return any(
        found["header"].lower() == "cache-control" and "public" in found["value"]
        for found in custom
    )


RULES: tuple[Rule, ...] = (
    distributions_ask_for_modern_tls,
    origins_speak_https,
    images_only_are_served,
    origins_see_their_own_host,
    lifetimes_are_exact,
    callers_cannot_fill_the_cache,
    images_run_no_scripts,
)
