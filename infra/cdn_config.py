"""Which CDN stands in front of the public images, and what that mode needs."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import pulumi

from infra.catalog.cdn_modes import (
    CACHE_RULES,
    CDN_MODES,
    CLOUDFLARE_MODES,
    CLOUDFRONT,
    NONE,
    WORKER_MODES,
)
from infra.config_checks import LOCAL, long_enough
from infra.config_values import Values
from infra.edge_accounts import EdgeAccounts, domain

SUPABASE_DOMAIN = ".supabase.co"

NEEDS = {
    "cloudflareAccountId": (WORKER_MODES, "the account that runs the Worker"),
    "cloudflareZoneId": (CLOUDFLARE_MODES, "the zone that holds cdnDomain"),
    "cdnDomain": (CLOUDFLARE_MODES | {CLOUDFRONT}, "the host of the images' URLs"),
}
"""Plain keys with the modes that need them, and what each is."""


@dataclass(frozen=True, kw_only=True)
class CdnConfig:
    """The CDN of a stack.

    Attributes:
        mode: One of `CDN_MODES`.
        domain: Host name that serves the images; empty where there is no CDN.
        origin_host: Host of the Supabase project, which the CDN asks.
        purge_key: What a caller of the Worker's purge path must know; secret; ``None``
            where no Worker runs.
    """

    mode: str = NONE
    domain: str = ""
    origin_host: str = ""
    purge_key: pulumi.Output[str] | None = None

    @property
    def base_url(self) -> str:
        """What replaces the project's URL in the addresses of public images."""
        return f"https://{self.domain}"

    @classmethod
    def read(cls, values: Values, accounts: EdgeAccounts, supabase_url: str) -> Self:
        """Read and check the CDN of a stack.

        The local stack has none, whatever is configured: its edge is a Worker that runs
        on this machine.
        """
        asked = values.choice("cdn", CDN_MODES)
        mode = NONE if values.stack == LOCAL else asked or NONE
        host = values.text("cdnDomain", "", check=domain)
        key = values.secret("purgeKey", "", check=long_enough)
        origin = urlsplit(supabase_url)
        _require(values, mode, accounts, host)
        if mode in WORKER_MODES and not key:
            values.problem(
                "purgeKey",
                f"missing, and cdn {mode} needs it: without it nobody can empty the"
                " cache; run `openssl rand -hex 32 | pulumi config set --secret"
                " purgeKey`",
            )
        if mode == CLOUDFRONT:
            accounts.require_certificate(values, f"cdn {mode}")
        if mode != NONE and (wrong := _origin_problem(mode, supabase_url)):
            values.problem("supabaseUrl", wrong)
        if mode != NONE and host == origin.hostname:
            what = "must not be the host of supabaseUrl: the CDN would ask itself"
            values.problem("cdnDomain", what)
        return cls(
            mode=mode,
            domain=host,
            origin_host=origin.hostname or "",
            purge_key=pulumi.Output.secret(key) if mode in WORKER_MODES else None,
        )


def _require(values: Values, mode: str, accounts: EdgeAccounts, host: str) -> None:
    """Note each plain key that the mode needs and that is missing."""
    given = {
        "cloudflareAccountId": accounts.cloudflare_account_id,
        "cloudflareZoneId": accounts.cloudflare_zone_id,
        "cdnDomain": host,
    }
    for key, (modes, what) in NEEDS.items():
        if mode in modes and not given[key]:
            values.problem(
                key,
                f"missing, and cdn {mode} needs it: {what}; run"
                f" `pulumi config set {key} ...`",
            )


def _origin_problem(mode: str, supabase_url: str) -> str | None:
    """Say why the CDN cannot ask this Supabase project."""
    origin = urlsplit(supabase_url)
    host = origin.hostname or ""
    if not host:
        return None  # it is reported as missing or malformed already
    if origin.scheme != "https":
        return f"must be https for cdn {mode}, got {supabase_url}"
    if origin.port not in {None, 443}:
        return f"must have no port for cdn {mode}, got {origin.port}"
    if mode == CACHE_RULES and not host.endswith(SUPABASE_DOMAIN):
        return (
            f"must be the project's own, https://<ref>{SUPABASE_DOMAIN}, for cdn"
            f" {mode}, got {supabase_url}: cdnDomain becomes a name of that host"
        )
    return None
