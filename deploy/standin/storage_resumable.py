"""Resumable uploads of the storage API: the TUS protocol, version 1.0.0.

What is not whole lies in a folder of its own, and is no object.
"""

import base64
import binascii
import hashlib
import json
from pathlib import Path
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.files import private_folder
from deploy.standin import storage
from deploy.standin.storage import About

TUS = {"tus-resumable": "1.0.0", "cache-control": "no-store"}
PART_BYTES = 6 * 1024**2
"""Size of each part but the last (Supabase docs, "Resumable Uploads")."""


def problem(status: int, error: str, message: str) -> JSONResponse:
    """Answer with an error; this protocol has the real status in the status line."""
    body = {"statusCode": str(status), "error": error, "message": message}
    return JSONResponse(body, status_code=status, headers=TUS)


def _folder(request: Request) -> Path:
    return private_folder(request.app.state.facts().state / "storage-uploads")


def _metadata(header: str) -> dict[str, str]:
    """Read ``upload-metadata``: names and Base64, with commas between."""
    found = {}
    for pair in header.split(","):
        name, _, value = pair.strip().partition(" ")
        found[name] = base64.b64decode(value, validate=True).decode()
    return found


async def begin(request: Request) -> Response:
    """Begin an upload."""
    if refused := storage.refusal(request):
        return refused
    try:
        length = int(request.headers["upload-length"])
        about = _metadata(request.headers["upload-metadata"])
        key = f"{about['bucketName']}/{about['objectName']}"
    except (KeyError, ValueError, binascii.Error):
        return problem(400, "invalid_request", "upload-length or -metadata is wrong")
    if not storage.is_key(key):
        return problem(400, "InvalidKey", f"Invalid key: {about['objectName']}")
    if length > storage.LARGEST_BYTES:
        return problem(413, "Payload too large", "The object exceeded the maximum size")
    replaces = request.headers.get("x-upsert") == "true"
    if not replaces and storage.objects_of(request).about(key):
        return problem(409, "Duplicate", "The resource already exists")
    upload = str(uuid4())
    file = _folder(request) / upload
    file.write_bytes(b"")
    told = {"key": key, "length": length, "about": about}
    file.with_suffix(".json").write_text(json.dumps(told))
    location = f"{request.url.path.rstrip('/')}/{upload}"
    return Response(status_code=201, headers={**TUS, "location": location})


def _upload(request: Request) -> Path | None:
    """Give the file of an upload that has begun."""
    try:
        name = str(UUID(request.path_params["upload"]))
    except ValueError:
        return None
    file = _folder(request) / name
    return file if file.exists() else None


async def offset(request: Request) -> Response:
    """Say how much has arrived."""
    file = None if storage.refusal(request) else _upload(request)
    if file is None:
        return problem(404, "not_found", "Upload not found")
    return Response(headers={**TUS, "upload-offset": str(file.stat().st_size)})


async def go_on(request: Request) -> Response:
    """Take a part; the last one makes the object."""
    file = None if storage.refusal(request) else _upload(request)
    if file is None:
        return problem(404, "not_found", "Upload not found")
    told = json.loads(file.with_suffix(".json").read_text())
    arrived = file.stat().st_size
    if request.headers.get("upload-offset") != str(arrived):
        return problem(409, "invalid_offset", f"the upload is at {arrived}")
    part = await request.body()
    if len(part) != min(PART_BYTES, told["length"] - arrived):
        return problem(400, "invalid_request", f"each part has {PART_BYTES} bytes")
    with file.open("ab") as opened:
        opened.write(part)
    arrived += len(part)
    if arrived == told["length"]:
        _finish(request, file, told)
    headers = {**TUS, "upload-offset": str(arrived)}
    return Response(status_code=204, headers=headers)


def _finish(request: Request, file: Path, told: dict[str, object]) -> None:
    """Make the object of a whole upload."""
    content = file.read_bytes()
    about = dict[str, str](told["about"])  # type: ignore[call-overload]  # written above
    storage.objects_of(request).write(
        About(
            key=str(told["key"]),
            content_type=about.get("contentType", "application/octet-stream"),
            cache_control=f"max-age={about['cacheControl']}"
            if "cacheControl" in about
            else "no-cache",
            etag=f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
        ),
        content,
    )


ROUTES = [
    Route("/upload/resumable", begin, methods=["POST"]),
    Route("/upload/resumable/{upload}", offset, methods=["HEAD"]),
    Route("/upload/resumable/{upload}", go_on, methods=["PATCH"]),
]
