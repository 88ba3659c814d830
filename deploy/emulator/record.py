"""What was provisioned, kept in the state folder; never a secret."""

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from deploy.errors import DeployError
from deploy.local.files import write_private

RECORD_FILE = "resources.json"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource that exists, or did when it was last looked at.

    Attributes:
        type: Pulumi's type token, e.g. ``aws:sqs/queue:Queue``.
        name: Name in the program.
        key: What it is called on the emulator; another key is another resource.
        id: Physical id.
        digest: SHA-256 of its inputs, secrets included.
        outputs: What the emulator gave it, e.g. its ARN; never a secret.
    """

    type: str
    name: str
    key: str
    id: str
    digest: str
    outputs: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def title(self) -> str:
        """Name it for a person, e.g. ``sqs.Queue llm-requests``."""
        return title(self.type, self.name)


def title(type_token: str, name: str) -> str:
    """Name a resource for a person.

    >>> title("aws:sqs/queue:Queue", "llm-requests")
    'sqs.Queue llm-requests'
    """
    _, module, kind = type_token.split(":")
    return f"{module.partition('/')[0]}.{kind} {name}"


class Record:
    """All resources of a stack, in the order in which they were made.

    Each change is written at once, so that an interrupted run leaves nothing behind
    that the next one does not know. Usable from threads.
    """

    def __init__(self, path: Path, resources: list[Resource]) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._resources = {(each.type, each.name): each for each in resources}

    @classmethod
    def load(cls, state: Path) -> Self:
        """Read the record of a state folder; an absent one is empty.

        Raises:
            DeployError: The file is damaged.
        """
        path = state / RECORD_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, [Resource(**each) for each in content["resources"]])
        except FileNotFoundError:
            return cls(path, [])
        except (ValueError, TypeError, KeyError) as exc:
            raise DeployError(
                f"{path}: damaged ({type(exc).__name__}): it is not known what exists"
                " on the emulator; without the file, everything is adopted or made",
                remedy=f"rm {path} && ./bootstrap deploy",
            ) from exc

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded."""
        return self._path.exists()

    def resources(self) -> list[Resource]:
        """List what is recorded, in the order of making."""
        with self._lock:
            return list(self._resources.values())

    def find(self, type_token: str, name: str) -> Resource | None:
        """Give what is recorded of one resource of the program."""
        with self._lock:
            return self._resources.get((type_token, name))

    def put(self, resource: Resource) -> None:
        """Record a resource as the one made last."""
        with self._lock:
            self._resources.pop((resource.type, resource.name), None)
            self._resources[resource.type, resource.name] = resource
            self._save()

    def remove(self, resource: Resource) -> None:
        """Forget a resource."""
        with self._lock:
            self._resources.pop((resource.type, resource.name), None)
            self._save()

    def _save(self) -> None:
        resources = [asdict(each) for each in self._resources.values()]
        content = {"format": FORMAT, "resources": resources}
        write_private(self._path, json.dumps(content, indent=1))
