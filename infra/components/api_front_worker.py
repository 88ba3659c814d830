"""The front of the functions on Cloudflare: a Worker under a host name of the app."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.edge.front_code import worker_code, worker_settings
from infra.edge_accounts import EdgeAccounts
from infra.front_config import FrontConfig

MODULE = "api_front.js"
BINDING = "FRONT"
FLAGS = ["nodejs_compat"]
"""For SHA-256 without waiting, as the CloudFront Function has it."""


@dataclass(frozen=True, kw_only=True)
class ApiFrontWorkerArgs:
    """Inputs of `ApiFrontWorker`.

    Attributes:
        physical_name: Name of the script in the account.
        accounts: The Cloudflare account, and the zone of the host name.
        front: Host name, share of users and the present functions.
        function_urls: Function URLs by name of the route, e.g. ``chat-send``.
    """

    physical_name: str
    accounts: EdgeAccounts
    front: FrontConfig
    function_urls: Mapping[str, pulumi.Input[str]]


class ApiFrontWorker(pulumi.ComponentResource):
    """A Worker that sends each request to one side, and the name that it serves.

    Attributes:
        base_url: What the app calls, ``https://<domain>/functions/v1``.
    """

    base_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ApiFrontWorkerArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:ApiFrontWorker", name, None, opts)
        # Its import takes 6 s, so that only a stack with this front pays for it.
        import pulumi_cloudflare as cloudflare

        child = pulumi.ResourceOptions(parent=self)
        account = args.accounts.cloudflare_account_id
        script = cloudflare.WorkersScript(
            name,
            account_id=account,
            script_name=args.physical_name,
            content=worker_code(),
            main_module=MODULE,
            compatibility_date=WORKER_COMPATIBILITY_DATE,
            compatibility_flags=FLAGS,
            bindings=[{"name": BINDING, "type": "json", "json": _settings(args)}],
            # Computed if they are left out: an answer is for one user and never kept.
            cache_options={"enabled": False, "cross_version_cache": False},
            # The front's own lines only, and each of them: the log of an invocation has
            # the request's headers, tokens included.
            observability={
                "enabled": True,
                "logs": {"enabled": True, "invocation_logs": False},
            },
            opts=child,
        )
        # Each change of a custom domain replaces it, and two cannot have one name.
        domain = cloudflare.WorkersCustomDomain(
            f"{name}-domain",
            account_id=account,
            zone_id=args.accounts.cloudflare_zone_id,
            hostname=args.front.domain,
            service=script.script_name,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )

        # Known in a preview too, and after the domain is there.
        self.base_url = domain.hostname.apply(lambda _: args.front.base_url)
        self.register_outputs({"base_url": self.base_url})


def _settings(args: ApiFrontWorkerArgs) -> pulumi.Output[str]:
    """Write the settings as soon as the function URLs are known."""
    front = args.front
    return pulumi.Output.all(**args.function_urls).apply(
        lambda urls: worker_settings(front.routing, urls, front.present)
    )
