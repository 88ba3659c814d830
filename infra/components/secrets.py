"""What protects a stack's secrets, and what tells whether one of them changed."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra import digests
from infra.components.encryption_key import EncryptionKey, EncryptionKeyArgs


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    """Inputs of `Secrets`.

    Attributes:
        key: Inputs of the key that encrypts them.
        stack: Name of the stack.
        values: The secrets by key of the configuration; an empty one is not set.
    """

    key: EncryptionKeyArgs
    stack: str
    values: Mapping[str, pulumi.Output[str]]


class Secrets(pulumi.ComponentResource):
    """A stack's key, and the digests of its secrets in an encrypted SSM parameter.

    The parameter holds no secret: a task compares digests without reading values.

    Attributes:
        key: Encrypts the functions' environments and the alarms' notifications.
        digests: Name of the parameter.
    """

    key: EncryptionKey
    digests: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: SecretsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:Secrets", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        # The key once stood by itself: without the alias a stack would get a second
        # one, and the first, with all that it encrypts, would be deleted.
        alone = pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)
        self.key = EncryptionKey(
            "functions",
            args.key,
            pulumi.ResourceOptions(parent=self, aliases=[alone]),
        )
        parameter = aws.ssm.Parameter(
            f"{name}-digests",
            name=digests.parameter_name(args.stack),
            description="Digests of the stack's secrets: ./bootstrap secrets.check",
            type="SecureString",
            key_id=self.key.arn,
            value=pulumi.Output.all(**args.values).apply(
                lambda values: digests.write(args.stack, dict(values))
            ),
            opts=child,
        )

        self.digests = parameter.name
        self.register_outputs({"digests": self.digests})
