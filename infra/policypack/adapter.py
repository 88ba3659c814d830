"""Turns what the engine hands to a policy pack into what the rules look at.

Before it makes a resource, the engine shows its inputs; at the end, its outputs, which
with AWS repeat the inputs under the same names. Secrets come unwrapped.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.output import UNKNOWN
from pulumi_policy import proxy

from infra.policies.leaks import SECRET_KEYS
from infra.policies.resources import Registered, Resources

if TYPE_CHECKING:
    from pulumi_policy import ResourceValidationArgs, StackValidationArgs

STACK = "pulumi:pulumi:Stack"

UNKNOWNS = frozenset(
    value
    for name, value in vars(proxy).items()
    if name.startswith("UNKNOWN_") and name.endswith("_VALUE")
)
"""What stands for a value that is not known yet, one text for each type."""


def one(args: "ResourceValidationArgs") -> Resources:
    """Give the one resource that is about to be made."""
    inputs = plain(args.props)
    resource = Registered(
        type=args.resource_type, name=args.name, inputs=inputs, outputs=inputs
    )
    return Resources([resource], secrets=_secrets())


def whole(args: "StackValidationArgs") -> tuple[Resources, dict[str, str]]:
    """Give all resources, and the URN of each by its name.

    Several resources may share a name; the URN is that of one which AWS makes.
    """
    found, outputs, urns = [], {}, {}
    for each in args.resources:
        properties = plain(each.props)
        if each.resource_type == STACK:
            outputs = properties
            continue
        if each.name not in urns or each.resource_type.startswith("aws:"):
            urns[each.name] = each.urn
        found.append(
            Registered(
                type=each.resource_type,
                name=each.name,
                inputs=properties,
                outputs=_known(properties),
            )
        )
    return Resources(found, outputs=outputs, secrets=_secrets()), urns


def plain(value: Any) -> Any:
    """Take a value out of the SDK's proxies, which raise at what is unknown."""
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWNS else value
    if isinstance(value, Mapping):
        items = value if isinstance(value, dict) else value["__target"]
        return {key: plain(item) for key, item in items.items()}
    if isinstance(value, Sequence):
        several = value if isinstance(value, list) else value["__target"]  # type: ignore[call-overload]  # the SDK's own way
        return [plain(item) for item in several]
    return value


def _known(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not known, as mocks do in a preview."""
    return {key: value for key, value in properties.items() if value is not UNKNOWN}


def _secrets() -> set[str]:
    """Give the secrets among the configuration that the engine hands over, if any."""
    config = pulumi.runtime.config
    told = {*config.get_config_secret_keys_env(), *SECRET_KEYS}
    values = config.get_config_env()
    return {str(values[key]) for key in told if values.get(key)}
