"""Pseudonyms of users and profiles: the same person is the same, and nobody known.

A pseudonym is HMAC-SHA-256 of the id under a key of the stack, cut to a UUID. Without
the key it cannot be made from an id, so that who has the files cannot tell that a user
whose id he knows is among them.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from deploy.deployment import Deployment
from deploy.errors import UsageError
from deploy.local.files import write_private

KEY_VARIABLE = "KILOSCALE_EXPORT_KEY"
KEY_CHARS = 32
KEY_FILE = "export.key"
REAL = "real"
"""Stands in the manifest for the id of a key where ids are not replaced."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What pseudonyms are made with.

    Attributes:
        secret: The key; ``None`` if ids are not replaced.
        made: Path of the file of a key that was made just now; ``None`` else.
    """

    secret: bytes | None = field(repr=False)
    made: Path | None = None

    @property
    def id(self) -> str:
        """Name of the key in the manifest: nothing about the key follows from it."""
        if self.secret is None:
            return REAL
        return hmac.digest(self.secret, b"id of the key", "sha256")[:8].hex()

    def pseudonym(self, kind: str, value: str) -> str:
        """Give what stands for an id.

        Args:
            kind: ``user`` or ``profile``.
            value: The id as PostgreSQL writes it.
        """
        if self.secret is None:
            return value
        digest = hmac.digest(self.secret, f"{kind}:{value}".encode(), hashlib.sha256)
        # Version 8 is for what an application makes as it likes (RFC 9562).
        number = int.from_bytes(digest[:16], "big")
        number = number & ~(0xF << 76) & ~(0x3 << 62) | 8 << 76 | 2 << 62
        return str(UUID(int=number))


def key(deployment: Deployment, *, real: bool, expected: str | None) -> Key:
    """Give the key of a stack: from the environment, a file, or newly made.

    Args:
        deployment: The stack.
        real: Whether ids are not replaced.
        expected: Id of the key of the files that are there; ``None`` for a new export
            or one that is written anew.

    Raises:
        UsageError: The files were made with another key, or the key is too short.
    """
    found = Key(secret=None) if real else _found(deployment)
    if expected is not None and (found is None or found.id != expected):
        raise UsageError(_mismatch(found, expected), remedy=_remedy(expected))
    if found is not None:
        return found
    secret = secrets.token_urlsafe(KEY_CHARS)
    if deployment.dry_run:
        return Key(secret=secret.encode())
    path = deployment.records / KEY_FILE
    write_private(path, secret)
    return Key(secret=secret.encode(), made=path)


def _found(deployment: Deployment) -> Key | None:
    """Look for the key of a stack."""
    named = os.environ.get(KEY_VARIABLE, "")
    if named:
        if len(named) < KEY_CHARS:
            raise UsageError(
                f"{KEY_VARIABLE} has {len(named)} characters, needs {KEY_CHARS} or"
                " more: a short key can be guessed. Nothing was exported",
                remedy=f"export {KEY_VARIABLE}=$(openssl rand -hex 32)",
            )
        return Key(secret=named.encode())
    path = deployment.records / KEY_FILE
    return Key(secret=path.read_bytes().strip()) if path.is_file() else None


def _mismatch(found: Key | None, expected: str) -> str:
    if expected == REAL:
        what = "has real user ids, and this run would write pseudonyms"
    elif found is None:
        what = f"has pseudonyms of key {expected}, which is not here"
    elif found.id == REAL:
        what = "has pseudonyms, and this run would write real user ids"
    else:
        what = f"has pseudonyms of key {expected}, and the key here is {found.id}"
    return f"the export there {what}: a user would be two; nothing was exported"


def _remedy(expected: str) -> str:
    if expected == REAL:
        return "add --real-ids, or --full to write all files anew"
    return f"export {KEY_VARIABLE}=<the key>, or add --full to write all files anew"
