"""The configuration that the Pulumi program gets for the local stack."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from deploy.errors import UsageError
from deploy.local.facts import LocalStack
from deploy.paths import REPOSITORY
from infra.catalog.services import REDIS_CONFIG
from infra.naming import PROJECT

STACK = "local"
PROJECT_FILE = REPOSITORY / "Pulumi.yaml"
STACK_FILE = REPOSITORY / f"Pulumi.{STACK}.yaml"

LOCAL_MODEL_KEY = "stand-in"
"""The stand-in for the language models asks for a key and accepts any."""

WEBHOOK = "/webhooks/alarms"
"""Where the stand-in takes the alarms' notifications."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A stack's configuration as the engine would hand it to the program.

    Attributes:
        values: Values by full key, e.g. ``kiloscale:supabaseUrl``; lists as JSON.
        secrets: Keys whose values are secret.
    """

    values: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str]


def of_local(stack: LocalStack) -> Configuration:
    """Assemble the local stack's configuration.

    The defaults of ``Pulumi.yaml``, then ``Pulumi.local.yaml``, then what is known
    since the local stack was started.
    """
    secrets = {
        "databaseUrl": stack.database_url,
        "jwtSecret": stack.jwt_secret,
        "internalApiKey": stack.internal_api_key,
        "supabaseServiceKey": stack.service_role_key,
        "geminiApiKey": LOCAL_MODEL_KEY,
        "openaiApiKey": LOCAL_MODEL_KEY,
        "alertWebhook": f"{stack.supabase_url}{WEBHOOK}",
    }
    plain = {
        "supabaseUrl": stack.supabase_url,
        "geminiBaseUrl": f"{stack.supabase_url}/llm/gemini",
        "openaiBaseUrl": f"{stack.supabase_url}/llm/v1",
    }
    values = defaults(PROJECT_FILE) | of_file(STACK_FILE)
    values["aws:region"] = stack.region
    values |= {f"{PROJECT}:{key}": value for key, value in (plain | secrets).items()}
    hidden = {f"{PROJECT}:{key}" for key in secrets}
    redis = f"{PROJECT}:{REDIS_CONFIG}"
    # Nothing encrypts the local file. A Redis on this machine needs no password, and an
    # address without one is no secret; with one it is refused as in plain text.
    if not urlsplit(values.get(redis, "")).password:
        hidden.add(redis)
    return Configuration(values=values, secrets=frozenset(hidden))


def defaults(path: Path = PROJECT_FILE) -> dict[str, str]:
    """Read the project's defaults: a plain value, or a schema with one."""
    found = {}
    for key, entry in block(path).items():
        full_key = key if ":" in key else f"{PROJECT}:{key}"
        if not isinstance(entry, dict):
            found[full_key] = text(entry)
        elif "value" in entry or "default" in entry:
            found[full_key] = text(entry.get("value", entry.get("default")))
    return found


def of_file(path: Path) -> dict[str, str]:
    """Read the settings of a stack's file by full key, lists as JSON.

    Raises:
        UsageError: It is malformed.
    """
    return {key: text(value) for key, value in block(path).items()}


def block(path: Path) -> dict[str, Any]:
    """Read the ``config`` block of a file.

    Raises:
        UsageError: It is not YAML, or has no such block.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise _malformed(path, f"is not YAML: {reason}") from error
    found = content.get("config") if isinstance(content, dict) else content
    if not isinstance(content, dict) or not isinstance(found, dict | None):
        raise _malformed(path, f"config: must be keys with values, got {found!r}")
    return found or {}


def _malformed(path: Path, what: str) -> UsageError:
    """Say what is wrong with a whole file."""
    return UsageError(
        f"{path.name}: {what}; nothing was provisioned",
        remedy=f"git diff -- {path.name}",
    )


def text(value: object) -> str:
    """Write a value as the engine hands it over: structures as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
