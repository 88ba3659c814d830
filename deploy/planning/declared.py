"""What a stack's program declares, as a document without secrets.

All resources with their inputs, in an order and a form that are the same each time:
what differs between two documents differs in the stack.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import pulumi

from deploy.planning import ledger
from deploy.planning.ledger import SECRET, Document
from deploy.planning.recording import Recorded
from infra.policies.resources import SECRET as WRAPPED
from infra.policies.resources import is_secret

TEXT_LENGTH_MAX = 2_000
"""Longer texts, a Worker's script for instance, are digested."""


PROVIDER = "pulumi:providers:"
"""How the type token of a provider's configuration begins."""


@dataclass(frozen=True, kw_only=True)
class Exposed:
    """A secret that would stand in plain text in the stack's state.

    Attributes:
        resource: Name of the resource.
        path: Where in its inputs.
    """

    resource: str
    path: str


@dataclass(kw_only=True)
class Writer:
    """Writes inputs without secrets.

    Attributes:
        key: Key of the secrets' digests.
        hidden: Values that no text may contain.
        zips: Digest of what each zip is made from, by service.
        exposed: Where such a value was found outside of a secret.
    """

    key: bytes = field(repr=False)
    hidden: Sequence[str] = field(repr=False)
    zips: Mapping[str, str]
    exposed: list[Exposed] = field(default_factory=list)

    def value(self, value: Any, at: Exposed, *, secret: bool = False) -> Any:
        """Write a value, and all that it holds."""
        if is_secret(value):
            return self.value(value["value"], at, secret=True)
        if isinstance(value, Mapping):
            return {
                name: self.value(item, _below(at, name), secret=secret)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [
                self.value(item, _below(at, str(index)), secret=secret)
                for index, item in enumerate(value)
            ]
        if secret:
            return {SECRET: self.digest(value)}
        if isinstance(value, pulumi.Asset | pulumi.Archive):
            return self._file(value)
        return self._plain(value, at)

    def digest(self, value: object) -> str:
        """Digest a secret under the stack's key."""
        text = json.dumps(value, sort_keys=True, default=str)
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:32]

    def _plain(self, value: Any, at: Exposed) -> Any:
        """Write a single value that is not meant to be secret."""
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, str):
            return value
        if any(each in value for each in self.hidden):
            self.exposed.append(at)
            return {SECRET: self.digest(value)}
        parsed = _structure(value)
        if parsed is not None:
            return self.value(parsed, at)
        if len(value) > TEXT_LENGTH_MAX:
            made = hashlib.sha256(value.encode()).hexdigest()
            return {"characters": len(value), "sha256": made}
        return value

    def _file(self, value: pulumi.Asset | pulumi.Archive) -> dict[str, str]:
        """Write a file: a service's zip by what it is made from, whether built or not.

        Zips are deterministic, so that the same sources are the same bytes.
        """
        name = PurePath(getattr(value, "path", "")).name
        text = getattr(value, "text", None)
        if isinstance(text, str):
            return {"sha256": hashlib.sha256(text.encode()).hexdigest()}
        return {"file": name, "made_from": self.zips.get(PurePath(name).stem, "")}


def document(
    stack: str,
    recorded: Recorded,
    writer: Writer,
    providers: Mapping[str, Mapping[str, Any]] | None = None,
) -> Document:
    """Write what was recorded.

    Args:
        stack: Name of the stack.
        recorded: What the program declared in an update.
        writer: Keeps secrets out, and notes where one was in plain text.
        providers: Configuration of the providers by name, e.g. ``aws``: what they do
            with every resource, as tags of all, stands in no resource's inputs.
    """
    resources: list[dict[str, Any]] = [
        {
            "type": each.type,
            "name": each.name,
            "parent": "/".join(recorded.parents.get((each.type, each.name), ())),
            "inputs": writer.value(
                dict(each.inputs), Exposed(resource=each.name, path="")
            ),
        }
        for each in recorded.resources
    ]
    for name, settings in (providers or {}).items():
        at = Exposed(resource=name, path="")
        resources.append(
            {
                "type": f"{PROVIDER}{name}",
                "name": "default",
                "parent": "",
                "inputs": writer.value(dict(settings), at),
            }
        )
    resources.sort(key=lambda each: (each["type"], each["name"]))
    return {"format": ledger.FORMAT, "stack": stack, "resources": resources}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give each single value of an input, with its path, e.g. ``tags.stack``.

    An empty structure has none, like one that is not there.
    """
    if isinstance(value, Mapping) and not ledger.is_secret(value):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _structure(value: str) -> dict[str, Any] | list[Any] | None:
    """Give what a text holds as JSON, e.g. a policy; ``None`` for other texts."""
    if value[:1] not in {"{", "["}:
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return None
    # A wrapper of Pulumi's that comes as text is no structure of ours.
    holds = isinstance(found, dict | list) and WRAPPED not in found
    return found if holds else None


def _below(at: Exposed, name: str) -> Exposed:
    """Give the place of a member."""
    return Exposed(resource=at.resource, path=f"{at.path}.{name}" if at.path else name)
