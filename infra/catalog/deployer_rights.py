"""What whoever deploys must be allowed to do beside the resources, and how it is said.

What the resources of AWS take stands in ``deployer_rights_aws``.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Right:
    """Actions on some resources.

    Attributes:
        service: Prefix of the actions, e.g. ``sqs``.
        actions: Their names, without the prefix.
        resources: ARNs with ``{partition}``, ``{region}``, ``{account}``, ``{stack}``
            (the prefix of all physical names) and ``{path}`` (of parameters).
        reason: Why the resources are not named more exactly; empty where they are.
    """

    service: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str = ""


def arn(service: str, resource: str, *, is_global: bool = False) -> str:
    """Write an ARN of the account."""
    region = "" if is_global else "{region}"
    return f"arn:{{partition}}:{service}:{region}:{{account}}:{resource}"


def right(
    service: str, actions: str, resources: tuple[str, ...], reason: str = ""
) -> Right:
    """Declare a right; the actions are separated by blanks."""
    names = tuple(actions.split())
    return Right(service=service, actions=names, resources=resources, reason=reason)


ANY = ("*",)
FUNCTION = (arn("lambda", "function:{stack}-*"),)
LOG_GROUP = (
    arn("logs", "log-group:/aws/lambda/{stack}-*"),
    arn("logs", "log-group:/aws/lambda/{stack}-*:*"),
)
QUEUE = (arn("sqs", "{stack}-*"),)

# In this order: to be known; when a schedule ran last (deploy, verify-crons); dead work
# and its replay; an empty batch for a function that no HTTP reaches (rollback).
TASKS: tuple[Right, ...] = (
    right("sts", "GetCallerIdentity", ANY, "it names no resource"),
    right("logs", "FilterLogEvents", LOG_GROUP),
    right(
        "sqs", "SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility", QUEUE
    ),
    right("lambda", "InvokeFunction", FUNCTION),
)
"""What the tasks need beside the resources."""

CLOUDFLARE: Mapping[str, tuple[str, ...]] = {
    "cloudflare:index/workersScript:WorkersScript": ("Account: Workers Scripts: Edit",),
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": (
        "Account: Workers Scripts: Edit",
        "Zone: Workers Routes: Edit",
        "Zone: DNS: Edit",
        "Zone: Zone: Read",
    ),
    "cloudflare:index/workersRoute:WorkersRoute": ("Zone: Workers Routes: Edit",),
    "cloudflare:index/dnsRecord:DnsRecord": ("Zone: DNS: Edit", "Zone: Zone: Read"),
    "cloudflare:index/ruleset:Ruleset": ("Zone: Cache Rules: Edit",),
    "cloudflare:index/tieredCache:TieredCache": ("Zone: Zone Settings: Edit",),
}
"""Permissions of the API token, as its page words them (Cloudflare docs, "API token
permissions"); limit them to the one account and the one zone."""
