"""Follows the engine's events: what changes, what is under way, what failed."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.crons.masking import masked
from deploy.engine.changes import KIND_OF, KINDS, PAST, REPLACE, UPDATE, Change

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent

STACK_TYPE = "pulumi:pulumi:Stack"

MARKUP = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*[A-Za-z]")
"""The engine's own colour marks in diagnostics, and a terminal's."""

REASON_LINES = 6
"""How many lines of a provider's diagnostic are told; the rest is the same again."""

SAY_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A resource that could not be changed.

    Attributes:
        change: What was to happen.
        reason: The provider's words, without secrets.
    """

    change: Change
    reason: str


@dataclass(kw_only=True)
class Watch:
    """Collects one preview's or one update's events; called from other threads.

    Attributes:
        say: Told how far it is, at most once a second.
        expected: How many changes are expected; 0 if that is not known.
        changes: What changes, by URN, in order.
        done: URNs of what is done, in order.
        errors: Diagnostics of severity ``error``: URN, text. They may hold secrets;
            `failures` and `deploy.engine.failures` show them without.
        warnings: Diagnostics of severity ``warning``.
        unchanged: How many resources stay as they are.
        corrupt: Whether the engine says that its state may be wrong.
        told: How often each operation was told of, components included.
    """

    say: Callable[[str], None]
    expected: int = 0
    changes: dict[str, Change] = field(default_factory=dict)
    done: dict[str, Change] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unchanged: int = 0
    corrupt: bool = False
    told: Counter[str] = field(default_factory=Counter)
    _failed: dict[str, Change] = field(default_factory=dict)
    _active: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)
    _said: float = 0.0

    def __call__(self, event: "EngineEvent") -> None:
        """Take one event."""
        if event.resource_pre_event:
            self._begins(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._ends(event.res_outputs_event.metadata)
        elif event.res_op_failed_event:
            self._fails(event.res_op_failed_event.metadata)
        elif event.diagnostic_event:
            found = event.diagnostic_event
            self._diagnostic(found.severity, found.urn or "", found.message)
        elif event.policy_event:
            found_policy = event.policy_event
            named = f"policy {found_policy.policy_name}: {found_policy.message}"
            level = found_policy.enforcement_level
            severity = "error" if level == "mandatory" else "warning"
            self._diagnostic(severity, found_policy.resource_urn or "", named)
        elif event.summary_event:
            self.corrupt = event.summary_event.maybe_corrupt
        self._tell()

    @property
    def failures(self) -> list[Failure]:
        """What failed, with the reason that the provider gave."""
        return [
            Failure(change=change, reason=self._reason(urn))
            for urn, change in self._failed.items()
        ]

    @property
    def under_way(self) -> list[str]:
        """Names of what has begun and not ended."""
        return [self.changes[urn].name for urn in self._active]

    def counted(self) -> str:
        """Count what is done by kind, e.g. ``3 created, 1 replaced``."""
        counts = Counter(each.kind for each in self.done.values())
        return ", ".join(f"{counts[kind]} {PAST[kind]}" for kind in KINDS)

    def _begins(self, metadata: Any) -> None:
        """Note that an operation begins, or would."""
        self.told[operation(metadata)] += 1
        change = _change(metadata)
        if change is None:
            self.unchanged += is_counted(metadata) and metadata.op == "same"
            return
        known = self.changes.get(change.urn)
        self.changes[change.urn] = change if known is None else _merged(known, change)
        self._active.setdefault(change.urn, time.monotonic())

    def _ends(self, metadata: Any) -> None:
        """Note that an operation ended well, or would."""
        self._active.pop(metadata.urn, None)
        if metadata.urn in self.changes:
            self.done[metadata.urn] = self.changes[metadata.urn]
        elif metadata.type == STACK_TYPE and (change := _outputs_change(metadata)):
            self.changes[change.urn] = self.done[change.urn] = change

    def _fails(self, metadata: Any) -> None:
        """Note that an operation failed."""
        self._active.pop(metadata.urn, None)
        self.done.pop(metadata.urn, None)
        change = self.changes.get(metadata.urn) or _change(metadata)
        if change:
            self._failed[metadata.urn] = change

    def _diagnostic(self, severity: str, urn: str, message: str) -> None:
        """Keep what is wrong or worth a warning."""
        text = plain(message)
        if severity == "error" and text:
            self.errors.append((urn, text))
        elif severity == "warning" and text:
            self.warnings.append(clean(text))

    def _reason(self, urn: str) -> str:
        """Give what was said of a resource, or of everything."""
        said = [text for about, text in self.errors if about == urn]
        return clean("\n".join(said)) or "the engine gives no reason"

    def _tell(self) -> None:
        """Say how far it is, unless that was said a moment ago."""
        moment = time.monotonic()
        if moment - self._said < SAY_EVERY_S or not self.changes:
            return
        self._said = moment
        of = f" of {self.expected}" if self.expected else ""
        parts = [f"{len(self.done)}{of} done"]
        # Another thread may add to it meanwhile.
        for urn, since in list(self._active.items())[:2]:
            change = self.changes[urn]
            parts.append(f"{change.kind} {change.name} {moment - since:.0f} s")
        self.say(", ".join(parts) + f" ({moment - self._started:.0f} s)")


def plain(message: str) -> str:
    """Give a diagnostic without colours."""
    return MARKUP.sub("", message).strip()


def clean(message: str) -> str:
    """Give the first lines of a diagnostic, without colours and without secrets."""
    lines = [line.rstrip() for line in plain(message).splitlines()]
    kept = [line for line in lines if line.strip()]
    more = ["..."] if len(kept) > REASON_LINES else []
    return masked("\n".join(kept[:REASON_LINES] + more))


def is_counted(metadata: Any) -> bool:
    """Whether a resource exists at a provider: components and providers do not."""
    state = metadata.new or metadata.old
    is_own = metadata.type.startswith("pulumi:")
    return not is_own and (state is None or state.custom is not False)


def operation(metadata: Any) -> str:
    """Give the engine's name of an operation."""
    return str(getattr(metadata.op, "value", metadata.op))


def _change(metadata: Any) -> Change | None:
    """Read what happens to a resource; ``None`` if nothing does."""
    kind = KIND_OF.get(operation(metadata))
    if kind is None or not is_counted(metadata):
        return None
    why: Iterable[str] = ()
    if kind == REPLACE:
        why = metadata.keys or metadata.diffs or ()
    elif kind == UPDATE:
        why = metadata.diffs or sorted(metadata.detailed_diff or ())
    return Change(
        kind=kind,
        type=metadata.type,
        name=metadata.urn.rpartition("::")[2],
        urn=metadata.urn,
        why=tuple(why),
    )


def _merged(first: Change, then: Change) -> Change:
    """Take a replacement's steps together: it is created, replaced and deleted."""
    return first if first.why or not then.why else then


def _outputs_change(metadata: Any) -> Change | None:
    """Tell whether only the stack's outputs change, which no resource shows."""
    old, new = (
        metadata.old and metadata.old.outputs,
        metadata.new and metadata.new.outputs,
    )
    if not new or not old or old == new:
        return None
    return Change(
        kind=UPDATE, type=STACK_TYPE, name="outputs", urn=metadata.urn, why=("outputs",)
    )
