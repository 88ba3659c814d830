"""The front of the functions on CloudFront: one distribution before all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from infra.catalog.front import timeouts_s
from infra.components.certificate import (
    Certificate,
    CertificateArgs,
    viewer_certificate,
)
from infra.components.dns_record import DnsRecord, DnsRecordArgs
from infra.edge.front_code import request_code, response_code
from infra.edge_accounts import EdgeAccounts
from infra.front_config import FrontConfig

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""The managed cache policy CachingDisabled."""

ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""The managed origin request policy AllViewerExceptHostHeader: a function URL and
Supabase are told by their own host names and refuse any other."""

PRESENT = "present"
"""Id of the origin of the present functions."""

READ_TIMEOUT_MAX_S = 60
"""Longest wait for an origin without a raised quota (CloudFront developer guide,
"Quotas", "Response timeout per origin")."""

ERROR_CODES = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""Statuses that CloudFront keeps for 10 s although caching is disabled, unless it is
told not to: one user's 404 would be the next one's (CloudFront developer guide, "Error
caching minimum TTL")."""

RUNTIME = "cloudfront-js-2.0"
METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


@dataclass(frozen=True, kw_only=True)
class ApiFrontCloudFrontArgs:
    """Inputs of `ApiFrontCloudFront`.

    Attributes:
        physical_name: Start of the names of its functions, which an account has once.
        accounts: The certificate, or the zone that proves one; the zone of the name.
        front: Host name, share of users and the present functions.
        function_urls: Function URLs by name of the route, e.g. ``chat-send``.
    """

    physical_name: str
    accounts: EdgeAccounts
    front: FrontConfig
    function_urls: Mapping[str, pulumi.Input[str]]


class ApiFrontCloudFront(pulumi.ComponentResource):
    """A distribution whose function chooses the origin of each request.

    Every origin is there at any share: a change of the share is a change of the
    functions alone, which CloudFront publishes in seconds and not in minutes.

    Attributes:
        base_url: What the app calls, ``https://<domain>/functions/v1``.
        target: What the host name must point at.
    """

    base_url: pulumi.Output[str]
    target: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ApiFrontCloudFrontArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:ApiFrontCloudFront", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        routing = args.front.routing
        certificate = Certificate(
            f"{name}-certificate",
            CertificateArgs(domain=args.front.domain, accounts=args.accounts),
            child,
        )
        request = _function(f"{name}-request", args, request_code(routing), child)
        response = _function(f"{name}-response", args, response_code(routing), child)
        distribution = aws.cloudfront.Distribution(
            name,
            comment=args.physical_name,
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            aliases=[args.front.domain],
            origins=_origins(args),
            default_cache_behavior=_behavior(args, request, response),
            custom_error_responses=[
                {"error_code": code, "error_caching_min_ttl": 0} for code in ERROR_CODES
            ],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate=viewer_certificate(certificate.arn),
            # Else an update stands still for up to a quarter of an hour.
            wait_for_deployment=False,
            opts=child,
        )

        self.base_url = distribution.domain_name.apply(lambda _: args.front.base_url)
        self.target = distribution.domain_name
        if args.accounts.has_dns:
            _record(f"{name}-record", args, distribution, child)
        self.register_outputs({"base_url": self.base_url, "target": self.target})


def _function(
    name: str, args: ApiFrontCloudFrontArgs, code: str, opts: pulumi.ResourceOptions
) -> aws.cloudfront.Function:
    """Declare one function of the front."""
    return aws.cloudfront.Function(
        name,
        name=f"{args.physical_name}-{name.rpartition('-')[2]}",
        runtime=RUNTIME,
        comment=f"Kiloscale: {args.front.domain}, what answers a request",
        code=code,
        publish=True,
        opts=opts,
    )


def _origins(
    args: ApiFrontCloudFrontArgs,
) -> list[aws.cloudfront.DistributionOriginArgs]:
    """Give an origin for each function, and one for the present functions."""
    hosts: dict[str, pulumi.Input[str]] = {
        name: pulumi.Output.from_input(url).apply(lambda each: urlsplit(each).netloc)
        for name, url in args.function_urls.items()
    }
    if args.front.present:
        hosts[PRESENT] = args.front.present_host
    waits = timeouts_s()
    return [
        aws.cloudfront.DistributionOriginArgs(
            origin_id=name,
            domain_name=host,
            custom_origin_config=aws.cloudfront.DistributionOriginCustomOriginConfigArgs(
                http_port=80,
                https_port=443,
                origin_protocol_policy="https-only",
                origin_ssl_protocols=["TLSv1.2"],
                origin_read_timeout=min(waits[name], READ_TIMEOUT_MAX_S),
            ),
        )
        for name, host in hosts.items()
    ]


def _behavior(
    args: ApiFrontCloudFrontArgs,
    request: aws.cloudfront.Function,
    response: aws.cloudfront.Function,
) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgs:
    """Give the one behavior: nothing is kept, and the function sees every request."""
    association = aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs
    return aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
        # Never used: the function chooses an origin or answers itself.
        target_origin_id=next(iter(args.function_urls)),
        viewer_protocol_policy="https-only",
        allowed_methods=METHODS,
        cached_methods=["GET", "HEAD"],
        cache_policy_id=CACHING_DISABLED,
        origin_request_policy_id=ALL_VIEWER_EXCEPT_HOST,
        function_associations=[
            association(event_type="viewer-request", function_arn=request.arn),
            association(event_type="viewer-response", function_arn=response.arn),
        ],
    )


def _record(
    name: str,
    args: ApiFrontCloudFrontArgs,
    distribution: aws.cloudfront.Distribution,
    opts: pulumi.ResourceOptions,
) -> None:
    """Point the host name at the distribution."""
    record = DnsRecordArgs(
        accounts=args.accounts,
        domain=args.front.domain,
        target=distribution.domain_name,
        alias_zone_id=distribution.hosted_zone_id,
    )
    DnsRecord(name, record, opts)
