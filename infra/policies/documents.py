"""Rules on policy documents: that they allow what they name and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

from infra.policies.resources import (
    Finding,
    Registered,
    Resources,
    Rule,
    several,
    statements,
)

ROLE_POLICY = "iam/rolePolicy:RolePolicy"
RESOURCE_POLICIES = (
    "kms/keyPolicy:KeyPolicy",
    "s3/bucketPolicy:BucketPolicy",
    "sns/topicPolicy:TopicPolicy",
    "sqs/queuePolicy:QueuePolicy",
)

ANY_ACTION = {
    "kms:GenerateDataKey*": "the two forms of one action that a service needs"
    " (Amazon SNS developer guide, Key management)",
}
"""Why a resource's policy may name an action with a wildcard."""

FOR_THE_ACCOUNT = {
    "kms:*": "the account's own IAM policies decide; a key that its account cannot"
    " manage is lost (KMS developer guide, Default key policy)",
}
"""The same, for the account itself only."""

ACCOUNT = re.compile(r"arn:[\w-]+:iam::\d{12}:root")
STREAMS = re.compile(r"arn:[\w-]+:logs:[\w-]+:\d{12}:log-group:[^*]+:\*")
"""The streams of one log group, whose names Lambda chooses."""

OF_ONE_ACCOUNT = {
    "aws:SourceAccount",
    "aws:SourceArn",
    "AWS:SourceArn",
    "AWS:SourceAccount",
}
INVERTED = ("NotAction", "NotResource", "NotPrincipal")


def policies_allow_what_they_name(resources: Resources) -> Iterator[Finding]:
    """Find statements that allow all but what they name."""
    for kind in (ROLE_POLICY, *RESOURCE_POLICIES):
        for policy in resources.of(kind):
            for statement in statements(policy):
                for key in INVERTED:
                    if key in statement and statement["Effect"] == "Allow":
                        what = f"{key} in a statement that allows: all else is allowed"
                        yield policy.finding(policies_allow_what_they_name, what)


def rights_name_whole_resources(resources: Resources) -> Iterator[Finding]:
    """Find rights on every resource whose name begins alike."""
    for policy in resources.of(ROLE_POLICY):
        for statement in statements(policy):
            for arn in several(statement["Resource"]):
                if "*" in arn.removesuffix("*") or (
                    arn != "*" and arn.endswith("*") and not STREAMS.fullmatch(arn)
                ):
                    what = f"{arn} has a wildcard: name the resource"
                    yield policy.finding(rights_name_whole_resources, what)


def roles_have_only_their_own_rights(resources: Resources) -> Iterator[Finding]:
    """Find roles with rights that AWS or another stack may widen."""
    for kind in (
        "iam/rolePolicyAttachment:RolePolicyAttachment",
        "iam/policyAttachment:PolicyAttachment",
    ):
        for attachment in resources.of(kind):
            what = f"attaches {attachment.get('policyArn')}: write the rights out"
            yield attachment.finding(roles_have_only_their_own_rights, what)
    for role in resources.of("iam/role:Role"):
        if role.get("managedPolicyArns"):
            what = "managedPolicyArns: write the rights out"
            yield role.finding(roles_have_only_their_own_rights, what)


def resource_policies_name_their_actions(resources: Resources) -> Iterator[Finding]:
    """Find policies of keys, topics, queues and buckets that allow every action."""
    for policy in _resource_policies(resources):
        for statement in _allowing(policy):
            for action in several(statement["Action"]):
                known = action in ANY_ACTION or (
                    action in FOR_THE_ACCOUNT and _is_the_account(statement)
                )
                if "*" in action and not known:
                    what = (
                        f"action {action} has a wildcard: name the actions, or the"
                        " reason in infra/policies/documents.py"
                    )
                    yield policy.finding(resource_policies_name_their_actions, what)


def resource_policies_name_who_may(resources: Resources) -> Iterator[Finding]:
    """Find policies that admit anybody, or a service on any account's behalf."""
    for policy in _resource_policies(resources):
        for statement in _allowing(policy):
            conditions = statement.get("Condition", {}).values()
            keys = {key for condition in conditions for key in condition}
            principal = statement.get("Principal")
            if principal in ("*", {"AWS": "*"}) and not keys:
                what = "anybody may use it: no principal and no condition"
                yield policy.finding(resource_policies_name_who_may, what)
            service = principal.get("Service") if isinstance(principal, dict) else None
            if service and not keys & OF_ONE_ACCOUNT:
                what = f"{service} may use it for any account's sake"
                yield policy.finding(resource_policies_name_who_may, what)


def _resource_policies(resources: Resources) -> Iterator[Registered]:
    """Give the policies that belong to a resource and not to a role."""
    for kind in RESOURCE_POLICIES:
        yield from resources.of(kind)


def _allowing(policy: Registered) -> Iterator[dict[str, Any]]:
    """Give the statements that allow something."""
    return (each for each in statements(policy) if each["Effect"] == "Allow")


def _is_the_account(statement: dict[str, Any]) -> bool:
    """Whether a statement is about the account's own administrators."""
    principal = statement.get("Principal")
    if not isinstance(principal, dict) or set(principal) != {"AWS"}:
        return False
    return isinstance(principal["AWS"], str) and bool(
        ACCOUNT.fullmatch(principal["AWS"])
    )


RULES: tuple[Rule, ...] = (
    policies_allow_what_they_name,
    rights_name_whole_resources,
    roles_have_only_their_own_rights,
    resource_policies_name_their_actions,
    resource_policies_name_who_may,
)
