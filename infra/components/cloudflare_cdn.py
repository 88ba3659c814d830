"""The CDN at Cloudflare: a Worker that keeps copies, or Cache Rules of a zone."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.catalog.cdn_modes import (
    CACHE_RULES,
    CLOUDFLARE_MODES,
    WORKER_CACHE,
    WORKER_CACHE_API,
)
from infra.cdn_config import CdnConfig
from infra.components.dns_record import DnsRecord, DnsRecordArgs
from infra.edge import cache_rules, worker_settings
from infra.edge_accounts import EdgeAccounts

LOG_SAMPLING_RATE = 0.01
"""Share of requests that are logged; errors of the Worker's own are counted anyway."""

PHASE = "http_request_cache_settings"

NO_STORE = -1
"""TTL of a status that must not be kept; 0 keeps it and asks each time (Cloudflare
Ruleset Engine docs, "Cache Rules settings")."""


@dataclass(frozen=True, kw_only=True)
class CloudflareCdnArgs:
    """Inputs of `CloudflareCdn`.

    Attributes:
        physical_name: Name of the Worker.
        config: One of the modes of Cloudflare, with what it needs.
        accounts: The account and the zone.
    """

    physical_name: str
    config: CdnConfig
    accounts: EdgeAccounts

    def __post_init__(self) -> None:
        """Refuse a mode of somebody else."""
        if self.config.mode not in CLOUDFLARE_MODES:
            modes = ", ".join(sorted(CLOUDFLARE_MODES))
            raise ValueError(f"mode must be one of {modes}, got {self.config.mode}")


class CloudflareCdn(pulumi.ComponentResource):
    """Public images behind a host name at Cloudflare.

    Attributes:
        base_url: What replaces the project's URL in the images' addresses.
    """

    base_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: CloudflareCdnArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:CloudflareCdn", name, None, opts)
        if args.config.mode == CACHE_RULES:
            _rules(name, args, self)
        else:
            _worker(name, args, self)
        self.base_url = pulumi.Output.from_input(args.config.base_url)
        self.register_outputs({"baseUrl": self.base_url})


def _worker(name: str, args: CloudflareCdnArgs, parent: CloudflareCdn) -> None:
    """Make the Worker, and the host name whose requests it answers."""
    # Its import takes 6 s, so that only a stack with this CDN pays for it.
    import pulumi_cloudflare as cloudflare

    is_in_front = args.config.mode == WORKER_CACHE
    script = cloudflare.WorkersScript(
        name,
        account_id=args.accounts.cloudflare_account_id,
        script_name=args.physical_name,
        main_module=worker_settings.MAIN_MODULE,
        content=worker_settings.WORKER.read_text(encoding="utf-8"),
        compatibility_date=WORKER_COMPATIBILITY_DATE,
        bindings=bindings(args.config),
        # The Worker's version is part of the key otherwise: each upload would empty
        # the cache, and the fills count as Supabase egress.
        cache_options={"enabled": is_in_front, "cross_version_cache": is_in_front},
        observability={"enabled": True, "head_sampling_rate": LOG_SAMPLING_RATE},
        opts=pulumi.ResourceOptions(
            parent=parent, additional_secret_outputs=["bindings"]
        ),
    )
    cloudflare.WorkersCustomDomain(
        f"{name}-domain",
        account_id=args.accounts.cloudflare_account_id,
        zone_id=args.accounts.cloudflare_zone_id,
        hostname=args.config.domain,
        service=script.script_name,
        # Each of its properties replaces it, and a host name can have only one.
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[script], delete_before_replace=True
        ),
    )


def bindings(config: CdnConfig) -> Any:
    """Write what the Worker reads: its settings, and the key that is a secret."""
    caches = {
        WORKER_CACHE: worker_settings.WORKERS_CACHE,
        WORKER_CACHE_API: worker_settings.CACHE_API,
    }
    settings = worker_settings.render(
        origin=f"https://{config.origin_host}", cache=caches[config.mode]
    )
    return [
        {"name": worker_settings.SETTINGS_BINDING, "type": "json", "json": settings},
        {
            "name": worker_settings.PURGE_KEY_BINDING,
            "type": "secret_text",
            "text": config.purge_key,
        },
    ]


def _rules(name: str, args: CloudflareCdnArgs, parent: CloudflareCdn) -> None:
    """Make the proxied name of Supabase's custom domain, and the zone's Cache Rules."""
    import pulumi_cloudflare as cloudflare

    child = pulumi.ResourceOptions(parent=parent)
    record = DnsRecordArgs(
        accounts=args.accounts,
        domain=args.config.domain,
        target=args.config.origin_host,
        is_proxied=True,
        # The app's whole API may be under this name; it must outlive the CDN.
        is_kept=True,
    )
    DnsRecord(f"{name}-domain", record, child)
    cloudflare.Ruleset(
        f"{name}-rules",
        zone_id=args.accounts.cloudflare_zone_id,
        name="default",
        description="Kiloscale: public images",
        kind="zone",
        phase=PHASE,
        rules=[rule_inputs(rule) for rule in cache_rules.render(args.config.domain)],
        opts=child,
    )
    cloudflare.TieredCache(
        f"{name}-tiers",
        zone_id=args.accounts.cloudflare_zone_id,
        value="on",
        opts=child,
    )


def rule_inputs(rule: cache_rules.CacheRule) -> Any:
    """Write a Cache Rule in the provider's names."""
    lifetimes = {
        "mode": "override_origin",
        "default": rule.edge_ttl_s,
        # A missing object answers 400: without this it would be missing for a week.
        "status_code_ttls": [
            {"status_code_range": {"from_": 400, "to": 599}, "value": NO_STORE}
        ],
    }
    return {
        "ref": rule.ref,
        "description": rule.description,
        "enabled": True,
        "expression": rule.expression,
        "action": "set_cache_settings",
        "action_parameters": {
            "cache": True,
            "edge_ttl": lifetimes,
            "browser_ttl": {"mode": "override_origin", "default": rule.browser_ttl_s},
            "cache_key": {
                "ignore_query_strings_order": True,
                "cache_deception_armor": True,
            },
            "serve_stale": {"disable_stale_while_updating": False},
            "respect_strong_etags": True,
        },
    }
