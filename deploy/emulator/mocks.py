"""Pulumi mocks that make, update and keep resources on the AWS emulator."""

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pulumi

from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Kind, Made, Zip
from deploy.emulator.live import unreachable
from deploy.emulator.record import Record, Resource, title
from deploy.emulator.table import kind_of
from deploy.errors import DeployError, HalfDoneError

if TYPE_CHECKING:
    from deploy.bundles import Bundle
    from deploy.local.facts import LocalStack

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Marks a wrapped value, such as a secret, in what mocks get (pulumi SDK, rpc.py)."""


class EmulatorMocks(pulumi.runtime.Mocks):
    """Stand in for the engine and the AWS provider.

    Attributes:
        created: Titles of what was made.
        updated: Titles of what was changed.
        unchanged: Titles of what was left alone.
        seen: Type and name of every resource of the program.
        failure: What went wrong first; Pulumi wraps what is raised.
    """

    def __init__(
        self,
        stack: "LocalStack",
        record: Record,
        gone: Collection[Resource],
        bundles: Mapping[str, "Bundle"],
        progress: Callable[[str], None],
        *,
        differs: Collection[Resource] = (),
    ) -> None:
        self._stack = stack
        self._aws = Clients(stack)
        self._record = record
        self._gone = {(each.type, each.name) for each in gone}
        self._differs = {(each.type, each.name) for each in differs}
        self._bundles = bundles
        self._progress = progress
        self._lock = threading.Lock()
        self.created: list[str] = []
        self.updated: list[str] = []
        self.unchanged: list[str] = []
        self.seen: set[tuple[str, str]] = set()
        self.failure: DeployError | None = None

    def delete(self, resource: Resource) -> None:
        """Delete a resource from the emulator.

        Raises:
            DeployError: The emulator refused, or does not answer.
        """
        try:
            kind_of(resource.type, resource.name).delete(self._aws, resource)
        except Exception as exc:
            raise self._explain(resource.type, resource.name, exc) from exc

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Refuse to look anything up: the program declares and does not ask."""
        raise DeployError(
            f"{args.token}: the local stack answers no provider functions; take the"
            " value from a resource or from the configuration"
        )

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        """Provision one resource; called from several threads at once."""
        if not args.custom:
            return f"{args.name}-id", args.inputs
        try:
            inputs = self._plain(args.inputs)
            resource = self._settle(args.typ, args.name, inputs)
        except Exception as exc:
            error = self._explain(args.typ, args.name, exc)
            with self._lock:
                self.failure = self.failure or error
            raise error from exc
        return resource.id, {**args.inputs, **resource.outputs}

    def _settle(self, type_token: str, name: str, inputs: Inputs) -> Resource:
        """Make, change or keep the resource, and record it."""
        kind = kind_of(type_token, name)
        digest = digest_of(inputs)
        key = kind.key(inputs)
        known = self._existing(type_token, name)
        self._note(self.seen.add, (type_token, name))
        as_recorded = known and (known.digest, known.key) == (digest, key)
        # What somebody changed is put again, whatever the record says.
        if known and as_recorded and (type_token, name) not in self._differs:
            self._note(self.unchanged.append, known.title)
            # Put again, so that the record's order is that of this program.
            self._record.put(known)
            return known
        if known and known.key != key:
            self._set_aside(known)
            known = None
        self._progress(f"{'update' if known else 'create'} {title(type_token, name)}")
        made = self._put(kind, name, inputs, known)
        resource = Resource(
            type=type_token,
            name=name,
            key=key,
            id=made.id,
            digest=digest,
            outputs=made.outputs,
        )
        self._record.put(resource)
        self._note((self.updated if known else self.created).append, resource.title)
        return resource

    def _put(
        self, kind: Kind, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make or change a resource, once more where the connection was dropped.

        On a busy machine the emulator drops one now and then, without an answer. Every
        kind looks before it makes, so that twice is harmless.
        """
        from botocore.exceptions import ConnectionClosedError

        try:
            return kind.put(self._aws, name, inputs, known)
        except ConnectionClosedError:
            self._progress(f"the emulator dropped a connection; again {name}")
            return kind.put(self._aws, name, inputs, known)

    def _existing(self, type_token: str, name: str) -> Resource | None:
        """Give what is recorded of a resource, unless the emulator has lost it."""
        if (type_token, name) in self._gone:
            return None
        return self._record.find(type_token, name)

    def _set_aside(self, known: Resource) -> None:
        """Keep what has another key now under a name that no program has.

        It is deleted at the end of the run, or of the next one, after all that
        depends on it.
        """
        self._record.put(replace(known, name=f"{known.name} (replaced)"))

    def _note(self, note: Callable[[Any], None], value: object) -> None:
        with self._lock:
            note(value)

    def _plain(self, value: Any) -> Any:
        """Take a value out of Pulumi's wrappers."""
        if isinstance(value, dict):
            if SIGNATURE in value and "value" in value:
                return self._plain(value["value"])
            return {key: self._plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, pulumi.FileArchive):
            return self._zip(value.path)
        return value

    def _zip(self, path: str) -> Zip:
        """Find the zip that the program names."""
        service = PurePath(path).stem
        bundle = self._bundles.get(service)
        if bundle is None:
            raise DeployError(
                f"{path}: no zip was built for {service}; there are zips for"
                f" {', '.join(sorted(self._bundles)) or 'nothing'}",
                remedy="./bootstrap deploy",
            )
        return Zip(path=bundle.path, sha256=bundle.sha256)

    def _explain(self, type_token: str, name: str, exc: Exception) -> DeployError:
        """Say which resource failed, and what the emulator said."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as NoConnectionError

        if isinstance(exc, DeployError):
            return exc
        if isinstance(exc, (HTTPClientError, NoConnectionError)):
            return unreachable(self._stack, exc)
        if not isinstance(exc, (BotoCoreError, ClientError, ValueError)):
            # A defect of ours: the traceback tells more than any text.
            raise exc
        return HalfDoneError(
            f"{type_token} ({name}): {exc}; what was made before it stays, and the"
            " next run goes on from there",
            remedy="./bootstrap deploy",
            evidence={"type": type_token, "name": name},
        )


def digest_of(inputs: Inputs) -> str:
    """Give the SHA-256 of a resource's inputs."""
    text = json.dumps(inputs, sort_keys=True, default=_code_hash)
    return hashlib.sha256(text.encode()).hexdigest()


def _code_hash(value: object) -> str:
    """Stand for a zip by its content: its path may differ and mean nothing."""
    if isinstance(value, Zip):
        return value.sha256
    raise TypeError(f"{type(value).__name__} among a resource's inputs")
