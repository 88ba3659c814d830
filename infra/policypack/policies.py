"""One policy for each rule."""

from collections.abc import Callable, Iterable

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra.policies import OF_ONE, OF_WRAPPERS, RULES
from infra.policies.resources import Rule
from infra.policypack.adapter import one, whole

NAME = "kiloscale"

UNWRAPPED = (
    "the engine hands secrets to a policy pack unwrapped; ./bootstrap test judges this"
    " rule on the program's own inputs"
)


def policies(rules: Iterable[Rule] = RULES) -> list[Policy]:
    """Give the policies. Each is mandatory: a violation ends a preview.

    A rule on one resource is asked before the resource is made. A rule on the whole
    stack is asked at the end: in a preview before anything is made, in an update after
    all is made. So preview first.
    """
    return [_of_one(rule) if rule in OF_ONE else _of_stack(rule) for rule in rules]


def name_of(rule: Rule) -> str:
    """Name a rule's policy.

    >>> from infra.policies.data import logs_expire
    >>> name_of(logs_expire)
    'logs-expire'
    """
    return rule.__name__.replace("_", "-")


def _of_one(rule: Rule) -> Policy:
    """Ask a rule on each resource by itself."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule in OF_WRAPPERS:
            args.not_applicable(UNWRAPPED)
        for finding in rule(one(args)):
            report(finding.what, None)

    return ResourceValidationPolicy(
        name_of(rule),
        _description(rule),
        validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def _of_stack(rule: Rule) -> Policy:
    """Ask a rule on all resources together."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        if rule in OF_WRAPPERS:
            args.not_applicable(UNWRAPPED)
        resources, urns = whole(args)
        for finding in rule(resources):
            report(f"{finding.resource}: {finding.what}", urns.get(finding.resource))

    return StackValidationPolicy(
        name_of(rule),
        _description(rule),
        validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def _description(rule: Callable[..., object]) -> str:
    """Take the first sentence of a rule's docstring."""
    return " ".join((rule.__doc__ or rule.__name__).split("\n\n")[0].split())
