"""What the engine's refresh finds: resources that are not as the state has them.

``pulumi refresh --preview-only``: the providers are asked, the program does not run and
the state stays as it is.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from deploy.checklist import Result, Status
from deploy.crons.masking import masked
from deploy.deployment import Deployment
from deploy.drift.findings import GONE, Difference, differs, looked_at, skipped
from deploy.engine import cli
from deploy.engine.changes import DELETE, UPDATE
from deploy.engine.watch import Watch, is_counted, operation

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent

PART = "infrastructure"
HIDDEN = "[secret]"
"""What an event has in the place of a secret (pulumi, ``pkg/display/json.go``)."""

NAMES_HIDDEN = ("code", "content", "endpoint", "value")
"""Properties whose values may be secret although nobody marked them."""

Properties = Mapping[str, Any]


class Refresh:
    """Collects one refresh's events.

    Attributes:
        watch: Takes the errors that the engine tells of.
        found: Metadata of what differs or is gone, by URN.
        looked: How many resources were looked at.
    """

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.found: dict[str, Any] = {}
        self.looked = 0

    def __call__(self, event: "EngineEvent") -> None:
        """Take one event. What a refresh found is the operation that ends it."""
        self.watch(event)
        if event.res_outputs_event is None:
            return
        metadata = event.res_outputs_event.metadata
        if is_counted(metadata):
            self.looked += 1
            self.watch.say(f"{self.looked} resources looked at")
            if operation(metadata) in (UPDATE, DELETE):
                self.found[metadata.urn] = metadata


def drift(deployment: Deployment) -> Iterator[Result]:
    """Ask the engine for what differs; without its CLI, say that nobody looked."""
    remedy = f"pulumi up --refresh --stack {deployment.stack}"
    if cli.where() is None:
        reason = "comparing a cloud stack's resources needs the Pulumi CLI"
        yield from skipped(PART, reason, cli.INSTALL)
        return
    from deploy.engine.workspace import explained, open_stack

    engine = open_stack(deployment)
    deployment.progress("asking the providers for each resource")
    refresh = Refresh(Watch(say=deployment.progress))
    with explained(deployment, refresh.watch):
        done = engine.stack.preview_refresh(
            on_event=refresh, color="never", suppress_outputs=True
        )
    for metadata in refresh.found.values():
        name = metadata.urn.rpartition("::")[2]
        resource = f"{metadata.type} {name}"
        yield differs(PART, name, resource, list(differences(metadata)), remedy)
    counted = {str(op): number for op, number in done.change_summary.items()}
    yield from _untold(counted, refresh, remedy)
    yield looked_at(PART, f"{refresh.looked} resources", len(refresh.found))


def differences(metadata: Any) -> Iterator[Difference]:
    """Say in what a resource differs: values of simple properties, else names.

    A structure may hold what somebody wrote into it by hand, secrets included.
    """
    if operation(metadata) == DELETE:
        yield GONE
        return
    old: Properties = metadata.old.outputs if metadata.old else {}
    new: Properties = metadata.new.outputs if metadata.new else {}
    for name in _names(metadata, old, new):
        declared, found = old.get(name), new.get(name)
        is_shown = name not in NAMES_HIDDEN and all(
            _is_simple(value) for value in (declared, found)
        )
        yield Difference(
            name=name,
            declared=_shown(declared),
            found=_shown(found),
            is_secret=not is_shown,
        )


def _names(metadata: Any, old: Properties, new: Properties) -> list[str]:
    """Name the properties that differ: the provider's own view where it has one."""
    told = metadata.diffs or sorted(metadata.detailed_diff or ())
    if told:
        return list(dict.fromkeys(str(each) for each in told))
    every = sorted({*old, *new})
    return [name for name in every if old.get(name) != new.get(name)]


def _is_simple(value: object) -> bool:
    """Whether a value may be shown."""
    return value is None or (
        isinstance(value, str | int | float | bool) and value != HIDDEN
    )


def _shown(value: object) -> object:
    """Take what looks like a secret out of a text."""
    return masked(value) if isinstance(value, str) else value


def _untold(
    counted: Mapping[str, int], refresh: Refresh, remedy: str
) -> Iterator[Result]:
    """Warn of what the engine counts and did not tell of, e.g. a newer CLI's."""
    missing = counted.get(UPDATE, 0) + counted.get(DELETE, 0) - len(refresh.found)
    if missing > 0:
        yield Result(
            id=f"{PART}.untold",
            title=f"the engine counts {missing} more that differ, and said not which",
            status=Status.WARN,
            evidence={"counted": dict(counted), "told": len(refresh.found)},
            remedy=remedy,
        )
