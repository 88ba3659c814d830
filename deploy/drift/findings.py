"""What a part of the comparison yields: what it looked at, and each difference."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploy import checklist
from deploy.checklist import Result, Status

WIDTH = 60
"""Characters of a value that a title shows; the evidence has all of it."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One attribute that is not as declared.

    Attributes:
        name: Its name, e.g. ``MemorySize``.
        declared: What was deployed; ``None`` if nothing was.
        found: What is there; ``None`` if nothing is.
        is_secret: Whether both values must not be shown.
    """

    name: str
    declared: Any
    found: Any
    is_secret: bool = False

    def __str__(self) -> str:
        if self.is_secret:
            return f"{self.name} {_about_secret(self.declared, self.found)}"
        return f"{self.name} is {short(self.found)}, declared {short(self.declared)}"

    def evidence(self) -> dict[str, object]:
        """Give it as JSON."""
        if self.is_secret:
            return {"attribute": self.name, "differs": True}
        return {
            "attribute": self.name,
            "declared": self.declared,
            "found": self.found,
        }


GONE = Difference(name="it", declared="there", found="gone")
"""The only difference of a resource that does not exist."""


def _about_secret(declared: object, found: object) -> str:
    """Say how a secret value differs."""
    if declared is None:
        return "is there and not declared"
    return "is gone" if found is None else "has another value"


def short(value: object) -> str:
    """Write a value for a title.

    >>> short(512), short(None), short("x" * 80)[-4:]
    ('512', 'nothing', 'x...')
    """
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."


def differs(
    part: str,
    name: str,
    resource: str,
    differences: Sequence[Difference],
    remedy: str,
) -> Result:
    """Report a resource that is not as declared.

    Args:
        part: The part that looked, e.g. ``crons``.
        name: Name of the resource, for the id.
        resource: The resource for a person, e.g. ``sqs.Queue llm-requests``.
        differences: In what it differs.
        remedy: The command that sets it right.
    """
    return Result(
        id=f"{part}.{name}",
        title=f"{resource}: {'; '.join(map(str, differences))}",
        status=Status.WARN,
        evidence={
            "resource": resource,
            "differs": [each.evidence() for each in differences],
        },
        remedy=remedy,
        planned=True,
    )


def looked_at(part: str, what: str, different: int) -> Result:
    """Say what a part looked at, and how much of it differs."""
    return Result(
        id=f"{part}.looked-at",
        title=f"{what}: {different or 'none'} {'differ' if different else 'differs'}",
        status=Status.PASS,
        evidence={"looked_at": what, "different": different},
    )


def skipped(part: str, reason: str, remedy: str | None = None) -> Iterator[Result]:
    """Say why a part did not look."""
    yield checklist.skipped(f"{part}.skipped", reason, remedy)
