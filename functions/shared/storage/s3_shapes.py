"""What S3 asks for and gives: headers, parts, and descriptions."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from functions.shared.storage.interface import ObjectInfo


def adds(name: str, value: str) -> Callable[..., None]:
    """Make a handler that adds a header after the signature."""

    def add(request: Any, **_: Any) -> None:
        request.headers[name] = value

    return add


def parts_of(data: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """Cut bytes into numbered parts of at most ``size`` bytes."""
    for number, start in enumerate(range(0, len(data), size), 1):
        yield number, data[start : start + size]


def content_md5(data: bytes) -> str:
    """Give the header that lets the server check what arrived."""
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def described(path: str, got: dict[str, Any]) -> ObjectInfo:
    """Describe an object from the answer of HeadObject or GetObject."""
    return ObjectInfo(
        path=path,
        size=int(got["ContentLength"]),
        content_type=got.get("ContentType", ""),
        cache_control=got.get("CacheControl", ""),
        etag=got.get("ETag", "").strip('"'),
    )
