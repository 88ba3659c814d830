"""Stand-ins for secrets that only the engine can decrypt.

Each satisfies the checks of its key and differs when the stored text does, so that a
plan notices that a secret was set anew. None is ever shown.
"""

import hashlib
from collections.abc import Callable

HOST = "placeholder.invalid"
"""Resolves nowhere (RFC 2606)."""

POOLER = "placeholder.pooler.supabase.com:6543"
"""What `infra.config_checks.database` takes for a transaction pooler."""


def _database(mark: str) -> str:
    return f"postgresql://postgres.placeholder:{mark}@{POOLER}/postgres"


def _redis(mark: str) -> str:
    return f"rediss://:{mark}@{HOST}:6379/0"


def _url(mark: str) -> str:
    return f"https://{HOST}/{mark}"


FORMS: dict[str, Callable[[str], str]] = {
    "databaseUrl": _database,
    "databaseReplicaUrl": _database,
    "redisUrl": _redis,
    "alertWebhook": _url,
}
"""By key, without the project's prefix; every other secret is a text of its own."""


def placeholder(key: str, stored: str) -> str:
    """Make up a value for a secret.

    Args:
        key: Key without the project's prefix, e.g. ``databaseUrl``.
        stored: What stands in the configuration file: the encrypted text.
    """
    mark = hashlib.sha256(f"{key}\0{stored}".encode()).hexdigest()
    return FORMS.get(key, str)(f"placeholder{mark}")
