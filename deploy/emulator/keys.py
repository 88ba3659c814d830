"""KMS keys and their aliases."""

from contextlib import suppress

from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

DELETION_WINDOW_DAYS = 7
"""The shortest that KMS accepts; nothing local is worth waiting longer for."""


class Key:
    """``aws:kms/key:Key``."""

    def key(self, inputs: Inputs) -> str:
        """Everything about a key can change in place."""
        return "key"

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make a key, or update the one that is known."""
        kms = aws.of("kms")
        description = inputs.get("description", "")
        if known:
            key_id = known.id
            kms.update_key_description(KeyId=key_id, Description=description)
        else:
            key_id = kms.create_key(Description=description)["KeyMetadata"]["KeyId"]
        if inputs.get("enableKeyRotation"):
            kms.enable_key_rotation(KeyId=key_id)
        else:
            kms.disable_key_rotation(KeyId=key_id)
        arn = kms.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
        return Made(id=key_id, outputs={"arn": arn, "keyId": key_id})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Schedule the deletion: KMS has no other."""
        aws.of("kms").schedule_key_deletion(
            KeyId=known.id, PendingWindowInDays=DELETION_WINDOW_DAYS
        )

    def exists(self, look: Look, known: Resource) -> bool:
        """A key that waits for its deletion encrypts nothing."""
        answer = look.call("kms", "TrentService.DescribeKey", KeyId=known.id)
        return answer.found and answer.json()["KeyMetadata"]["KeyState"] == "Enabled"


class KeyAlias:
    """``aws:kms/alias:Alias``."""

    def key(self, inputs: Inputs) -> str:
        """Its name, ``alias/...``."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Point the alias at the key."""
        kms = aws.of("kms")
        alias, target = inputs["name"], inputs["targetKeyId"]
        with suppress(kms.exceptions.NotFoundException):
            kms.delete_alias(AliasName=alias)
        kms.create_alias(AliasName=alias, TargetKeyId=target)
        return Made(id=alias)

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the alias; the key stays."""
        aws.of("kms").delete_alias(AliasName=known.id)

    def exists(self, look: Look, known: Resource) -> bool:
        """An alias can stand for its key."""
        return look.call("kms", "TrentService.DescribeKey", KeyId=known.id).found
