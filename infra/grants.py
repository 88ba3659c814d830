"""IAM policy documents, built from what a role may do and nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

VERSION = "2012-10-17"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One statement that allows something.

    Attributes:
        actions: IAM actions, e.g. ``sqs:SendMessage``; none with a wildcard.
        resources: ARNs, or ``("*",)`` for an action without resource-level rights:
            then `infra.policies` must know the action.
        condition: IAM condition block; empty means none.
    """

    actions: tuple[str, ...]
    resources: Sequence[pulumi.Input[str]]
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def statement(self) -> dict[str, object]:
        """Give the statement as IAM writes it."""
        statement: dict[str, object] = {
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        if self.condition:
            statement["Condition"] = self.condition
        return statement


def policy(grants: Sequence[Grant]) -> pulumi.Output[str]:
    """Write the policy document of some grants."""
    return pulumi.Output.json_dumps(
        {"Version": VERSION, "Statement": [grant.statement() for grant in grants]}
    )


def trust(service: str) -> str:
    """Write the trust policy of a role.

    Args:
        service: Principal of the AWS service that may assume the role, e.g.
            ``lambda.amazonaws.com``.
    """
    return json.dumps(
        {
            "Version": VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": service},
                }
            ],
        }
    )
