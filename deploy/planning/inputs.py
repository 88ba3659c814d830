"""What a plan was made from, each input by name with its SHA-256.

Two plans with equal inputs are equal: the program's sources, the project's and the
stack's configuration, the lock of the tools, what the zips are made from, and what the
last deploy declared.
"""

import hashlib
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy import stackfiles
from deploy.bundle_targets import PLATFORMS, BundleTarget
from deploy.bundles import inputs_digest
from deploy.deployment import LOCAL
from deploy.local.facts import STACK_FILE
from deploy.paths import REPOSITORY
from infra.catalog.services import CLOUD_ARCHITECTURE, CLOUD_RUNTIME, SERVICES

PROGRAM = "infra"
NO_SOURCES = {"__pycache__", "node_modules"}
FILES = ("Pulumi.yaml", "requirements/workspace.lock")
LAST_DEPLOY = "what the last deploy declared"
LOCAL_FACTS = "the local stack's addresses and passwords"
NOTHING = "none"
"""Stands for the digest of an input that is not there."""


def of_stack(stack: str, *, state: Path, last_deploy: str | None) -> dict[str, str]:
    """Digest everything that decides what a stack's plan says.

    Args:
        stack: Name of the stack; it has a configuration file.
        state: State folder of the local stack.
        last_deploy: Digest of what the last deploy declared; ``None`` if none did.

    Returns:
        SHA-256 by name: a path below the repository, or words.
    """
    config = stackfiles.path(stack)
    # Not only Python: the edge's scripts are parts of the program too.
    sources = [
        path
        for path in (REPOSITORY / PROGRAM).rglob("*")
        if path.is_file() and not NO_SOURCES & set(path.parts)
    ]
    found = _files([*sources, *(REPOSITORY / name for name in FILES), config])
    found |= {f"zip {name}": made for name, made in zips(stack).items()}
    if stack == LOCAL:
        found |= {LOCAL_FACTS: _digest_of(state / STACK_FILE)}
    found[LAST_DEPLOY] = last_deploy or NOTHING
    return dict(sorted(found.items()))


def zips(stack: str) -> dict[str, str]:
    """Digest what each service's zip is made from, built or not.

    Zips are deterministic: made from the same, they have the same bytes. So a plan
    needs neither the zips nor an interpreter of the cloud's Python.
    """
    target = _target(stack)
    return {service.name: inputs_digest(service, target) for service in SERVICES}


def changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Name the inputs that differ, each with how.

    >>> changed({"a": "1", "b": "2"}, {"b": "3", "c": "4"})
    ['a: gone', 'b: changed', 'c: new']
    """
    names = sorted({*before, *now})
    return [
        f"{name}: {_how(before.get(name), now.get(name))}"
        for name in names
        if before.get(name) != now.get(name)
    ]


def _how(before: str | None, now: str | None) -> str:
    """Say in a word what became of an input."""
    if before is None:
        return "new"
    return "gone" if now is None else "changed"


def _target(stack: str) -> BundleTarget:
    """Describe what the stack's zips are built for; who compiles them is no input."""
    python = CLOUD_RUNTIME.removeprefix("python")
    machine = CLOUD_ARCHITECTURE
    if stack == LOCAL:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        machine = platform.machine()
    return BundleTarget(
        python=python,
        platform=PLATFORMS.get(machine, machine),
        interpreter=Path(sys.executable),
        extras=stackfiles.extras(stack),
    )


def _files(paths: Iterable[Path]) -> dict[str, str]:
    """Digest files, by path below the repository."""
    return {path.relative_to(REPOSITORY).as_posix(): _digest_of(path) for path in paths}


def _digest_of(path: Path) -> str:
    """Digest a file."""
    if not path.exists():
        return NOTHING
    return hashlib.sha256(path.read_bytes()).hexdigest()
