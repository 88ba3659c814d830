"""The CDN at CloudFront."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.catalog.cdn import EDGE_RULES, NOT_FOUND_TTL_S
from infra.catalog.cdn_modes import CLOUDFRONT
from infra.cdn_config import CdnConfig
from infra.components.certificate import (
    Certificate,
    CertificateArgs,
    viewer_certificate,
)
from infra.components.cloudfront_policies import cache_policy, response_headers_policy
from infra.components.dns_record import DnsRecord, DnsRecordArgs
from infra.edge import path_patterns
from infra.edge_accounts import EdgeAccounts

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""Id of the managed policy CachingDisabled (CloudFront developer guide, "Use managed
cache policies"). The default behaviour has it, and answers without the origin."""

ORIGIN = "supabase"
PRICE_CLASS = "PriceClass_100"
"""North America and Europe: the cheapest locations."""

REFUSE = Path(__file__).parents[1] / "edge" / "refuse.js"

CLIENT_ERRORS = (400, 403, 404, 414, 416)
SERVER_ERRORS = (500, 501, 502, 503, 504)
SERVER_ERROR_TTL_S = 10
"""CloudFront's own default: a broken origin is asked again soon, and not by everybody.
An expired copy is served meanwhile."""

COMMON: dict[str, Any] = {
    "target_origin_id": ORIGIN,
    "viewer_protocol_policy": "redirect-to-https",
    "allowed_methods": ["GET", "HEAD"],
    "cached_methods": ["GET", "HEAD"],
    "compress": True,
}
"""No origin request policy: nothing of the viewer reaches Supabase, and the Host header
is the origin's. With the viewer's Host Supabase's edge would refuse each request."""


@dataclass(frozen=True, kw_only=True)
class CloudFrontCdnArgs:
    """Inputs of `CloudFrontCdn`.

    Attributes:
        physical_name: Start of the names on AWS, which are unique in an account.
        config: The mode ``cloudfront``, with what it needs.
        accounts: Where the certificate and the name come from.
    """

    physical_name: str
    config: CdnConfig
    accounts: EdgeAccounts

    def __post_init__(self) -> None:
        """Refuse a mode of somebody else."""
        if self.config.mode != CLOUDFRONT:
            raise ValueError(f"mode must be {CLOUDFRONT}, got {self.config.mode}")


class CloudFrontCdn(pulumi.ComponentResource):
    """Public images behind a distribution.

    Attributes:
        base_url: What replaces the project's URL in the images' addresses.
        target: Host name of the distribution, at which the domain must point.
    """

    base_url: pulumi.Output[str]
    target: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: CloudFrontCdnArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:CloudFrontCdn", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        certificate = Certificate(
            f"{name}-certificate",
            CertificateArgs(domain=args.config.domain, accounts=args.accounts),
            child,
        )
        refuse = _refuse(name, args, child)
        distribution = aws.cloudfront.Distribution(
            name,
            enabled=True,
            comment=args.physical_name,
            aliases=[args.config.domain],
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=PRICE_CLASS,
            origins=[_origin(args.config.origin_host)],
            default_cache_behavior=_refusal(refuse),
            ordered_cache_behaviors=_behaviors(name, args, refuse, child),
            custom_error_responses=_errors(),
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate=viewer_certificate(certificate.arn),
            # Else each update waits 5 to 15 minutes for every location.
            wait_for_deployment=False,
            opts=child,
        )
        if args.accounts.has_dns:
            record = DnsRecordArgs(
                accounts=args.accounts,
                domain=args.config.domain,
                target=distribution.domain_name,
                alias_zone_id=distribution.hosted_zone_id,
            )
            DnsRecord(f"{name}-domain", record, child)

        self.base_url = pulumi.Output.from_input(args.config.base_url)
        self.target = distribution.domain_name
        self.register_outputs({"baseUrl": self.base_url, "target": self.target})


def _origin(host: str) -> aws.cloudfront.DistributionOriginArgsDict:
    """Describe the Supabase project."""
    return {
        "origin_id": ORIGIN,
        "domain_name": host,
        "custom_origin_config": {
            "http_port": 80,
            "https_port": 443,
            "origin_protocol_policy": "https-only",
            "origin_ssl_protocols": ["TLSv1.2"],
        },
    }


def refusal_name(physical_name: str) -> str:
    """Name the function that answers every path that no rule covers."""
    return f"{physical_name}-refuse"


def _refuse(
    name: str, args: CloudFrontCdnArgs, opts: pulumi.ResourceOptions
) -> aws.cloudfront.Function:
    """Make what answers without asking the origin."""
    return aws.cloudfront.Function(
        f"{name}-refuse",
        name=refusal_name(args.physical_name),
        comment="Kiloscale: 404 for what is no public image",
        runtime="cloudfront-js-2.0",
        publish=True,
        code=REFUSE.read_text(encoding="utf-8"),
        opts=opts,
    )


def _refusal(
    refuse: aws.cloudfront.Function,
) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgs:
    """Answer every path that no rule covers."""
    return aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
        **COMMON,
        cache_policy_id=CACHING_DISABLED,
        function_associations=[
            aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs(
                event_type="viewer-request", function_arn=refuse.arn
            )
        ],
    )


def _behaviors(
    name: str,
    args: CloudFrontCdnArgs,
    refuse: aws.cloudfront.Function,
    opts: pulumi.ResourceOptions,
) -> list[aws.cloudfront.DistributionOrderedCacheBehaviorArgs]:
    """Make one behaviour for each pattern, and one policy for each lifetime."""
    lifetimes = {
        ttl_s: cache_policy(
            f"{name}-{ttl_s}", f"{args.physical_name}-{ttl_s}", ttl_s, opts
        )
        for ttl_s in sorted({rule.edge_ttl_s for rule in EDGE_RULES})
    }
    headers = {
        ttl_s: response_headers_policy(
            f"{name}-browser-{ttl_s}",
            f"{args.physical_name}-browser-{ttl_s}",
            ttl_s,
            opts,
        )
        for ttl_s in sorted({rule.browser_ttl_s for rule in EDGE_RULES})
    }
    return [
        aws.cloudfront.DistributionOrderedCacheBehaviorArgs(
            **COMMON,
            path_pattern=each.pattern,
            cache_policy_id=lifetimes[each.rule.edge_ttl_s].id,
            response_headers_policy_id=headers[each.rule.browser_ttl_s].id,
        )
        if each.rule
        else aws.cloudfront.DistributionOrderedCacheBehaviorArgs(
            **COMMON,
            path_pattern=each.pattern,
            cache_policy_id=CACHING_DISABLED,
            function_associations=[
                aws.cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArgs(
                    event_type="viewer-request", function_arn=refuse.arn
                )
            ],
        )
        for each in path_patterns.render()
    ]


def _errors() -> list[aws.cloudfront.DistributionCustomErrorResponseArgsDict]:
    """Say how long CloudFront remembers that the origin refused."""
    lifetimes = dict.fromkeys(CLIENT_ERRORS, NOT_FOUND_TTL_S)
    lifetimes |= dict.fromkeys(SERVER_ERRORS, SERVER_ERROR_TTL_S)
    return [
        {"error_code": code, "error_caching_min_ttl": ttl_s}
        for code, ttl_s in sorted(lifetimes.items())
    ]
