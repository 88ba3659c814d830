"""Names of the smaller forms: beside the original, with the hash of their content.

A name that tells the content never has to be purged from a CDN or a browser, a second
run finds what the first one wrote, and whoever deletes a user's folder gets all of it.
"""

import hashlib
import posixpath
import re

MARK = "ks"
HASH_DIGITS = 16

_MADE = re.compile(rf"\.(?:\d+w\.)?{MARK}[0-9a-f]{{{HASH_DIGITS}}}\.(?:webp|avif)$")
"""Migration 20251107002000 has the same expression in a trigger; a test compares."""

# storage-api, src/storage/limits.ts, isValidKey; the service writes no others.
_VALID = re.compile(r"[\w/!.*'() &$@=;:+,?-]+", re.ASCII)


def name_of(path: str, data: bytes, extension: str, side: int | None = None) -> str:
    """Name a form of the object ``path``.

    Args:
        path: The original's name in its bucket.
        data: Content of the form.
        extension: ``webp`` or ``avif``.
        side: Longest side of a thumbnail, in pixels.

    >>> name_of("u1/cat.png", b"", "webp", 320)
    'u1/cat.320w.kse3b0c44298fc1c14.webp'
    """
    digest = hashlib.sha256(data).hexdigest()[:HASH_DIGITS]
    stem = posixpath.splitext(path)[0]
    size = f".{side}w" if side else ""
    return f"{stem}{size}.{MARK}{digest}.{extension}"


def is_made(path: str) -> bool:
    """Tell whether an object is a smaller form and not an original.

    >>> is_made("u1/cat.320w.kse3b0c44298fc1c14.webp"), is_made("u1/cat.webp")
    (True, False)
    """
    return _MADE.search(path) is not None


def is_valid(path: str) -> bool:
    """Tell whether a name is one that storage takes and that leads nowhere else.

    >>> is_valid("u1/cat.png"), is_valid("../secret"), is_valid("a//b")
    (True, False, False)
    """
    leads_elsewhere = any(part in {"", ".", ".."} for part in path.split("/"))
    return bool(_VALID.fullmatch(path)) and not leads_elsewhere and len(path) <= 900
