"""A certificate of ACM that CloudFront takes, proved by DNS."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.dns_record import DnsRecord, DnsRecordArgs
from infra.config_values import ConfigError
from infra.edge_accounts import CERTIFICATE_REGION, EdgeAccounts, missing_certificate

MINIMUM_TLS = "TLSv1.2_2021"
"""A security policy without TLS 1.0, TLS 1.1 and CBC ciphers (CloudFront developer
guide, "Supported protocols and ciphers")."""

VALIDATION_TIMEOUT = "15m"
"""ACM needs minutes once the record can be seen. Longer means that the zone is not the
one that the domain is delegated to; the provider's own limit is 75 minutes."""


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """Inputs of `Certificate`.

    Attributes:
        domain: The only host name that it covers.
        accounts: Where the domain's records are, or a certificate that is there.
    """

    domain: str
    accounts: EdgeAccounts


class Certificate(pulumi.ComponentResource):
    """The certificate given, else one that ACM issues as soon as DNS proves the domain.

    Attributes:
        arn: ARN of a certificate that is issued.
    """

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: CertificateArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:Certificate", name, None, opts)
        if args.accounts.certificate_arn:
            self.arn = pulumi.Output.from_input(args.accounts.certificate_arn)
        elif args.accounts.has_dns:
            self.arn = _issued(name, args, self)
        else:
            what = missing_certificate(args.domain)
            raise ConfigError(f"kiloscale:certificateArn: {what}")
        self.register_outputs({"arn": self.arn})


def viewer_certificate(
    arn: pulumi.Input[str],
) -> aws.cloudfront.DistributionViewerCertificateArgsDict:
    """Show a certificate to viewers, with `MINIMUM_TLS`."""
    return {
        "acm_certificate_arn": arn,
        "minimum_protocol_version": MINIMUM_TLS,
        "ssl_support_method": "sni-only",
    }


def _issued(
    name: str, args: CertificateArgs, parent: Certificate
) -> pulumi.Output[str]:
    """Ask for a certificate and prove the domain; give its ARN once it is issued."""
    child = pulumi.ResourceOptions(parent=parent)
    certificate = aws.acm.Certificate(
        name,
        domain_name=args.domain,
        validation_method="DNS",
        region=CERTIFICATE_REGION,
        opts=child,
    )
    proof = certificate.domain_validation_options[0]
    # Cloudflare stores names without the last dot and would show a change each time.
    record_name = proof.resource_record_name.apply(_without_dot)
    record = DnsRecord(
        f"{name}-proof",
        DnsRecordArgs(
            accounts=args.accounts,
            domain=record_name,
            target=proof.resource_record_value.apply(_without_dot),
        ),
        child,
    )
    validated = aws.acm.CertificateValidation(
        f"{name}-issued",
        certificate_arn=certificate.arn,
        validation_record_fqdns=[record_name],
        region=CERTIFICATE_REGION,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[record],
            custom_timeouts=pulumi.CustomTimeouts(create=VALIDATION_TIMEOUT),
        ),
    )
    return validated.certificate_arn


def _without_dot(name: str | None) -> str:
    """Write a name without the dot of the root."""
    return (name or "").removesuffix(".")
