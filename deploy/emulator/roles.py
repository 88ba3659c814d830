"""IAM roles and their inline policies."""

import json
import re
from typing import Any

from deploy.emulator.attributes import Attributes, read, texts
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made
from deploy.emulator.live import Answer, Look
from deploy.emulator.record import Resource

UNKNOWN_CONDITIONS = {"cloudwatch:namespace"}
"""Condition keys that AWS fills in and the emulator does not (ministack 1.5.33): there
a statement with one would never match, and refuse what AWS allows."""


IMPLIED_ACTIONS = {"sqs:SendMessage": ("sqs:SendMessageBatch",)}
"""Operations that AWS allows by another action, and for which the emulator wants an
action of their own (SQS developer guide, "Actions": no batch has one)."""


STREAMS = re.compile(r":log-group:[^*]+:\*$")
"""Ends the ARN of all streams of a log group."""


class Role:
    """``aws:iam/role:Role``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the role, or replace who may assume it."""
        iam = aws.of("iam")
        role, trust = inputs["name"], inputs["assumeRolePolicy"]
        try:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
        except iam.exceptions.EntityAlreadyExistsException:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
            # No role of the program has any: somebody attached them.
            attached = iam.list_attached_role_policies(RoleName=role)
            for each in attached["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=role, PolicyArn=each["PolicyArn"])
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
        return Made(id=role, outputs={"arn": arn})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the role; its policies went before it."""
        aws.of("iam").delete_role(RoleName=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        answer = look.query("iam", "GetRole", RoleName=known.id)
        if not answer.found:
            return None
        # What somebody attached by hand is more than any policy of ours allows.
        name = {"RoleName": known.id}
        inline = look.query("iam", "ListRolePolicies", **name).body
        attached = look.query("iam", "ListAttachedRolePolicies", **name).body
        return {
            "AssumeRolePolicyDocument": _document(answer, "AssumeRolePolicyDocument"),
            "InlinePolicies": sorted(texts(inline, "member")),
            "AttachedPolicies": sorted(texts(attached, "PolicyArn")),
        }


class RolePolicy:
    """``aws:iam/rolePolicy:RolePolicy``."""

    def key(self, inputs: Inputs) -> str:
        """The role and the policy's name."""
        return f"{inputs['role']}:{inputs['name']}"

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Write the policy."""
        aws.of("iam").put_role_policy(
            RoleName=inputs["role"],
            PolicyName=inputs["name"],
            PolicyDocument=with_log_groups(
                with_implied_actions(without_unknown_conditions(inputs["policy"]))
            ),
        )
        return Made(id=self.key(inputs))

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the policy."""
        role, _, policy = known.id.partition(":")
        aws.of("iam").delete_role_policy(RoleName=role, PolicyName=policy)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        role, _, policy = known.id.partition(":")
        answer = look.query("iam", "GetRolePolicy", RoleName=role, PolicyName=policy)
        if not answer.found:
            return None
        return {"PolicyDocument": _document(answer, "PolicyDocument")}


def _document(answer: Answer, tag: str) -> Any:
    """Read a policy in an answer of IAM."""
    return read("".join(texts(answer.body, tag)))


def without_unknown_conditions(document: str) -> str:
    """Take out of a policy the conditions that the emulator cannot judge.

    What they forbid is not forbidden locally; `infra.policies` checks that they stand
    in the program.
    """
    policy = json.loads(document)
    for statement in policy["Statement"]:
        conditions = {
            operator: {k: v for k, v in keys.items() if k not in UNKNOWN_CONDITIONS}
            for operator, keys in statement.pop("Condition", {}).items()
        }
        if kept := {operator: keys for operator, keys in conditions.items() if keys}:
            statement["Condition"] = kept
    return json.dumps(policy)


def with_implied_actions(document: str) -> str:
    """Add to a policy the actions that AWS does not ask for and the emulator does."""
    policy = json.loads(document)
    for statement in policy["Statement"]:
        named = statement["Action"]
        actions = [named] if isinstance(named, str) else named
        implied = [more for each in actions for more in IMPLIED_ACTIONS.get(each, ())]
        statement["Action"] = [*actions, *implied]
    return json.dumps(policy)


def with_log_groups(document: str) -> str:
    """Add to a policy on the streams of a log group the group itself.

    AWS asks about the stream that is written to, the emulator about its group.
    """
    policy = json.loads(document)
    for statement in policy["Statement"]:
        named = statement["Resource"]
        arns = [named] if isinstance(named, str) else named
        groups = [arn.removesuffix(":*") for arn in arns if STREAMS.search(arn)]
        statement["Resource"] = [*arns, *groups]
    return json.dumps(policy)
