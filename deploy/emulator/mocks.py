"""Pulumi mocks that make, update and keep resources on the AWS emulator."""

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pulumi

from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Kind, Zip
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
    ) -> None:
        self._stack = stack
        self._aws = Clients(stack)
        self._record = record
        self._gone = {(each.type, each.name) for each in gone}
        self._bundles = bundles
        self._progress = progress
        self._lock = threading.Lock()
        self.created: list[str] = []
        self.updated: list[str] = []
        self.unchanged: list[str] = []
        self.seen: set[tuple[str, str]] = set()
        self.failure: DeployError | None = None

    @property
    def aws(self) -> Clients:
        """The clients that the resources were made with."""
        return self._aws

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
            error = self._explain(args, exc)
            with self._lock:
                self.failure = self.failure or error
            raise error from exc
        return resource.id, {**args.inputs, **resource.outputs}

    def _settle(self, type_token: str, name: str, inputs: Inputs) -> Resource:
        """Make, change or keep the resource, and record it."""
        kind = kind_of(type_token, name)
        digest = digest_of(inputs)
        key = kind.key(inputs)
        known = self._record.find(type_token, name)
        self._note(self.seen.add, (type_token, name))
        if known and (type_token, name) not in self._gone:
            if (known.digest, known.key) == (digest, key):
                self._note(self.unchanged.append, known.title)
                # Put again, so that the record's order is that of this program.
                self._record.put(known)
                return known
            if known.key != key:
                self._replace(kind, known)
                known = None
        else:
            known = None
        self._progress(f"{'update' if known else 'create'} {title(type_token, name)}")
        made = kind.put(self._aws, name, inputs, known)
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

    def _replace(self, kind: Kind, known: Resource) -> None:
        """Delete what has another key now, so that it can be made anew."""
        self._progress(f"replace {known.title}")
        kind.delete(self._aws, known)
        self._record.remove(known)

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

    def _explain(
        self, args: pulumi.runtime.MockResourceArgs, exc: Exception
    ) -> DeployError:
        """Say which resource failed, and what the emulator said."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        if isinstance(exc, DeployError):
            return exc
        if isinstance(exc, HTTPClientError):
            return unreachable(self._stack, exc)
        if not isinstance(exc, (BotoCoreError, ClientError, ValueError, KeyError)):
            # A defect of ours: the traceback tells more than any text.
            raise exc
        return HalfDoneError(
            f"{args.typ} ({args.name}): {exc}; what was made before it stays, and the"
            " next run goes on from there",
            remedy="./bootstrap deploy",
            evidence={"type": args.typ, "name": args.name},
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
