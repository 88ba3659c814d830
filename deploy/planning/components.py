"""Groups recorded resources by the component that declares them."""

from collections.abc import Callable
from dataclasses import dataclass

from deploy.planning import highlights
from deploy.planning.changes import is_component
from deploy.planning.recording import Key, Recorded
from infra.policies.resources import Registered, Resources


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component of the program, with all that is below it.

    Attributes:
        kind: Its type in short, e.g. ``PythonService``.
        name: Its name in the program.
        resources: What a provider makes of it, by type and name.
        matters: The inputs that a person asks about first, without secrets.
    """

    kind: str
    name: str
    resources: tuple[Registered, ...]
    matters: str


def made(recorded: Recorded) -> Resources:
    """Give the resources that a provider makes: all but the components."""
    return Resources(each for each in recorded.resources if not is_component(each.type))


def of(recorded: Recorded, masked: Callable[[str], str]) -> list[Component]:
    """Group what was recorded, ordered by kind and name.

    Args:
        recorded: What the program declares.
        masked: Takes secrets out of a text: one may stand where it must not.
    """
    groups: dict[Key, list[Registered]] = {}
    for each in made(recorded):
        groups.setdefault(_root(recorded, each), []).append(each)
    found = [
        Component(
            kind=highlights.short(kind),
            name=name,
            resources=tuple(sorted(members, key=lambda each: (each.type, each.name))),
            matters=masked("; ".join(highlights.of(members))),
        )
        for (kind, name), members in groups.items()
    ]
    return sorted(found, key=lambda each: (each.kind, each.name))


def _root(recorded: Recorded, resource: Registered) -> Key:
    """Find the component at the top of a resource; itself if there is none."""
    key = (resource.type, resource.name)
    while key in recorded.parents:
        key = recorded.parents[key]
    return key
