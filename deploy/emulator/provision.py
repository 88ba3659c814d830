"""Provision the local stack: run the Pulumi program against the AWS emulator."""

import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.emulator import baseline
from deploy.emulator.record import Record, Resource
from deploy.errors import DeployError, UsageError
from deploy.local.facts import LocalStack
from deploy.local.files import write_private
from deploy.paths import REPOSITORY, state_dir

if TYPE_CHECKING:
    from deploy.bundles import Bundle
    from deploy.emulator.mocks import EmulatorMocks

FUNCTIONS_FILE = "functions.json"
"""URLs by service, read by the stand-in's proxy at each request."""

SOURCES = ("infra", "deploy/emulator")
FILES = ("Pulumi.yaml", "Pulumi.local.yaml", "requirements/workspace.lock")

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """What a run did, as titles of resources, e.g. ``sqs.Queue llm-requests``.

    Attributes:
        created: What was made.
        updated: What was changed in place.
        deleted: What the program has no longer.
        unchanged: What was left alone.
        outputs: The stack's outputs, e.g. ``functionUrls`` and ``queueUrls``.
    """

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)


def provision(
    stack: LocalStack,
    bundles: Mapping[str, "Bundle"],
    progress: Callable[[str], None],
) -> Provisioned:
    """Bring the emulator to what the program declares.

    Args:
        stack: The local stack; its emulator runs.
        bundles: The services' zips by service name, e.g. ``chat-send``.
        progress: Told what is made, changed or deleted; called from several threads.

    Raises:
        UsageError: The stack's configuration is incomplete or wrong.
        DeployError: The emulator does not answer, or refused a resource.
    """
    from deploy.emulator.mocks import EmulatorMocks

    record = Record.load(stack.state)
    seen = baseline.survey(stack, record)
    gone = baseline.gone(seen)
    differs = {each.resource for each in baseline.differences(stack.state, seen)}
    mocks = EmulatorMocks(stack, record, gone, bundles, progress, differs=differs)
    try:
        outputs = _run(stack, mocks)
    except BaseException:
        with suppress(DeployError):
            _keep(stack, record, differs)
        raise
    recorded = reversed(record.resources())
    dropped = [each for each in recorded if (each.type, each.name) not in mocks.seen]
    for resource in dropped:
        progress(f"delete {resource.title}")
        if resource not in gone:
            mocks.delete(resource)
        record.remove(resource)
    write_private(stack.state / FUNCTIONS_FILE, json.dumps(outputs["functionUrls"]))
    _keep(stack, record, differs)
    return Provisioned(
        created=sorted(mocks.created),
        updated=sorted(mocks.updated),
        deleted=[resource.title for resource in dropped],
        unchanged=sorted(mocks.unchanged),
        outputs=outputs,
    )


def missing(stack: LocalStack) -> list[str]:
    """Look which recorded resources the emulator does not have.

    Returns:
        Their titles; all of them if the emulator lost its memory, and one that says
        so if nothing was ever recorded.

    Raises:
        DeployError: The emulator does not answer.
    """
    return compared(stack)[0]


def compared(stack: LocalStack) -> tuple[list[str], list[baseline.Difference]]:
    """Look at every recorded resource.

    Returns:
        The titles of what the emulator does not have, as `missing`; and what somebody
        changed since it was provisioned.

    Raises:
        DeployError: The emulator does not answer.
    """
    record = Record.load(stack.state)
    if not record.exists:
        return ["every resource: nothing was ever provisioned here"], []
    seen = baseline.survey(stack, record)
    lost = [each.title for each in baseline.gone(seen)]
    return lost, baseline.differences(stack.state, seen)


def inputs_digest(
    bundles: Mapping[str, "Bundle"], stack: LocalStack | None = None
) -> str:
    """Digest all that decides what is provisioned: equal means nothing to do.

    Args:
        bundles: The services' zips.
        stack: Its addresses and passwords count; by default the one of the state
            folder.
    """
    found = stack or LocalStack.load(state_dir())
    digest = hashlib.sha256(sys.version.encode())
    for path in _files():
        digest.update(str(path.relative_to(REPOSITORY)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    facts = asdict(found) if found else {}
    for of_edge in ("edge_url", "purge_key"):  # no resource knows the edge
        facts.pop(of_edge, None)
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    zips = {name: bundle.sha256 for name, bundle in bundles.items()}
    digest.update(json.dumps(zips, sort_keys=True).encode())
    return digest.hexdigest()


def _files() -> list[Path]:
    """List the files that decide what is provisioned, in a stable order."""
    sources = [path for each in SOURCES for path in (REPOSITORY / each).rglob("*.py")]
    return sorted([*sources, *(REPOSITORY / name for name in FILES)])


def _keep(stack: LocalStack, record: Record, differed: set[Resource]) -> None:
    """Write down what each resource is like now; see `baseline.save`."""
    pairs = [(record.find(each.type, each.name), each.digest) for each in differed]
    mended = [(resource, digest) for resource, digest in pairs if resource]
    baseline.save(stack.state, baseline.survey(stack, record), mended)


def _run(stack: LocalStack, mocks: "EmulatorMocks") -> dict[str, Any]:
    """Run the program, unchanged, with the local stack's configuration."""
    from deploy.emulator import configuration, runner
    from infra.archives import Archives
    from infra.config import StackConfig
    from infra.config_values import ConfigError

    # By name, because `import infra.__main__` reads as if it ran the program.
    program = importlib.import_module("infra.__main__")
    archives = Archives(
        folder="../dist", runtime=local_runtime(), architecture=local_architecture()
    )
    config = configuration.of_local(stack)
    try:
        return runner.run(
            lambda: program.compose(StackConfig.load(), archives),
            mocks,
            stack=configuration.STACK,
            config=config.values,
            secrets=config.secrets,
        )
    except ConfigError as exc:
        raise UsageError(
            str(exc), remedy=f"correct {FILES[1]}, then: ./bootstrap deploy"
        ) from exc
    except Exception as exc:
        # Of several resources that fail, Pulumi may raise another than the first.
        if mocks.failure and mocks.failure is not exc:
            raise mocks.failure from None
        raise


def local_runtime() -> str:
    """Name the runtime of this interpreter: the emulator runs functions with it."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def local_architecture() -> str:
    """Name the machine's architecture as Lambda does."""
    import platform

    machine = platform.machine().lower()
    return ARCHITECTURES.get(machine, machine)
