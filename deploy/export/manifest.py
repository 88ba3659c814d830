"""The manifest: which files an export has, written last.

``manifest.json`` lists every file with its rows and SHA-256. ``publishing.json`` stands
beside it only while files are being replaced: whoever finds it finds an export that is
between two moments, and the next run writes the files that it names again.
"""

import re
from collections.abc import Iterable
from typing import Protocol

import msgspec

from deploy.errors import DeployError, UsageError
from deploy.export.catalog import NAMES
from deploy.export.columns import Kind

MANIFEST, PUBLISHING = "manifest.json", "publishing.json"
FORMAT = 1

PATH = re.compile(r"[a-z_]+/((month|day)=\d{4}-\d\d-\d\d/)?[a-z_]+\.parquet")
"""What a file may be named: a manifest that somebody changed deletes nothing else."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file.

    ``value`` is its day or the first day of its month, empty for a whole table; ``low``
    and ``high`` bound its ``created_at``.
    """

    path: str
    value: str
    rows: int
    bytes: int
    sha256: str
    fingerprint: str
    low: str | None = None
    high: str | None = None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A column as it was written; ``kind`` is a name of `Kind`, in lower case."""

    name: str
    kind: str


class TableFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one table, and the columns that all of them have."""

    columns: list[Written]
    files: list[File]
    exported_at: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A whole export. ``key_id`` names the key of the pseudonyms; it is not the key."""

    format: int
    stack: str
    exported_at: str
    key_id: str
    tables: dict[str, TableFiles]


class Publishing(msgspec.Struct, frozen=True, kw_only=True):
    """What is being replaced or deleted."""

    stack: str
    paths: list[str]


class Place(Protocol):
    """Where an export is, a folder or a bucket."""

    @property
    def name(self) -> str:
        """How it is named in messages."""

    def read(self, path: str) -> bytes | None:
        """Read a small file; ``None`` if it is not there."""


def last(place: Place, stack: str) -> Manifest | None:
    """Read the manifest of the last export; ``None`` if there was none.

    Raises:
        UsageError: It is another stack's.
        DeployError: It is not what this version writes.
    """
    content = place.read(MANIFEST)
    if content is None:
        return None
    try:
        found = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise _unreadable(place, str(error)) from error
    _check_paths(
        place,
        (file.path for table in found.tables.values() for file in table.files),
    )
    if found.format != FORMAT:
        raise _unreadable(place, f"format {found.format}, this version has {FORMAT}")
    unknown = [
        each.kind
        for table in found.tables.values()
        for each in table.columns
        if each.kind.upper() not in Kind.__members__
    ]
    if unknown or found.tables.keys() - set(NAMES):
        raise _unreadable(
            place, "it has a table or a kind of column of another version"
        )
    if found.stack != stack:
        raise UsageError(
            f"{place.name} has the export of stack {found.stack}, not of {stack};"
            " nothing was exported",
            remedy="give --to another folder or prefix",
        )
    return found


def unfinished(place: Place, stack: str) -> frozenset[str]:
    """Name the files that an export was replacing when it ended half-way.

    Raises:
        UsageError: It was another stack's.
    """
    content = place.read(PUBLISHING)
    if content is None:
        return frozenset()
    try:
        found = msgspec.json.decode(content, type=Publishing)
    except msgspec.DecodeError as error:
        raise _unreadable(place, str(error), PUBLISHING) from error
    if found.stack != stack:
        raise UsageError(
            f"{place.name} has an unfinished export of stack {found.stack}, not of"
            f" {stack}; nothing was exported",
            remedy="give --to another folder or prefix",
        )
    _check_paths(place, found.paths, PUBLISHING)
    return frozenset(found.paths)


def encode(document: Manifest | Publishing) -> bytes:
    """Write a document as JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _check_paths(place: Place, paths: Iterable[str], name: str = MANIFEST) -> None:
    """Refuse what no export of ours is named.

    Raises:
        DeployError: Names the first.
    """
    for path in paths:
        if not PATH.fullmatch(path):
            raise _unreadable(place, f"{path!r} is no file of an export", name)


def _unreadable(place: Place, why: str, name: str = MANIFEST) -> DeployError:
    return DeployError(
        f"{place.name}: {name} cannot be read: {why}; nothing was exported",
        remedy="give --to an empty folder or prefix",
    )
