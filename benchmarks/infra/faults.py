"""What a fault is: something wrong that is put in on purpose, and who must see it.

The tables of faults are shared: `tests/` proves that each is caught, the suite counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from infra.policies.resources import Registered, Resources

Layer = Literal[
    "types", "invariants", "config", "policies", "cfn-lint", "edge", "emulator"
]
"""In the order in which they look: ``types`` is mypy, ``invariants`` what a dataclass
of the catalog refuses, ``config`` what `StackConfig` refuses, ``policies`` the rules of
`infra.policies`, ``cfn-lint`` AWS's own schemas, ``edge`` the linters of CDN rules,
``emulator`` the real AWS emulator."""

PREFIX = "aws:"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        name: What is wrong, as a person would say it.
        layer: Who must see it.
        expected: Part of what that layer must say.
    """

    name: str
    layer: Layer
    expected: str


@dataclass(frozen=True, kw_only=True)
class ResourceFault(Fault):
    """A resource with wrong inputs, or a resource that is missing.

    Attributes:
        kind: Type of the resource, without ``aws:``.
        resource: Its name in the program.
        inputs: Inputs to change; ``None`` drops one.
        is_missing: Whether the whole resource is left out.
    """

    kind: str
    resource: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    is_missing: bool = False

    def put_into(self, clean: Resources) -> Resources:
        """Give the resources with the fault.

        Raises:
            LookupError: There is no such resource, so that nothing would be wrong.
        """
        rest = [each for each in clean if not self._is_it(each)]
        if len(rest) == len(clean):
            raise LookupError(f"{self.name}: no {self.kind} {self.resource}")
        if self.is_missing:
            return clean.but(rest)
        return clean.but(
            self._changed(each) if self._is_it(each) else each for each in clean
        )

    def changed(self, clean: Resources) -> Registered:
        """Give the changed resource alone."""
        return next(each for each in self.put_into(clean) if self._is_it(each))

    def _is_it(self, each: Registered) -> bool:
        kind = each.type.removeprefix(PREFIX)
        return (kind, each.name) == (self.kind, self.resource)

    def _changed(self, each: Registered) -> Registered:
        merged = {**each.inputs, **self.inputs}
        kept = {key: value for key, value in merged.items() if value is not None}
        known = {**each.outputs, **kept}
        dropped = {key for key, value in self.inputs.items() if value is None}
        outputs = {key: value for key, value in known.items() if key not in dropped}
        return replace(each, inputs=kept, outputs=outputs)


@dataclass(frozen=True, kw_only=True)
class OutputFault(Fault):
    """An output of the stack that should not be there.

    Attributes:
        outputs: Outputs to add.
    """

    outputs: Mapping[str, Any]

    def put_into(self, clean: Resources) -> Resources:
        """Give the same resources with the output."""
        found = clean.but(clean)
        found.outputs = {**clean.outputs, **self.outputs}
        return found


@dataclass(frozen=True, kw_only=True)
class CallFault(Fault):
    """A call that must be refused: of a dataclass, or of the program's start.

    Attributes:
        call: Makes what is wrong.
    """

    call: Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class ConfigFault(Fault):
    """A configuration with wrong values.

    Attributes:
        values: Values by key; ``None`` leaves a key out.
        plain: Key of a secret that is stored in plain text.
    """

    values: Mapping[str, str | None] = field(default_factory=dict)
    plain: str = ""


@dataclass(frozen=True, kw_only=True)
class TypeFault(Fault):
    """Code that mypy must refuse.

    Attributes:
        code: A module.
    """

    code: str
