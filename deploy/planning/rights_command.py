"""The task ``cloud.rights``: what whoever deploys a stack must be allowed to do."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from deploy import console
from deploy.account import place as account_place
from deploy.errors import UsageError
from deploy.paths import state_dir
from deploy.planning.deployer import (
    MANAGED_POLICY_CHARACTERS,
    Place,
    characters,
    document,
    token,
    wide,
)
from deploy.run import ending
from infra.catalog.cdn_modes import NONE

ACCOUNT_DIGITS = 12


def show(stack: str, account: str, *, as_json: bool, debug: bool) -> int:
    """Print the IAM policy of the deployer and the Cloudflare token's permissions."""
    with ending("cloud.rights", stack, as_json=as_json, debug=debug):
        types, cdn = declared(stack)
        where = _place(stack, account)
        policy = document(types, where)
        permissions = token(types, cdn)
        if as_json:
            found = {
                "stack": stack,
                "policy": policy,
                "not_limited_to_names": wide(types),
                "cloudflare_token": permissions,
            }
            console.say_lines([json.dumps(found, indent=2)])
            return 0
        console.say_lines([json.dumps(policy, indent=2)])
        console.tell_lines(
            [
                *_too_long(policy),
                *(
                    f"not limited to names: {a} ({why})"
                    for a, why in wide(types).items()
                ),
                *(f"Cloudflare API token, one zone: {each}" for each in permissions),
            ]
        )
        return 0


def _too_long(policy: Mapping[str, Any]) -> list[str]:
    """Say that a policy does not fit into one managed policy, if it does not."""
    size = characters(policy)
    if size <= MANAGED_POLICY_CHARACTERS:
        return []
    told = f"the policy has {size} characters and a managed policy takes"
    return [f"{told} {MANAGED_POLICY_CHARACTERS}: split its statements over two"]


def declared(stack: str) -> tuple[Collection[str], str]:
    """Give the type tokens of what the program declares for a stack, and its CDN.

    Raises:
        UsageError: The stack has no file, or its configuration is wrong.
    """
    from deploy.planning import programs, stackfile

    config = programs.completed(stackfile.read(stack, state_dir()))
    types = {each.type for each in programs.of(config).resources}
    return types, config.values.get("kiloscale:cdn", NONE)


def _place(stack: str, account: str) -> Place:
    """Say where the stack is.

    Raises:
        UsageError: The account is not twelve digits, or the file names no region.
    """
    is_number = account.isascii() and account.isdigit()
    if account != "*" and not (is_number and len(account) == ACCOUNT_DIGITS):
        raise UsageError(
            f"--account: must be the {ACCOUNT_DIGITS} digits of an AWS account, got"
            f" {account}; nothing was written",
            remedy="aws sts get-caller-identity --query Account",
        )
    region, _ = account_place(stack)
    return Place(stack=stack, region=region, account=account)
