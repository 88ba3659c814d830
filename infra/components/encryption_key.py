"""The key that encrypts the functions' environments."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

DELETION_WINDOW_DAYS = 30
"""The longest that KMS waits before it destroys a key (ScheduleKeyDeletion)."""


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """Inputs of `EncryptionKey`.

    Attributes:
        physical_name: Name of its alias, without ``alias/``.
    """

    physical_name: str


class EncryptionKey(pulumi.ComponentResource):
    """A customer-managed KMS key, rotated each year by AWS, and its alias.

    It keeps KMS's default key policy, under which IAM policies of the account decide;
    each role that may use the key says so in its own policy.

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
            description=f"Environments of the functions ({args.physical_name})",
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

        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
