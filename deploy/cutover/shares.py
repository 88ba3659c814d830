"""What a stack's configuration says about its front and the share of users."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy import stackfiles
from deploy.deployment import Deployment
from deploy.errors import UsageError
from infra.catalog.front import BASE
from infra.config_checks import origin
from infra.config_values import Values
from infra.edge_accounts import EdgeAccounts
from infra.front_config import CLOUDFRONT, NONE, WORKER, FrontConfig
from infra.front_routing import BUCKETS

TAKES_EFFECT = {
    NONE: "with the next request",
    WORKER: "within seconds of the deploy, everywhere",
    CLOUDFRONT: "within a minute or so of the deploy, edge by edge",
}
"""When a changed share counts, by kind of front; without one, on the local stack."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """The share of users of one stack.

    Attributes:
        stack: Name of the stack.
        front: Its front.
        base: What the app calls, without a slash at the end; empty for no front.
    """

    stack: str
    front: FrontConfig
    base: str

    @property
    def percent(self) -> int:
        """Share of users whose requests are ours."""
        return self.front.percent

    @property
    def is_local(self) -> bool:
        """Whether the stand-in is the front."""
        return self.base.startswith("http://")

    @property
    def takes_effect(self) -> str:
        """When a changed share counts."""
        return TAKES_EFFECT[self.front.mode]

    def command(self, percent: int) -> str:
        """Give the command that sets a share."""
        if self.is_local:
            return f"set kiloscale:cutoverPercent: {percent} in Pulumi.local.yaml"
        return (
            f"pulumi config set cutoverPercent {percent} --stack {self.stack} &&"
            f" ./bootstrap deploy --only infrastructure --stack {self.stack}"
        )


def of_stack(deployment: Deployment) -> Share:
    """Read the share of a stack; its secrets are not needed.

    Raises:
        UsageError: A value is missing or wrong; names every one.
    """
    values = Values.from_pulumi(deployment.stack, _given(deployment), ())
    url = values.text("supabaseUrl", check=origin)
    accounts = EdgeAccounts.read(values)
    cdn_domain = values.text("cdnDomain", "")
    front = FrontConfig.read(values, accounts, url, cdn_domain)
    if values.problems:
        raise UsageError("\n".join(sorted(values.problems)))
    base = f"{url}{BASE}" if deployment.is_local else front.base_url
    return Share(stack=deployment.stack, front=front, base=base)


def read_percent(text: str) -> int | None:
    """Read ``--percent``; ``None`` if it was not given.

    Raises:
        UsageError: It is no whole number from 0 to 100.
    """
    if not text:
        return None
    # At most three digits: Python converts no text of thousands.
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(BUCKETS))
    if not (is_number and int(text) <= BUCKETS):
        raise UsageError(
            f"--percent must be a whole number from 0 to {BUCKETS}, got {text}; nothing"
            " was changed",
            remedy="./bootstrap cutover --percent 5",
        )
    return int(text)


def _given(deployment: Deployment) -> Mapping[str, str]:
    """Give a stack's values by full key.

    Raises:
        UsageError: A file is missing or malformed.
    """
    from deploy.emulator import configuration

    if deployment.is_local:
        return configuration.of_local(deployment.require_local()).values
    return stackfiles.of_stack(deployment.stack)
