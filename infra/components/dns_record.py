"""A name that points at another, in whichever zone holds the domain."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.edge_accounts import EdgeAccounts

TTL_S = 300
"""Short enough to move a name within minutes."""


@dataclass(frozen=True, kw_only=True)
class DnsRecordArgs:
    """Inputs of `DnsRecord`.

    Attributes:
        accounts: The zone that holds the domain.
        domain: The name.
        target: What it points at.
        alias_zone_id: Hosted zone of an AWS target, which Route 53 then answers for
            itself; ``None`` makes a CNAME.
        is_proxied: Whether Cloudflare answers for the name itself.
        is_kept: Whether the record at Cloudflare stays when the stack drops it.
    """

    accounts: EdgeAccounts
    domain: pulumi.Input[str]
    target: pulumi.Input[str]
    alias_zone_id: pulumi.Input[str] | None = None
    is_proxied: bool = False
    is_kept: bool = False


class DnsRecord(pulumi.ComponentResource):
    """A CNAME at Cloudflare or Route 53; at Route 53 an alias where AWS allows it.

    Attributes:
        domain: The name.
    """

    domain: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: DnsRecordArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:DnsRecord", name, None, opts)
        if args.accounts.cloudflare_zone_id:
            _at_cloudflare(name, args, self)
        elif args.alias_zone_id is not None:
            _aliases(name, args, args.alias_zone_id, self)
        else:
            aws.route53.Record(
                name,
                zone_id=args.accounts.route53_zone_id,
                name=args.domain,
                type="CNAME",
                ttl=TTL_S,
                records=[args.target],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.domain = pulumi.Output.from_input(args.domain)
        self.register_outputs({"domain": self.domain})


def _at_cloudflare(name: str, args: DnsRecordArgs, parent: DnsRecord) -> None:
    """Make the record at Cloudflare."""
    # Its import takes 6 s, so that only a stack with a zone there pays for it.
    import pulumi_cloudflare as cloudflare

    cloudflare.DnsRecord(
        name,
        zone_id=args.accounts.cloudflare_zone_id,
        name=args.domain,
        type="CNAME",
        content=args.target,
        # 1 is "automatic", the only TTL of a name that Cloudflare answers for itself.
        ttl=1 if args.is_proxied else TTL_S,
        proxied=args.is_proxied,
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=args.is_kept),
    )


def _aliases(
    name: str, args: DnsRecordArgs, alias_zone_id: pulumi.Input[str], parent: DnsRecord
) -> None:
    """Make the two aliases at Route 53: free of charge, and allowed for an apex."""
    for kind, family in (("A", "ipv4"), ("AAAA", "ipv6")):
        aws.route53.Record(
            f"{name}-{family}",
            zone_id=args.accounts.route53_zone_id,
            name=args.domain,
            type=kind,
            aliases=[
                {
                    "name": args.target,
                    "zone_id": alias_zone_id,
                    "evaluate_target_health": False,
                }
            ],
            opts=pulumi.ResourceOptions(parent=parent),
        )
