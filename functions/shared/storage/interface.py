"""What a client of storage gives and takes."""

import hashlib
import re
from typing import Protocol

import msgspec

_MD5 = re.compile(r"[0-9a-f]{32}")

LIST_MAX = 1_000
"""Most objects of one page (S3 API reference, ListObjectsV2, "MaxKeys")."""


class ObjectInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about an object.

    Attributes:
        path: Its name in the bucket.
        size: Its size, in bytes.
        content_type: As it was uploaded; empty where a listing does not tell.
        cache_control: Likewise.
        etag: Without quotes: the MD5 of an object that was uploaded in one part.
    """

    path: str
    size: int
    content_type: str = ""
    cache_control: str = ""
    etag: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of an object, checked against its size and its MD5 if it has one."""

    data: bytes
    info: ObjectInfo


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a listing.

    Attributes:
        objects: In the order of their names.
        cursor: Where the next page begins; ``None`` at the end.
    """

    objects: list[ObjectInfo]
    cursor: str | None


class Storage(Protocol):
    """Reads and writes objects; every method may raise `StorageError`."""

    def download(self, bucket: str, path: str, *, limit: int) -> Content:
        """Read an object of at most ``limit`` bytes.

        Raises:
            ObjectTooLargeError: It has more; no more than that was read.
        """

    def upload(
        self, bucket: str, path: str, data: bytes, *, content_type: str, max_age_s: int
    ) -> bool:
        """Write an object that has this name and no other.

        It appears whole or not at all. An object of the same name is never replaced:
        with the same content it is taken for an earlier try of the same upload.

        Returns:
            Whether it was written; else it was there.
        """

    def info(self, bucket: str, path: str) -> ObjectInfo:
        """Describe an object."""

    def page(
        self, bucket: str, prefix: str, cursor: str | None = None, size: int = LIST_MAX
    ) -> Page:
        """List objects whose names begin with ``prefix``, folders included."""

    def remove(self, bucket: str, path: str) -> bool:
        """Delete an object; tell whether there was one."""


def md5(data: bytes) -> str:
    """Give the MD5 of bytes in hexadecimal, as storage writes it into an ETag."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def matches(data: bytes, info: ObjectInfo) -> bool:
    """Tell whether bytes are those of an object, as far as its ETag tells.

    The ETag of an upload in several parts is no digest of the content: then the size
    alone decides.
    """
    if len(data) != info.size:
        return False
    return not _MD5.fullmatch(info.etag) or info.etag == md5(data)
