"""A role that one AWS service assumes, and all that it may do."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.grants import Grant, policy, trust


@dataclass(frozen=True, kw_only=True)
class ServiceRoleArgs:
    """Inputs of `ServiceRole`.

    Attributes:
        physical_name: Its name on AWS.
        principal: Who assumes it, e.g. ``lambda.amazonaws.com``.
        grants: What it may do.
    """

    physical_name: str
    principal: str
    grants: Sequence[Grant]


class ServiceRole(pulumi.ComponentResource):
    """A role with one inline policy. To depend on it is to depend on its rights too.

    Attributes:
        arn: ARN of the role.
        name: Its name, to give it further rights.
    """

    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ServiceRoleArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:ServiceRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        role = aws.iam.Role(
            name,
            name=args.physical_name,
            assume_role_policy=trust(args.principal),
            opts=child,
        )
        aws.iam.RolePolicy(
            f"{name}-rights",
            name="service",
            role=role.name,
            policy=policy(args.grants),
            opts=child,
        )

        self.arn = role.arn
        self.name = role.name
        self.register_outputs({"arn": self.arn})
