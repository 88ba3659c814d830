"""The key that encrypts the functions' environments and the alarms' notifications."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.naming import alarm_arns, budget_arns

DELETION_WINDOW_DAYS = 30
"""The longest that KMS waits before it destroys a key (ScheduleKeyDeletion)."""


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """Inputs of `EncryptionKey`.

    Attributes:
        physical_name: Name of its alias, without ``alias/``.
        stack: Name of the stack whose alarms may use it.
        for_budgets: Whether the account's budgets may use it too.
    """

    physical_name: str
    stack: str
    for_budgets: bool = False


class EncryptionKey(pulumi.ComponentResource):
    """A customer-managed KMS key, rotated each year by AWS, and its alias.

    As by default, IAM policies of the account decide: each role that may use the key
    says so in its own policy. CloudWatch has no role, so the key's policy admits it.

    Attributes:
        arn: ARN of the key.
    """

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: EncryptionKeyArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:EncryptionKey", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        key = aws.kms.Key(
            name,
            description=f"Environments and notifications ({args.physical_name})",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            opts=child,
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{args.physical_name}",
            target_key_id=key.key_id,
            opts=child,
        )
        aws.kms.KeyPolicy(
            f"{name}-policy",
            key_id=key.key_id,
            policy=key.arn.apply(lambda arn: _policy(arn, args)),
            opts=child,
        )

        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def _policy(key_arn: str, args: EncryptionKeyArgs) -> str:
    """Let the account's IAM policies decide, and whoever notifies encrypt."""
    _, partition, _, _, account, *_ = key_arn.split(":")
    account_decides = {
        "Sid": "AccountDecides",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    # Without this statement an alarm's notification is dropped, and only the alarm's
    # history says so.
    alarms_encrypt = {
        "Sid": "AlarmsEncrypt",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": alarm_arns(key_arn, args.stack),
    }
    budgets_encrypt = {
        **alarms_encrypt,
        "Sid": "BudgetsEncrypt",
        "Principal": {"Service": "budgets.amazonaws.com"},
        "Condition": budget_arns(key_arn),
    }
    statements = [account_decides, alarms_encrypt]
    statements += [budgets_encrypt] if args.for_budgets else []
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
