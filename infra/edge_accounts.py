"""Where names and certificates of the edge are made: Cloudflare or Route 53."""

import re
from dataclasses import dataclass
from typing import Self

from infra.config_values import Values

CERTIFICATE_REGION = "us-east-1"
"""The only region whose certificates CloudFront takes (CloudFront developer guide,
"Requirements for using SSL/TLS certificates with CloudFront")."""

CLOUDFLARE_ID = re.compile(r"[0-9a-f]{32}")
ROUTE53_ID = re.compile(r"Z[0-9A-Z]{7,31}")
CERTIFICATE = re.compile(
    r"arn:aws[a-z-]*:acm:(?P<region>[a-z0-9-]+):\d{12}:certificate/[0-9a-f-]{36}"
)
DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
"""A host name as DNS has it (RFC 1035, 2.3.4), in lower case, with a top level."""

CERTIFICATE_KEYS = ("certificateArn", "cloudflareZoneId", "route53ZoneId")


@dataclass(frozen=True, kw_only=True)
class EdgeAccounts:
    """The accounts that the edge is made in; each value is empty where there is none.

    Attributes:
        cloudflare_account_id: Account of the Worker, 32 hexadecimal digits.
        cloudflare_zone_id: Zone at Cloudflare that holds the domains, as long.
        route53_zone_id: Hosted zone of Route 53 that holds the domains, ``Z...``.
        certificate_arn: A certificate of ACM in us-east-1 that covers the domains.
    """

    cloudflare_account_id: str = ""
    cloudflare_zone_id: str = ""
    route53_zone_id: str = ""
    certificate_arn: str = ""

    @property
    def has_certificate(self) -> bool:
        """Whether a certificate is given, or can be proved by DNS."""
        return bool(self.certificate_arn or self.has_dns)

    @property
    def has_dns(self) -> bool:
        """Whether records of the domains can be made."""
        return bool(self.cloudflare_zone_id or self.route53_zone_id)

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read and check the accounts of a stack."""
        found = cls(
            cloudflare_account_id=values.text(
                "cloudflareAccountId", "", check=cloudflare_id
            ),
            cloudflare_zone_id=values.text("cloudflareZoneId", "", check=cloudflare_id),
            route53_zone_id=values.text("route53ZoneId", "", check=route53_id),
            certificate_arn=values.text("certificateArn", "", check=certificate),
        )
        if found.cloudflare_zone_id and found.route53_zone_id:
            values.problem(
                "route53ZoneId",
                "must not stand beside cloudflareZoneId: one of them holds the domain's"
                " records; run `pulumi config rm` with the other key",
            )
        return found

    def require_certificate(self, values: Values, reader: str) -> None:
        """Note a problem unless a certificate is given or can be made.

        Args:
            values: Where the problem is noted.
            reader: What needs it, e.g. ``cdn cloudfront``.
        """
        if not self.has_certificate:
            values.problem("certificateArn", missing_certificate(reader))


def missing_certificate(reader: str) -> str:
    """Say what is needed for a certificate."""
    return (
        f"missing, and {reader} needs a certificate: give one of ACM in"
        f" {CERTIFICATE_REGION}, or cloudflareZoneId or route53ZoneId to have one made"
        " and proved by DNS; run `pulumi config set certificateArn ...`"
    )


def cloudflare_id(value: str) -> str | None:
    """Refuse what is not an id of Cloudflare."""
    if CLOUDFLARE_ID.fullmatch(value):
        return None
    return (
        f"must have 32 hexadecimal digits in lower case, got {value}; the zone's"
        " Overview page in the Cloudflare dashboard shows it"
    )


def route53_id(value: str) -> str | None:
    """Refuse what is not the id of a hosted zone."""
    if ROUTE53_ID.fullmatch(value):
        return None
    return f"must be a hosted zone's id, Z..., got {value}"


def certificate(value: str) -> str | None:
    """Refuse what is not a certificate that CloudFront can use."""
    found = CERTIFICATE.fullmatch(value)
    if not found:
        return f"must be an ARN, arn:aws:acm:{CERTIFICATE_REGION}:..., got {value}"
    if found["region"] != CERTIFICATE_REGION:
        return (
            f"must be in {CERTIFICATE_REGION}, got {found['region']}: CloudFront takes"
            " certificates of no other region"
        )
    return None


def domain(value: str) -> str | None:
    """Refuse what is not a host name of the app's own."""
    if not DOMAIN.fullmatch(value):
        return f"must be a host name in lower case, cdn.example.com, got {value}"
    if value.endswith((".supabase.co", ".cloudfront.net", ".workers.dev")):
        return f"must be in a domain of yours, got {value}"
    return None
