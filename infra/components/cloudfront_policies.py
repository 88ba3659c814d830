"""What CloudFront keys on, how long it keeps, and which headers viewers get."""

import pulumi
import pulumi_aws as aws

from infra.catalog.cdn import CONTENT_SECURITY_POLICY, QUERY_PARAMETERS

REMOVED_HEADERS = (
    *("cf-cache-status", "cf-ray", "set-cookie", "vary"),
    *("x-robots-tag", "alt-svc", "nel", "report-to"),
)
"""What Supabase's own CDN adds: it would look like ours, or keep images out of search
results (``x-robots-tag: none``)."""


def cache_policy(
    name: str, physical_name: str, ttl_s: int, opts: pulumi.ResourceOptions
) -> aws.cloudfront.CachePolicy:
    """Keep objects for exactly so long, whatever the origin says.

    With equal minimum, default and maximum even ``no-cache`` is overridden (CloudFront
    developer guide, "Managing how long content stays in the cache").

    Args:
        name: Name in the program.
        physical_name: Name on AWS; it must be unique in the account.
        ttl_s: How long, in seconds.
        opts: Options of the resource.
    """
    return aws.cloudfront.CachePolicy(
        name,
        name=physical_name,
        comment=f"Kiloscale: public images, exactly {ttl_s} s",
        min_ttl=ttl_s,
        default_ttl=ttl_s,
        max_ttl=ttl_s,
        parameters_in_cache_key_and_forwarded_to_origin={
            "cookies_config": {"cookie_behavior": "none"},
            "headers_config": {"header_behavior": "none"},
            # With all of them each caller could fill the cache and the egress.
            "query_strings_config": {
                "query_string_behavior": "whitelist",
                "query_strings": {"items": list(QUERY_PARAMETERS)},
            },
            "enable_accept_encoding_brotli": True,
            "enable_accept_encoding_gzip": True,
        },
        opts=opts,
    )


def cache_control(browser_ttl_s: int) -> str:
    """Write the ``Cache-Control`` that viewers get."""
    return f"public, max-age={browser_ttl_s}"


def response_headers_policy(
    name: str, physical_name: str, browser_ttl_s: int, opts: pulumi.ResourceOptions
) -> aws.cloudfront.ResponseHeadersPolicy:
    """Give browsers a lifetime of their own, and scripts in images none.

    Args:
        name: Name in the program.
        physical_name: Name on AWS; it must be unique in the account.
        browser_ttl_s: How long a browser keeps an object, in seconds.
        opts: Options of the resource.
    """
    return aws.cloudfront.ResponseHeadersPolicy(
        name,
        name=physical_name,
        comment=f"Kiloscale: public images, {browser_ttl_s} s in browsers",
        custom_headers_config={
            "items": [
                {
                    "header": "Cache-Control",
                    "value": cache_control(browser_ttl_s),
                    "override": True,
                }
            ]
        },
        remove_headers_config={
            "items": [{"header": header} for header in REMOVED_HEADERS]
        },
        cors_config={
            "access_control_allow_credentials": False,
            "access_control_allow_headers": {"items": ["*"]},
            "access_control_allow_methods": {"items": ["GET", "HEAD"]},
            "access_control_allow_origins": {"items": ["*"]},
            "origin_override": True,
        },
        security_headers_config={
            "content_type_options": {"override": True},
            "content_security_policy": {
                "content_security_policy": CONTENT_SECURITY_POLICY,
                "override": True,
            },
        },
        opts=opts,
    )
