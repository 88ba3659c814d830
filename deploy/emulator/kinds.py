"""What each kind of resource must be able to do on the emulator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from deploy.emulator.attributes import Attributes
from deploy.emulator.clients import Clients
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

Inputs = Mapping[str, Any]
"""A resource's inputs in Pulumi's names, free of wrappers: secrets are plain, whole
numbers are ``int``, an archive is a `Zip`."""


@dataclass(frozen=True, kw_only=True)
class Zip:
    """The code of a function.

    Attributes:
        path: Where it is.
        sha256: Of its bytes; base64, as in Lambda's ``CodeSha256``.
    """

    path: Path
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of a resource.

    Attributes:
        id: Physical id.
        outputs: What the program may read besides the inputs; never a secret.
    """

    id: str
    outputs: dict[str, str] = field(default_factory=dict)


class Kind(Protocol):
    """One type of resource."""

    def key(self, inputs: Inputs) -> str:
        """Name what cannot change in place: another key is another resource."""

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the resource, or bring one of the same key to these inputs.

        Args:
            aws: Clients of the emulator.
            name: Name in the program.
            inputs: Its inputs.
            known: What is recorded and exists; ``None`` does not rule out that a
                resource of this key exists.
        """

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the resource; `botocore` raises if it is gone."""

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Give what the emulator has, no secret in plain; ``None`` if it has none."""


def translate(inputs: Inputs, names: Mapping[str, str]) -> dict[str, Any]:
    """Turn Pulumi's inputs into the arguments of an AWS call.

    Args:
        inputs: The inputs; ``None`` counts as absent.
        names: Names of the arguments by name of the input.

    Raises:
        ValueError: An input has no name here, so that it would be lost in silence.
    """
    unknown = sorted(set(inputs) - set(names))
    if unknown:
        raise ValueError(f"no argument is known for the inputs {', '.join(unknown)}")
    return {
        names[key]: pascal(value) for key, value in inputs.items() if value is not None
    }


def pascal(value: Any) -> Any:
    """Capitalise the keys of nested inputs, as the AWS API has them.

    >>> pascal({"deadLetterConfig": {"arn": "arn:aws:sqs:..."}})
    {'DeadLetterConfig': {'Arn': 'arn:aws:sqs:...'}}
    """
    if isinstance(value, Mapping):
        return {key[0].upper() + key[1:]: pascal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [pascal(item) for item in value]
    return value
