"""The rights that deploying one stack takes, as IAM and Cloudflare write them."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.catalog.cdn_modes import ZONE_PURGED
from infra.catalog.deployer_rights import (
    CACHE_PURGE,
    CLOUDFLARE,
    RIGHTS,
    TASKS,
    Right,
)
from infra.grants import VERSION
from infra.naming import PROJECT, physical_name

MANAGED_POLICY_CHARACTERS = 6_144
"""The longest managed policy, without white space (IAM quotas)."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stack is.

    Attributes:
        stack: Its name.
        region: AWS region, e.g. ``eu-central-1``.
        account: Number of the AWS account, twelve digits, or ``*``.
        partition: ``aws``, except in China and GovCloud.
    """

    stack: str
    region: str
    account: str
    partition: str = "aws"


def document(types: Collection[str], place: Place) -> dict[str, Any]:
    """Write the IAM policy of whoever deploys.

    Args:
        types: Type tokens of the program's resources.
        place: Where the stack is.

    Returns:
        A policy document with one statement for each set of resources.

    Raises:
        LookupError: A type of AWS has no rights here.
    """
    actions: dict[tuple[tuple[str, ...], tuple[str, ...]], set[str]] = {}
    for right in _rights(types):
        resources = tuple(_placed(each, place) for each in right.resources)
        named = {f"{right.service}:{action}" for action in right.actions}
        actions.setdefault((resources, right.via), set()).update(named)
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Action": sorted(names),
                "Resource": list(resources) if resources[1:] else resources[0],
                **_limited(via, place),
            }
            for (resources, via), names in sorted(actions.items())
        ],
    }


def characters(policy: Mapping[str, Any]) -> int:
    """Count a policy's characters as IAM does, without white space."""
    return len(json.dumps(policy, separators=(",", ":")))


def wide(types: Collection[str]) -> dict[str, str]:
    """Give the actions that are not limited to the stack's names, and why."""
    found: dict[str, str] = {}
    for right in _rights(types):
        if right.reason:
            for action in right.actions:
                found[f"{right.service}:{action}"] = right.reason
    return dict(sorted(found.items()))


def token(types: Collection[str], cdn: str) -> list[str]:
    """List the permissions of the Cloudflare API token; empty where none is needed.

    Args:
        types: Type tokens of the program's resources.
        cdn: The stack's mode of `infra.catalog.cdn_modes`.

    Raises:
        LookupError: A type of Cloudflare has no permissions here.
    """
    ours = [each for each in types if each.startswith("cloudflare:")]
    _refuse_unknown(ours, CLOUDFLARE)
    purge = {CACHE_PURGE} if cdn in ZONE_PURGED else set()
    return sorted(purge.union(*(CLOUDFLARE[each] for each in ours)))


def _rights(types: Collection[str]) -> Iterator[Right]:
    """Give the rights of some types, and of the tasks."""
    ours = [each for each in types if each.startswith("aws:")]
    _refuse_unknown(ours, RIGHTS)
    for each in sorted(ours):
        yield from RIGHTS[each]
    yield from TASKS


def _limited(via: Collection[str], place: Place) -> dict[str, Any]:
    """Write the condition that keys are used on behalf of some services alone."""
    if not via:
        return {}
    services = [f"{each}.{place.region}.amazonaws.com" for each in via]
    return {"Condition": {"StringEquals": {"kms:ViaService": services}}}


def _refuse_unknown(types: Collection[str], known: Collection[str]) -> None:
    """Raise for types that nobody has thought about yet."""
    unknown = sorted(set(types) - set(known))
    if unknown:
        raise LookupError(
            f"{', '.join(unknown)}: no rights are known; add them to"
            " infra/catalog/deployer_rights.py"
        )


def _placed(resource: str, place: Place) -> str:
    """Fill in an ARN."""
    return resource.format(
        partition=place.partition,
        region=place.region,
        account=place.account,
        stack=physical_name(place.stack, "x").removesuffix("-x"),
        path=f"/{PROJECT}/{place.stack}",
    )
