"""What each resource was like when it was provisioned, against what it is now."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.emulator.attributes import Attributes
from deploy.emulator.live import Look
from deploy.emulator.record import Record, Resource
from deploy.emulator.table import kind_of
from deploy.local.files import write_private

if TYPE_CHECKING:
    from deploy.local.facts import LocalStack

FILE = "provisioned.json"
INLINE = "InlinePolicies"
UNKNOWN = "not recorded"

Seen = Mapping[Resource, Attributes | None]
"""What the emulator has of each recorded resource; ``None`` if it has none."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One attribute that is not what was provisioned.

    Attributes:
        resource: Whose.
        attribute: Its path, e.g. ``Environment.STACK``.
        declared: What was provisioned; ``None`` if nothing was.
        found: What is there; ``None`` if nothing is.
    """

    resource: Resource
    attribute: str
    declared: Any
    found: Any


def survey(stack: "LocalStack", record: Record) -> Seen:
    """Ask the emulator for every recorded resource, in the order of making.

    Raises:
        DeployError: It does not answer.
    """
    look = Look(stack)
    recorded = record.resources()
    ids = {resource.id for resource in recorded}
    try:
        return {
            resource: _apart(
                kind_of(resource.type, resource.name).read(look, resource),
                resource,
                ids,
            )
            for resource in recorded
        }
    finally:
        look.close()


def _apart(
    found: Attributes | None, resource: Resource, ids: Collection[str]
) -> Attributes | None:
    """Leave out of a role its recorded policies: they are resources of their own."""
    if found is None or INLINE not in found:
        return found
    foreign = [name for name in found[INLINE] if f"{resource.id}:{name}" not in ids]
    return {**found, INLINE: foreign}


def gone(seen: Seen) -> list[Resource]:
    """List what the emulator does not have."""
    return [resource for resource, found in seen.items() if found is None]


def differences(state: Path, seen: Seen) -> list[Difference]:
    """Compare what is there with what was provisioned; what is gone is not compared.

    What nothing is known of, because the file was lost for instance, differs as a
    whole: the next deploy puts it again.
    """
    before = _load(state)
    return [
        Difference(resource=resource, attribute=path, declared=was, found=now)
        for resource, found in seen.items()
        if found is not None
        for path, was, now in _compare("", before.get(_key(resource), UNKNOWN), found)
    ]


def save(state: Path, seen: Seen, mended: Collection[tuple[Resource, str]]) -> None:
    """Keep what was provisioned.

    Args:
        state: The state folder.
        seen: What is there right after.
        mended: Resources that were put again because somebody had changed them, with
            the digest of their inputs before. If the inputs are the same, what was
            kept stays: what a run cannot mend is not forgotten.
    """
    before = _load(state)
    unchanged = {
        _key(resource) for resource, digest in mended if resource.digest == digest
    }
    kept = {
        _key(resource): before.get(_key(resource), found)
        if _key(resource) in unchanged
        else found
        for resource, found in seen.items()
        if found is not None
    }
    write_private(state / FILE, json.dumps(kept, indent=1, sort_keys=True))


def _load(state: Path) -> dict[str, Attributes]:
    """Read what was kept; empty if nothing was, or the file is damaged."""
    try:
        found = json.loads((state / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _key(resource: Resource) -> str:
    """Name a resource in the file; another physical one counts as another."""
    return f"{resource.title} {resource.id}"


def _compare(path: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield path and both values of what differs, as deep as both are structures."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in _names(was, now):
            inner = f"{path}.{name}" if path else name
            yield from _compare(inner, was.get(name), now.get(name))
    elif was == UNKNOWN:
        yield "it", was, "there"
    elif was != now:
        yield path, was, now


def _names(*structures: Iterable[str]) -> list[str]:
    """List the names of several structures once each, sorted."""
    return sorted({name for each in structures for name in each})
