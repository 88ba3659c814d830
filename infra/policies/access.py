"""Rules on who may do what."""

from collections.abc import Iterator

from infra.policies.resources import (
    Finding,
    Resources,
    Rule,
    several,
    statements,
)

PUBLIC_ACTIONS = {
    "lambda:InvokeFunctionUrl": ("functionUrlAuthType", "NONE"),
    "lambda:InvokeFunction": ("invokedViaFunctionUrl", True),
}
"""Both statements, each with its condition, that a public URL needs since October 2025
(Lambda developer guide, "Control access to Lambda function URLs")."""

ANY_RESOURCE = {
    "cloudwatch:GetMetricData": "CloudWatch metrics are no resources to IAM",
    "cloudwatch:PutMetricData": "the same; a condition names the namespace",
}
"""Why an action may be granted on every resource (service authorization reference)."""


def public_urls_have_both_permissions(resources: Resources) -> Iterator[Finding]:
    """Find public URLs that would answer 403 to everybody."""
    permissions = list(resources.of("lambda/permission:Permission"))
    for url in resources.of("lambda/functionUrl:FunctionUrl"):
        if url.get("authorizationType") != "NONE":
            continue
        for action, (key, value) in PUBLIC_ACTIONS.items():
            if not any(
                permission.get("action") == action
                and permission.get(key) == value
                and permission.get("principal") == "*"
                and permission.get("function") == url.get("functionName")
                and permission.get("qualifier") == url.get("qualifier")
                for permission in permissions
            ):
                yield url.finding(
                    public_urls_have_both_permissions,
                    f"no permission {action} with {key} {value}: each call is refused",
                )


def functions_are_open_only_by_url(resources: Resources) -> Iterator[Finding]:
    """Find permissions that let anybody invoke a function by the API."""
    for permission in resources.of("lambda/permission:Permission"):
        if permission.get("principal") == "*" and not any(
            permission.get(key) == value for key, value in PUBLIC_ACTIONS.values()
        ):
            yield permission.finding(
                functions_are_open_only_by_url,
                "anybody with an AWS account could invoke the function",
            )


def no_action_has_a_wildcard(resources: Resources) -> Iterator[Finding]:
    """Find grants of more than what is named."""
    for policy in resources.of("iam/rolePolicy:RolePolicy"):
        for statement in statements(policy):
            for action in several(statement["Action"]):
                if "*" in action:
                    what = f"action {action} grants what nobody named"
                    yield policy.finding(no_action_has_a_wildcard, what)


def any_resource_has_a_reason(resources: Resources) -> Iterator[Finding]:
    """Find grants on everything that need not be."""
    for policy in resources.of("iam/rolePolicy:RolePolicy"):
        for statement in statements(policy):
            if "*" not in several(statement["Resource"]):
                continue
            for action in several(statement["Action"]):
                if action not in ANY_RESOURCE:
                    yield policy.finding(
                        any_resource_has_a_reason,
                        f"{action} on *: name the resource, or the reason in"
                        " infra/policies/access.py",
                    )
                elif action.endswith(":PutMetricData") and "Condition" not in statement:
                    what = f"{action} without a condition on the namespace"
                    yield policy.finding(any_resource_has_a_reason, what)


def roles_trust_services_only(resources: Resources) -> Iterator[Finding]:
    """Find roles that another account or person could assume."""
    for role in resources.of("iam/role:Role"):
        document = role.get("assumeRolePolicy")
        if not role.is_unknown("assumeRolePolicy") and '"AWS"' in document:
            what = "its trust policy names AWS principals; only services are meant"
            yield role.finding(roles_trust_services_only, what)


RULES: tuple[Rule, ...] = (
    public_urls_have_both_permissions,
    functions_are_open_only_by_url,
    no_action_has_a_wildcard,
    any_resource_has_a_reason,
    roles_trust_services_only,
)
