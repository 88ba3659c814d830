"""What differs between two declared documents, resource by resource."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.planning import ledger
from deploy.planning.declared import leaves
from deploy.planning.highlights import short

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
ABSENT = "none"
VALUE_LENGTH_MAX = 60
"""Longer values are cut where they are shown; `--json` has them whole."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input that differs.

    Attributes:
        path: Where it is, e.g. ``environment.variables.STACK``.
        old: Its value before; ``None`` if it was not there or is secret.
        new: Its value now; ``None`` if it is gone or is secret.
        note: What is said in place of values that are not shown.
    """

    path: str
    old: Any = None
    new: Any = None
    note: str = ""

    @property
    def line(self) -> str:
        """Say it in a line: ``memorySize: 512 -> 1024``."""
        shown = self.note or f"{_short(self.old)} -> {_short(self.new)}"
        return f"{self.path}: {shown}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that differs.

    Attributes:
        how: ``added``, ``removed`` or ``changed``.
        type: Its type token.
        name: Its name in the program.
        inputs: What differs in it, if it is in both documents.
    """

    how: str
    type: str
    name: str
    inputs: tuple[Input, ...] = field(default=())

    @property
    def title(self) -> str:
        """Name it for a person, e.g. ``sqs.Queue llm-requests``."""
        return f"{short(self.type)} {self.name}"

    def lines(self) -> list[str]:
        """Say it in lines, one for each input that differs."""
        if not self.inputs:
            return [f"{self.how} {self.title}"]
        return [f"{self.how} {self.title} {each.line}" for each in self.inputs]


def between(before: ledger.Document | None, now: ledger.Document) -> list[Change]:
    """Compare two documents of a stack.

    Args:
        before: What the last deploy declared; ``None`` makes everything new.
        now: What the program declares.

    Returns:
        Sorted by type and name; components, which are names only, are left out.
    """
    old, new = _by_key(before), _by_key(now)
    found = []
    for kind, name in sorted({*old, *new}):
        was, has = old.get((kind, name)), new.get((kind, name))
        if was is None or has is None:
            how = ADDED if was is None else REMOVED
            found.append(Change(how=how, type=kind, name=name))
        elif inputs := tuple(_inputs(was, has)):
            found.append(Change(how=CHANGED, type=kind, name=name, inputs=inputs))
    return found


def _by_key(document: ledger.Document | None) -> dict[tuple[str, str], Any]:
    """Give the inputs of each resource that a provider makes."""
    resources = document["resources"] if document else []
    return {
        (each["type"], each["name"]): each["inputs"]
        for each in resources
        if not is_component(each["type"])
    }


def is_component(kind: str) -> bool:
    """Whether a type is one of the program's own: a name for a group of resources."""
    return kind.startswith("kiloscale:infra:")


def _inputs(was: Mapping[str, Any], has: Mapping[str, Any]) -> Iterator[Input]:
    """Compare the inputs of a resource."""
    old, new = dict(leaves(was)), dict(leaves(has))
    for path in sorted({*old, *new}):
        before, now = old.get(path), new.get(path)
        if before == now:
            continue
        if ledger.is_secret(before) or ledger.is_secret(now):
            yield Input(path=path, note=_secret_note(before, now))
        elif path.endswith((".made_from", ".sha256")):
            file = new.get(f"{path.rpartition('.')[0]}.file", "its content")
            yield Input(path=path.rpartition(".")[0], note=f"{file} changed")
        else:
            yield Input(path=path, old=before, new=now)


def _secret_note(before: Any, now: Any) -> str:
    """Say what became of a secret, without its value."""
    if before is None:
        return "secret, new"
    if now is None:
        return "secret, gone"
    if not (ledger.is_secret(before) and ledger.is_secret(now)):
        return "secret now" if ledger.is_secret(now) else "secret no longer"
    return "secret, changed"


def _short(value: Any) -> str:
    """Write a value in at most `VALUE_LENGTH_MAX` characters."""
    text = ABSENT if value is None else str(value)
    if len(text) <= VALUE_LENGTH_MAX:
        return text
    return f"{text[: VALUE_LENGTH_MAX - 3]}..."
