"""What stands before the function URLs, and which users' requests it sends there."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from infra.catalog.front import BASE, SHARED, public_services
from infra.config_checks import LOCAL, LOOPBACK
from infra.config_values import Check, Values
from infra.edge_accounts import EdgeAccounts, domain
from infra.front_routing import BUCKETS, Front

NONE = "none"
CLOUDFRONT = "cloudfront"
WORKER = "worker"

FRONTS = (NONE, CLOUDFRONT, WORKER)

PRESENT_PATH = re.compile(r"(?:/[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, kw_only=True)
class FrontConfig:
    """The one address of the functions.

    Attributes:
        mode: One of `FRONTS`.
        domain: Host name of the front; empty where there is none.
        percent: Share of users whose requests go to our functions (0 to 100).
        present: Base URL of the app's present functions, without a slash at the end;
            empty where there are none.
    """

    mode: str = NONE
    domain: str = ""
    percent: int = BUCKETS
    present: str = ""

    @property
    def base_url(self) -> str:
        """What the app calls, without a slash at the end; empty for no front."""
        return "" if self.mode == NONE else f"https://{self.domain}{BASE}"

    @property
    def present_host(self) -> str:
        """Host of the present functions; empty where there are none."""
        return urlsplit(self.present).netloc

    @property
    def routing(self) -> Front:
        """What the decision about a request depends on."""
        return Front(
            percent=self.percent,
            ours=tuple(public_services()),
            shared=SHARED,
            present=urlsplit(self.present).path if self.present else None,
        )

    @classmethod
    def read(
        cls, values: Values, accounts: EdgeAccounts, supabase_url: str, cdn_domain: str
    ) -> Self:
        """Read and check the front of a stack.

        The local stack has none, whatever is configured: the stand-in is its front, and
        shares out by the same two keys.

        Args:
            values: The stack's values.
            accounts: Where names and certificates are made.
            supabase_url: Base URL of the Supabase project.
            cdn_domain: Host name of the images' CDN; empty for none.
        """
        asked = values.choice("front", FRONTS) or NONE
        is_local = values.stack == LOCAL
        mode = NONE if is_local else asked
        host = values.text("apiDomain", "", check=domain)
        found = cls(
            mode=mode,
            domain=host,
            percent=_percent(values),
            present=_present(values, _default(mode, supabase_url)),
        )
        _check_share(values, found, is_local=is_local)
        if is_local and found.present_host == urlsplit(supabase_url).netloc != "":
            what = f"must not be the local stack itself, got {found.present}"
            values.problem("cutoverFrom", what)
        if mode != NONE:
            _check_names(values, found, cdn_domain)
            _check_accounts(values, found, accounts)
        return found


def present_base(stack: str) -> Check:
    """Check a base URL of functions for a stack; only the local one has its own."""

    def check(value: str) -> str | None:
        parts = urlsplit(value)
        on_this_machine = parts.hostname in LOOPBACK
        if parts.scheme != "https" and not (stack == LOCAL and on_this_machine):
            return f"must be {NONE} or a URL, https://..., got {value}"
        if not parts.hostname or "@" in parts.netloc:
            return f"must be {NONE} or a URL with a host, https://..., got {value}"
        if stack != LOCAL and (on_this_machine or parts.netloc != parts.hostname):
            return f"must name a public host in lower case without a port, got {value}"
        if parts.query or parts.fragment or not PRESENT_PATH.fullmatch(parts.path):
            return (
                f"must end after the path of the functions, e.g. {BASE}, without a"
                f" slash or a query, got {value}"
            )
        return None

    return check


def _percent(values: Values) -> int:
    """Read the share."""
    raw = values.text("cutoverPercent")
    if raw and not (raw.isascii() and raw.isdigit() and int(raw) <= BUCKETS):
        values.problem(
            "cutoverPercent",
            f"must be a whole number from 0 to {BUCKETS}, the share of users in percent"
            f" whose requests go to Kiloscale's functions, got {raw}; run"
            " `pulumi config set cutoverPercent 0`",
        )
        return BUCKETS
    return int(raw or BUCKETS)


def _default(mode: str, supabase_url: str) -> str:
    """Give the base of the functions of Supabase, where a front needs it."""
    return f"{supabase_url}{BASE}" if mode != NONE and supabase_url else ""


def _present(values: Values, default: str) -> str:
    """Read the base of the present functions; with a front they have a default."""
    base = values.text("cutoverFrom", "") or default
    if not base or base == NONE:
        return ""
    if wrong := present_base(values.stack)(base):
        values.problem("cutoverFrom", wrong)
        return ""
    return base


def _check_share(values: Values, found: FrontConfig, *, is_local: bool) -> None:
    """Note a share that nothing would keep."""
    if found.percent == BUCKETS:
        return
    back = "`pulumi config set cutoverPercent 100`"
    if found.mode == NONE and not is_local:
        values.problem(
            "cutoverPercent",
            f"is {found.percent}, but with front {NONE} nothing shares requests out;"
            f" run `pulumi config set front {WORKER}` (or {CLOUDFRONT}), or {back}",
        )
    elif not values.given.get("cutoverFrom") and is_local:
        values.problem(
            "cutoverFrom",
            f"missing, and cutoverPercent {found.percent} needs it here: the base of"
            f" functions on this machine, e.g. http://127.0.0.1:54321{BASE}",
        )
    elif values.given.get("cutoverFrom") == NONE:
        values.problem(
            "cutoverFrom",
            f"is {NONE}, but at cutoverPercent {found.percent} the other users need the"
            f" app's present functions; run `pulumi config rm cutoverFrom`, or {back}",
        )


def _check_names(values: Values, found: FrontConfig, cdn_domain: str) -> None:
    """Note a host name that is missing or already something else."""
    if not found.domain:
        values.problem(
            "apiDomain",
            f"missing, and front {found.mode} needs it: the host that the app calls,"
            " e.g. api.example.com; run `pulumi config set apiDomain ...`",
        )
    elif found.domain == found.present_host:
        values.problem(
            "apiDomain",
            "must not be the host of the present functions, cutoverFrom or supabaseUrl:"
            f" the front would ask itself, got {found.domain}",
        )
    elif found.domain == cdn_domain:
        values.problem("apiDomain", f"must not be cdnDomain, got {found.domain}")


def _check_accounts(values: Values, found: FrontConfig, accounts: EdgeAccounts) -> None:
    """Note what the front cannot be made without."""
    if found.mode == CLOUDFRONT:
        accounts.require_certificate(values, f"front {CLOUDFRONT}")
        return
    for key, given, what in (
        (
            "cloudflareAccountId",
            accounts.cloudflare_account_id,
            "the account that runs the Worker",
        ),
        ("cloudflareZoneId", accounts.cloudflare_zone_id, "the zone of apiDomain"),
    ):
        if not given:
            values.problem(
                key,
                f"missing, and front {WORKER} needs it: {what}; run"
                f" `pulumi config set {key} ...`",
            )
