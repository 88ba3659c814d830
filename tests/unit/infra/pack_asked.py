"""Asks the policy pack as the engine does; no engine runs."""

from collections.abc import Iterable

from pulumi.output import Unknown
from pulumi_policy import (
    PolicyResource,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    proxy,
)

from infra.policies import OF_WRAPPERS
from infra.policies.resources import Finding, Resources, Rule, is_secret
from infra.policypack.adapter import STACK
from infra.policypack.policies import name_of, policies

PACK = policies()
NOT_IN_THE_PACK = {name_of(rule) for rule in OF_WRAPPERS}


def as_engine(value):
    """Write a value as the SDK hands it to a policy: no secrets, texts for unknowns."""
    if is_secret(value):
        return as_engine(value["value"])
    if isinstance(value, Unknown):
        return proxy.UNKNOWN_STRING_VALUE
    if isinstance(value, dict):
        return {key: as_engine(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_engine(item) for item in value]
    return value


def proxied(values):
    return proxy.unknown_checking_proxy(as_engine(dict(values)))


def urn(each) -> str:
    return f"urn:pulumi:test::kiloscale::{each.type}::{each.name}"


def ask(resources: Resources, pack=PACK) -> set[tuple[str, str, str]]:
    """Ask every policy as the engine does; give resource, policy and message."""
    found = set()
    of_stack = [
        PolicyResource(
            each.type, proxied({**each.outputs, **each.inputs}), urn(each), each.name,
            None, None, None, [], {},
        )
        for each in resources
    ]  # fmt: skip
    outputs = proxied(resources.outputs)
    of_stack.append(
        PolicyResource(STACK, outputs, "urn", "test", None, None, None, [], {})
    )
    for policy in pack:
        if policy.name in NOT_IN_THE_PACK:
            continue
        if isinstance(policy, ResourceValidationPolicy):
            for each in resources:
                args = ResourceValidationArgs(
                    each.type, proxied(each.inputs), urn(each), each.name, None, None
                )
                policy.validate(
                    args,
                    lambda what, _, e=each, p=policy: found.add((e.name, p.name, what)),
                )
        else:
            policy.validate(
                StackValidationArgs(of_stack),
                lambda what, _, p=policy: found.add(
                    (what.split(": ")[0], p.name, what)
                ),
            )
    return found


def found_by_its_policy(rule: Rule, resources: Resources) -> bool:
    """Whether the rule's own policy finds what the rule finds."""
    policy = [each for each in PACK if each.name == name_of(rule)]
    wanted = {finding.resource for finding in rule(resources)}
    return wanted <= {resource for resource, _, _ in ask(resources, policy)}


def needs_another(rule: Rule, resources: Resources) -> bool:
    """Whether a rule finds less, or more, of each resource by itself."""

    def sorted_by_resource(findings: Iterable[Finding]) -> list[str]:
        return sorted(finding.resource for finding in findings)

    alone = [found for each in resources for found in rule(resources.but([each]))]
    return sorted_by_resource(alone) != sorted_by_resource(rule(resources))
