"""Upload in parts that survive a broken connection: the TUS protocol, version 1.0.0."""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from functions.shared.storage.errors import StorageError
from functions.shared.storage.retrying import repeated

if TYPE_CHECKING:
    from functions.shared.storage.rest import RestStorage

PART_BYTES = 6 * 1024**2
"""Size of each part but the last (Supabase docs, "Resumable Uploads": it must be set
to 6 MB)."""

TUS = {"tus-resumable": "1.0.0"}
ROOT = "/upload/resumable"


def upload(
    storage: "RestStorage",
    bucket: str,
    path: str,
    data: bytes,
    headers: Mapping[str, str],
) -> None:
    """Upload an object in parts; a part that fails goes on where it broke off.

    Args:
        storage: Sends the requests.
        bucket: Where to.
        path: Name of the object.
        data: Its bytes.
        headers: ``content-type``, ``cache-control`` and ``x-upsert`` of the object.

    Raises:
        StorageError: It was refused, or a part failed again and again. The object
            does not exist then.
    """
    place = f"{bucket}/{path}"
    metadata = {
        "bucketName": bucket,
        "objectName": path,
        "contentType": headers["content-type"],
        # The number alone: the API writes `max-age=` before it.
        "cacheControl": headers["cache-control"].removeprefix("max-age="),
    }
    begun = storage.send(
        "upload",
        place,
        "POST",
        ROOT,
        headers={
            **TUS,
            "upload-length": str(len(data)),
            "upload-metadata": ",".join(
                f"{name} {base64.b64encode(value.encode()).decode()}"
                for name, value in metadata.items()
            ),
            "x-upsert": headers["x-upsert"],
        },
    )
    # The path alone: behind a proxy the address may name another host.
    _, _, to = urlsplit(begun.headers["location"]).path.partition(ROOT)
    offset = 0
    while offset < len(data):
        offset = repeated(lambda: _next(storage, place, f"{ROOT}{to}", data))


def _next(storage: "RestStorage", place: str, to: str, data: bytes) -> int:
    """Send the part that is missing next; give how much there is then, in bytes."""
    there = storage.send("upload", place, "HEAD", to, headers=TUS)
    offset = int(there.headers.get("upload-offset", -1))
    if not 0 <= offset <= len(data):
        raise StorageError("upload", place, "no upload-offset", is_permanent=False)
    if offset == len(data):
        return offset
    part = data[offset : offset + PART_BYTES]
    headers = {
        **TUS,
        "upload-offset": str(offset),
        "content-type": "application/offset+octet-stream",
    }
    storage.send("upload", place, "PATCH", to, body=part, headers=headers)
    return offset + len(part)
