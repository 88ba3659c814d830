"""What AWS would choose for resources of the edge."""

from collections.abc import Mapping
from typing import Any

CERTIFICATE_ID = "0c2c8f36-0000-4000-8000-00000000000b"
PROOF = "a79865eb4cd1a6ab990a45779b4e0b96"
DISTRIBUTION = "d111111abcdef8.cloudfront.net"
"""AWS's own example name."""

CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
"""Hosted zone of every distribution (Route 53 API reference, "AliasTarget")."""


def chosen(
    kind: str, named: str, inputs: Mapping[str, Any], account: str
) -> dict[str, Any]:
    """Give what AWS would choose; nothing for what is not of the edge.

    Args:
        kind: Type token.
        named: Physical name, else the name in the program.
        inputs: The resource's inputs.
        account: Account that the resources seem to be in.
    """
    if kind == "aws:acm/certificate:Certificate":
        domain, here = inputs["domainName"], inputs.get("region", "us-east-1")
        proof = {
            "domainName": domain,
            "resourceRecordName": f"_{PROOF}.{domain}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{PROOF}.acm-validations.aws.",
        }
        arn = f"arn:aws:acm:{here}:{account}:certificate/{CERTIFICATE_ID}"
        return {"arn": arn, "domainValidationOptions": [proof]}
    if kind == "aws:cloudfront/function:Function":
        return {"arn": f"arn:aws:cloudfront::{account}:function/{named}"}
    if kind == "aws:cloudfront/distribution:Distribution":
        arn = f"arn:aws:cloudfront::{account}:distribution/EDFDVBD632BHDS5"
        zone = {"domainName": DISTRIBUTION, "hostedZoneId": CLOUDFRONT_ZONE}
        return {"arn": arn, **zone}
    return {}
