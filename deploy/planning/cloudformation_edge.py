"""Recorded inputs of the edge as CloudFormation properties."""

from collections.abc import Mapping
from typing import Any

from infra.policies.resources import Registered

KINDS = {
    "aws:acm/certificate:Certificate": "AWS::CertificateManager::Certificate",
    "aws:cloudfront/cachePolicy:CachePolicy": "AWS::CloudFront::CachePolicy",
    "aws:cloudfront/distribution:Distribution": "AWS::CloudFront::Distribution",
    "aws:cloudfront/function:Function": "AWS::CloudFront::Function",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        "AWS::CloudFront::ResponseHeadersPolicy"
    ),
    "aws:route53/record:Record": "AWS::Route53::RecordSet",
}
# It waits, and makes nothing.
NOT_IN_CLOUDFORMATION = {"aws:acm/certificateValidation:CertificateValidation"}

WRAPPERS = {
    "aws:cloudfront/cachePolicy:CachePolicy": "CachePolicyConfig",
    "aws:cloudfront/distribution:Distribution": "DistributionConfig",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        "ResponseHeadersPolicyConfig"
    ),
}
"""The one property that holds all the others."""

NAMES = {
    "aliases": "Aliases",
    "defaultTtl": "DefaultTTL",
    "errorCachingMinTtl": "ErrorCachingMinTTL",
    "functionArn": "FunctionARN",
    "httpPort": "HTTPPort",
    "httpsPort": "HTTPSPort",
    "isIpv6Enabled": "IPV6Enabled",
    "maxTtl": "MaxTTL",
    "minTtl": "MinTTL",
    "orderedCacheBehaviors": "CacheBehaviors",
    "originId": "Id",
    "originSslProtocols": "OriginSSLProtocols",
    "records": "ResourceRecords",
    "ttl": "TTL",
}
"""Where a name is not that of Pulumi with a capital."""

LEFT_OUT = {"region", "waitForDeployment"}
"""What is Pulumi's own, or belongs to the request."""


def properties(resource: Registered) -> dict[str, Any]:
    """Write a resource's inputs in CloudFormation's names."""
    given = {key: resource.get(key) for key in resource.inputs if key not in LEFT_OUT}
    if resource.type == "aws:cloudfront/function:Function":
        config = {key: given.pop(key) for key in ("comment", "runtime")}
        given = {
            "name": given["name"],
            "autoPublish": given["publish"],
            "functionCode": given["code"],
            "functionConfig": config,
        }
    if resource.type == "aws:route53/record:Record":
        given["hostedZoneId"] = given.pop("zoneId")
        for alias in given.pop("aliases", []):
            health = alias["evaluateTargetHealth"]
            given["aliasTarget"] = {
                "DNSName": alias["name"],
                "HostedZoneId": alias["zoneId"],
                "EvaluateTargetHealth": health,
            }
    written: dict[str, Any] = _value(given)
    wrapper = WRAPPERS.get(resource.type)
    return {wrapper: written} if wrapper else written


def _value(value: Any) -> Any:
    """Write one value, and all that it holds, as CloudFormation has it."""
    if isinstance(value, Mapping):
        return {
            NAMES.get(key, key[0].upper() + key[1:]): (
                # A list there, a list in an object here.
                _value(item["items"]) if key == "queryStrings" else _value(item)
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_value(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
