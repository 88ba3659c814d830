"""What the last deploy of a stack declared, kept in the stack's records.

`deploy` writes it when it has provisioned; `plan` compares with it. No secret is in it:
a secret's value is a digest under a key that stays in the same folder.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.ledger import now
from deploy.local.files import write_private
from deploy.local.stack import RECORDS

FILE = "declared.json"
KEY_FILE = "declared.key"
KEY_BYTES = 32
FORMAT = 1

SECRET = "secret"  # noqa: S105  # the name of a member, not a secret
"""The only member of what stands in the place of a secret: its keyed digest."""

AT = "declared_at"
"""When a document was saved; no part of what its digest is made from."""

Document = dict[str, Any]


def folder(deployment: Deployment) -> Path:
    """Give the folder of a stack's records, without making it."""
    return deployment.state / RECORDS / deployment.stack


def key(records: Path) -> bytes:
    """Give the key of a stack's digests; one for this time only if there is none.

    With it, nobody can try out short secrets on a copied document. Losing it makes
    every secret look changed once.
    """
    try:
        found = bytes.fromhex((records / KEY_FILE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        found = b""
    return found if len(found) == KEY_BYTES else secrets.token_bytes(KEY_BYTES)


def make_key(records: Path) -> None:
    """Keep a key for a stack's digests, unless there is one."""
    write_private(records / KEY_FILE, key(records).hex())


def save(records: Path, document: Document) -> None:
    """Keep what was declared, and since when, readable by its owner only."""
    dated = {**document, AT: now()}
    write_private(records / FILE, json.dumps(dated, indent=1, sort_keys=True))


def load(records: Path) -> Document | None:
    """Give what the last deploy declared; ``None`` if none left it.

    Raises:
        DeployError: The file is damaged, or of another version.
    """
    path = records / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] == FORMAT and isinstance(document["resources"], list):
            return dict(document)
        reason = f"format {document['format']}"
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        reason = type(error).__name__
    raise DeployError(
        f"{path}: damaged ({reason}): what the last deploy declared is not known;"
        " without the file every resource counts as new until the next deploy",
        remedy=f"rm {path}",
    )


def digest(document: Mapping[str, Any]) -> str:
    """Digest a document without its secrets' digests, so that machines agree.

    The keys differ between machines. That a secret changed is seen in the digest of the
    configuration file, where it is encrypted.
    """
    content = {name: item for name, item in document.items() if name != AT}
    text = json.dumps(_public(content), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def is_secret(value: object) -> bool:
    """Whether a value of a document stands for a secret."""
    return isinstance(value, Mapping) and set(value) == {SECRET}


def _public(value: Any) -> Any:
    """Take the digests of secrets out of a value."""
    if is_secret(value):
        return {SECRET: True}
    if isinstance(value, Mapping):
        return {name: _public(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_public(item) for item in value]
    return value
