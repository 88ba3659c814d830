"""Digests of secrets: enough to tell whether one changed, not to learn it.

Only the standard library: the tasks compare without importing Pulumi.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache

from infra.naming import PROJECT

FORMAT = 1
"""Raised when a digest of the same secret becomes another one."""

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1
"""16 MiB and some 40 ms a guess (RFC 7914, 2). The keys are too long to be guessed; the
password within a connection URI may not be, and the digests are encrypted besides."""

LENGTH = 16
"""Bytes of a digest: two secrets do not meet by chance."""


def parameter_name(stack: str) -> str:
    """Name the SSM parameter with the digests of a stack's secrets.

    >>> parameter_name("production")
    '/kiloscale/production/secret-digests'
    """
    return f"/{PROJECT}/{stack}/secret-digests"


@cache
def digest(stack: str, key: str, value: str) -> str:
    """Digest one secret, as hexadecimal digits.

    The salt follows from the names: one drawn anew would make each run of the program
    a change. With it the same secret has another digest in another stack or place.

    Args:
        stack: Name of the stack.
        key: Key of the configuration, e.g. ``databaseUrl``.
        value: The secret.
    """
    salt = hashlib.sha256(f"{PROJECT}:{stack}:{key}".encode()).digest()
    return hashlib.scrypt(
        value.encode(), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, dklen=LENGTH
    ).hex()


def digests(stack: str, values: Mapping[str, str]) -> dict[str, str]:
    """Digest the secrets that are set, by key of the configuration."""
    return {key: digest(stack, key, each) for key, each in values.items() if each}


def write(stack: str, values: Mapping[str, str]) -> str:
    """Write the value of the parameter."""
    document = {"format": FORMAT, "digests": digests(stack, values)}
    return json.dumps(document, sort_keys=True)


def read(text: str) -> dict[str, str]:
    """Read the value of the parameter: digests by key.

    Raises:
        ValueError: It was not written by this version.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    found = document["digests"]
    return {str(key): str(value) for key, value in found.items()}
