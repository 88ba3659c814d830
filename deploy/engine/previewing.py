"""A preview: what an update would do, as the engine itself says."""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.engine.changes import DELETE, REPLACE, Change, counted, listed, losses
from deploy.errors import DeployError, UsageError

if TYPE_CHECKING:
    from deploy.engine.workspace import Engine


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What the engine would do.

    Attributes:
        engine: The stack, opened.
        changes: What would change.
        unchanged: How many resources would stay as they are.
        warnings: What the engine and the policies warn of.
        ms: Time that it took, in milliseconds.
        update: Number of the stack's newest update when it began; ``None`` before the
            first.
        moved: Functions whose alias is not where the state has it; if there are any,
            the engine looks at what is really there first, and the update has to.
    """

    engine: "Engine"
    changes: tuple[Change, ...]
    unchanged: int
    warnings: tuple[str, ...]
    ms: float
    update: int | None = None
    moved: tuple[str, ...] = ()

    def title(self) -> str:
        """Say it in one line."""
        if not self.changes:
            return f"the engine would change nothing: {self.unchanged} resources"
        return f"{counted(self.changes)}; {self.unchanged} stay as they are"

    def lines(self) -> list[str]:
        """Say it to a person who is to say yes."""
        told = [f"  {moved_title(self.moved)}"] if self.moved else []
        warned = [f"  {warning}" for warning in self.warnings]
        return [self.title(), *listed(self.changes), *told, *warned]

    def as_json(self) -> dict[str, object]:
        """Give it in the form that evidence and plan files hold."""
        return {
            "changes": [each.as_json() for each in self.changes],
            "unchanged": self.unchanged,
            "warnings": list(self.warnings),
        }


def preview(deployment: Deployment) -> Preview:
    """Ask the engine what an update would do; the zips are built for it, if need be.

    Raises:
        DeployError: The CLI, the backend, the configuration, a provider or a policy
            refuses.
    """
    from deploy.engine import aliases
    from deploy.engine.meanwhile import last_update
    from deploy.engine.watch import Watch
    from deploy.engine.workspace import explained, open_stack

    started = time.perf_counter()
    engine = open_stack(deployment)
    moved = aliases.moved(deployment, engine)
    deployment.progress("previewing what the engine would change")
    watch = Watch(say=lambda told: deployment.progress(f"previewing: {told}"))
    with explained(deployment, watch):
        update = last_update(engine)
        found = engine.stack.preview(
            on_event=watch, color="never", suppress_outputs=True, refresh=bool(moved)
        )
    _refuse_untold(deployment, found.change_summary, watch.told)
    return Preview(
        engine=engine,
        changes=tuple(watch.changes.values()),
        unchanged=watch.unchanged,
        warnings=tuple(dict.fromkeys(watch.warnings)),
        ms=(time.perf_counter() - started) * 1000,
        update=update,
        moved=moved,
    )


def moved_title(functions: Collection[str]) -> str:
    """Say which aliases moved, and what follows."""
    return (
        f"moved since the last update, by a rollback or a withdrawn release:"
        f" {', '.join(functions)}; deploying makes the newest code live again"
    )


def _refuse_untold(
    deployment: Deployment, counted: Mapping[Any, int], told: Mapping[str, int]
) -> None:
    """Refuse a preview that counts more losses than it told of.

    The Automation API drops an event that it cannot read, e.g. of a newer CLI. What is
    not told of cannot be refused by name.

    Raises:
        DeployError: Says how many are not known.
    """
    for operation in (DELETE, REPLACE):
        missing = counted.get(operation, 0) - told.get(operation, 0)
        if missing > 0:
            raise DeployError(
                f"the engine counts {missing} {operation} more than it told of: what"
                " would be lost is not known; nothing was changed",
                remedy=f"pulumi preview --stack {deployment.stack}; after an upgrade of"
                " Kiloscale, ./bootstrap deploy",
            )


def refuse_losses(deployment: Deployment, seen: Preview) -> None:
    """Refuse what would lose something for good, unless it is allowed by name.

    Raises:
        UsageError: Names each, what is lost, and the words that allow it.
    """
    found = losses(seen.changes, deployment.allowed_losses)
    if not found:
        return
    told = "; ".join(
        f"{each.kind} {each.type} {each.name}: {each.loss}" for each in found
    )
    names = ",".join([*deployment.allowed_losses, *(each.name for each in found)])
    raise UsageError(
        f"the update would lose something for good: {told}. Nothing was changed",
        remedy=f"./bootstrap deploy --allow-replace {names}",
        evidence={"losses": [each.as_json() for each in found]},
    )


def results(seen: Preview, allowed: Collection[str]) -> list[Result]:
    """Report a preview: what would change, what would be lost, what is warned of."""
    changes = Result(
        id="infrastructure.preview",
        title=seen.title(),
        status=Status.PASS,
        evidence={**seen.engine.facts(), **seen.as_json()},
        planned=bool(seen.changes),
        ms=seen.ms,
    )
    return [changes, *_moved(seen), *_lost(seen, allowed), *_warned(seen)]


def _moved(seen: Preview) -> Iterator[Result]:
    """Say which aliases are not where the state has them."""
    if seen.moved:
        yield Result(
            id="infrastructure.aliases",
            title=moved_title(seen.moved),
            status=Status.PASS,
            evidence={"moved": list(seen.moved), "refresh": True},
        )


def _lost(seen: Preview, allowed: Collection[str]) -> Iterator[Result]:
    """Warn of each loss that nobody has allowed."""
    for each in losses(seen.changes, allowed):
        yield Result(
            id=f"infrastructure.loss-{each.name}",
            title=f"{each.kind} {each.type}: {each.loss}",
            status=Status.WARN,
            evidence=each.as_json(),
            remedy=f"./bootstrap deploy --allow-replace {each.name}",
        )


def _warned(seen: Preview) -> Iterator[Result]:
    """Pass on what the engine and the policies warn of."""
    if seen.warnings:
        first = seen.warnings[0].splitlines()[0]
        yield Result(
            id="infrastructure.warnings",
            title=f"{len(seen.warnings)} warnings; the first: {first}",
            status=Status.WARN,
            evidence={"warnings": list(seen.warnings)},
        )
