"""KMS keys, their policies and their aliases."""

import json
from contextlib import suppress

from deploy.emulator.attributes import Attributes, read
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

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """A key that waits for its deletion encrypts nothing."""
        answer = look.call("kms", "TrentService.DescribeKey", KeyId=known.id)
        found = answer.json()["KeyMetadata"] if answer.found else {}
        if found.get("KeyState") != "Enabled":
            return None
        rotation = look.call("kms", "TrentService.GetKeyRotationStatus", KeyId=known.id)
        return {
            "Description": found["Description"],
            "KeyRotationEnabled": rotation.json().get("KeyRotationEnabled"),
        }


class KeyPolicy:
    """``aws:kms/keyPolicy:KeyPolicy``: a key has exactly one."""

    def key(self, inputs: Inputs) -> str:
        """The id of the key."""
        return str(inputs["keyId"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Write the policy."""
        self._write(aws, inputs["keyId"], inputs["policy"])
        return Made(id=inputs["keyId"])

    def delete(self, aws: Clients, known: Resource) -> None:
        """Go back to KMS's default: the account's IAM policies decide, no service."""
        arn = aws.of("kms").describe_key(KeyId=known.id)["KeyMetadata"]["Arn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{arn.split(':')[4]}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        self._write(aws, known.id, json.dumps(document))

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Tell the policy from the default, which has one statement."""
        answer = look.call(
            "kms", "TrentService.GetKeyPolicy", KeyId=known.id, PolicyName="default"
        )
        policy = read(answer.json()["Policy"]) if answer.found else {"Statement": []}
        return {"Policy": policy} if len(policy["Statement"]) > 1 else None

    def _write(self, aws: Clients, key_id: str, document: str) -> None:
        aws.of("kms").put_key_policy(
            KeyId=key_id, PolicyName="default", Policy=document
        )


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

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """An alias can stand for its key."""
        answer = look.call("kms", "TrentService.DescribeKey", KeyId=known.id)
        if not answer.found:
            return None
        return {"TargetKeyId": answer.json()["KeyMetadata"]["KeyId"]}
