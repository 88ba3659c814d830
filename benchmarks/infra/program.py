"""The program with a complete configuration, recorded without the engine."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from deploy.paths import REPOSITORY
from deploy.planning import recording
from infra.naming import PROJECT
from infra.policies.leaks import SECRET_KEYS

STACK = "test"

SECRETS = {
    "databaseUrl": "postgresql://postgres.abc:p4ss-w0rd-of-a-benchmark@"
    "aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
    "jwtSecret": "j1" * 20,
    "internalApiKey": "i2" * 20,
    "supabaseServiceKey": "s3" * 20,
    "geminiApiKey": "g4" * 20,
    "alertWebhook": "https://hooks.example.com/services/T0/B0/x5x5x5x5",
}
PLAIN = {
    "supabaseUrl": "https://abc.supabase.co",
    "allowedOrigins": '["https://app.example.com"]',
    "alertEmail": "ops@example.com",
}


def configuration(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Give a complete configuration by full key; ``None`` leaves a key out."""
    values = {**_defaults(), **PLAIN, **SECRETS, **changes}
    return {
        key if ":" in key else f"{PROJECT}:{key}": value
        for key, value in values.items()
        if value is not None
    }


def record(
    program: Callable[[], Mapping[str, Any]] = recording.whole_program,
    *,
    preview: bool = False,
    plain: str = "",
    changes: Mapping[str, str | None] | None = None,
) -> recording.Recorded:
    """Run a program with the configuration, some keys changed.

    Args:
        program: The program; by default the whole of it.
        preview: Whether what AWS would choose is unknown.
        plain: Key of a secret that is stored in plain text.
        changes: Values by key.
    """
    return recording.record(
        configuration(changes or {}),
        SECRET_KEYS - {f"{PROJECT}:{plain}"},
        stack=STACK,
        program=program,
        preview=preview,
    )


def _defaults() -> dict[str, str]:
    """Read the defaults of ``Pulumi.yaml``."""
    content = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    return {
        key: _text(entry.get("value", entry.get("default")))
        for key, entry in content["config"].items()
        if "value" in entry or "default" in entry
    }


def _text(value: object) -> str:
    """Write a value as the engine hands it over."""
    return value if isinstance(value, str) else json.dumps(value)
