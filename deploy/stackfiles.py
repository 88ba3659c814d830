"""The configuration files ``Pulumi.yaml`` and ``Pulumi.<stack>.yaml``, read in one way.

Without the engine and without Pulumi, whose import takes a second. What is encrypted
stays so: a structure with the member ``secure``.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from deploy.errors import UsageError
from deploy.paths import REPOSITORY
from infra.catalog.extras import EXTRAS
from infra.naming import PROJECT

PROJECT_FILE = REPOSITORY / "Pulumi.yaml"
FOLDER = REPOSITORY
"""Where the stacks' files are."""


def path(stack: str) -> Path:
    """Give the path of a stack's file, whether it is there or not."""
    return FOLDER / f"Pulumi.{stack}.yaml"


def of_stack(stack: str) -> dict[str, str]:
    """Read what a stack is given by full key: the defaults, then its own file.

    Raises:
        UsageError: A file is malformed, or the stack has none.
    """
    return defaults() | own(stack)


def own(stack: str) -> dict[str, str]:
    """Read what the stack's own file sets.

    Raises:
        UsageError: It is malformed, or is not there.
    """
    file = path(stack)
    if not file.is_file():
        raise UsageError(
            f"{file.name}: is missing; where stack {stack} is, is unknown, nothing was"
            " changed",
            remedy=f"cp Pulumi.production.example.yaml {file.name}",
        )
    return of_file(file)


def extras(stack: str) -> frozenset[str]:
    """Name the libraries that the stack's zips need and others do not.

    Raises:
        UsageError: Its file is malformed, or is not there.
    """
    settings = own(stack)
    return frozenset(
        extra.name for extra in EXTRAS if settings.get(f"{PROJECT}:{extra.config}")
    )


def defaults() -> dict[str, str]:
    """Read the project's defaults: a plain value, or a schema with one.

    Raises:
        UsageError: ``Pulumi.yaml`` is malformed.
    """
    found = {}
    for key, entry in block(PROJECT_FILE).items():
        full_key = key if ":" in key else f"{PROJECT}:{key}"
        if not isinstance(entry, dict):
            found[full_key] = text(entry)
        elif "value" in entry or "default" in entry:
            found[full_key] = text(entry.get("value", entry.get("default")))
    return found


def of_file(file: Path) -> dict[str, str]:
    """Read the settings of a stack's file by full key, lists as JSON.

    Raises:
        UsageError: It is malformed.
    """
    return {key: text(value) for key, value in block(file).items()}


def block(file: Path) -> dict[str, Any]:
    """Read the ``config`` block of a file.

    Raises:
        UsageError: It is not YAML, or has no such block.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise _malformed(file, f"is not YAML: {reason}") from error
    found = content.get("config") if isinstance(content, dict) else content
    if not isinstance(content, dict) or not isinstance(found, dict | None):
        raise _malformed(file, f"config: must be keys with values, got {found!r}")
    return found or {}


def _malformed(file: Path, what: str) -> UsageError:
    """Say what is wrong with a whole file."""
    return UsageError(
        f"{file.name}: {what}; nothing was provisioned",
        remedy=f"git diff -- {file.name}",
    )


def text(value: object) -> str:
    """Write a value as the engine hands it over: structures as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
