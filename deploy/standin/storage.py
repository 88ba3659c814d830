"""The storage API: upload an object, read it as public, delete it.

An error that is not the server's has HTTP status 400 and the real status in its body,
as storage-api answers (src/http/error-handler.ts and src/storage/renderer).
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.files import private_folder, write_private
from deploy.standin.tokens import caller

LARGEST_BYTES = 50 * 1024 * 1024
"""Largest upload, in bytes; the default limit of a Supabase project."""

# Source: storage-api, src/storage/limits.ts, isValidKey.
VALID_KEY = re.compile(r"[\w/!.*'() &$@=;:+,?-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class About:
    """What is kept about an object besides its bytes."""

    key: str
    content_type: str
    cache_control: str
    etag: str


def problem(status: int, error: str, message: str) -> JSONResponse:
    """Answer with the real status in the body and 400 in the status line."""
    body = {"statusCode": str(status), "error": error, "message": message}
    return JSONResponse(body, status_code=400, headers={"cache-control": "no-store"})


class Objects:
    """Objects below a folder.

    A file is named by the hash of its key, so no key can name a file elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()

    def write(self, about: About, content: bytes) -> None:
        """Write an object; what was there is replaced."""
        self._path(about.key).write_bytes(content)
        write_private(
            self._path(about.key).with_suffix(".json"), json.dumps(asdict(about))
        )

    def about(self, key: str) -> About | None:
        """Read what is known about an object; ``None`` if there is none."""
        try:
            text = self._path(key).with_suffix(".json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return About(**json.loads(text))

    def read(self, key: str) -> bytes:
        """Read the bytes of an object that exists."""
        return self._path(key).read_bytes()

    def size(self, key: str) -> int:
        """Give the size of an object that exists, in bytes."""
        return self._path(key).stat().st_size

    def all(self) -> list[About]:
        """Describe all objects."""
        found = []
        for file in self._folder.glob("*.json"):
            try:
                found.append(About(**json.loads(file.read_text(encoding="utf-8"))))
            except FileNotFoundError:  # deleted meanwhile
                continue
        return found

    def remove(self, key: str) -> None:
        """Delete an object; its description first, which makes it exist."""
        self._path(key).with_suffix(".json").unlink()
        self._path(key).unlink()


def objects_of(request: Request) -> Objects:
    """Give the stack's objects."""
    return Objects(request.app.state.facts().state / "storage")


def key_of(request: Request) -> str | None:
    """Give ``<bucket>/<path>``, or ``None`` if it is not one that storage-api takes."""
    key = f"{request.path_params['bucket']}/{request.path_params['path']}"
    return key if is_key(key) else None


def is_key(key: str) -> bool:
    """Tell whether a key is one that storage-api takes."""
    leads_elsewhere = any(part in {"", ".", ".."} for part in key.split("/"))
    return not leads_elsewhere and bool(VALID_KEY.fullmatch(key))


def refusal(request: Request) -> JSONResponse | None:
    """Refuse whoever has no key but the public one."""
    who = caller(request)
    if who is None or who.role == "anon":
        message = "new row violates row-level security policy"
        return problem(403, "Unauthorized", message)
    return None


async def _content(request: Request) -> bytes | None:
    """Read the body, or give ``None`` once it is larger than an object may be."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_BYTES:
            return None
    return bytes(content)


async def upload(request: Request) -> Response:
    """Write an object: POST makes a new one, PUT or ``x-upsert: true`` any."""
    if refused := refusal(request):
        return refused
    key = key_of(request)
    if key is None:
        return problem(400, "InvalidKey", f"Invalid key: {request.path_params['path']}")
    kind = request.headers.get("content-type", "application/octet-stream")
    if kind.startswith("multipart/"):
        return problem(415, "invalid_mime_type", "send the bytes: no multipart here")
    replaces = request.method == "PUT" or request.headers.get("x-upsert") == "true"
    objects = objects_of(request)
    if not replaces and objects.about(key):
        return problem(409, "Duplicate", "The resource already exists")
    content = await _content(request)
    if content is None:
        message = "The object exceeded the maximum allowed size"
        return problem(413, "Payload too large", message)
    about = About(
        key=key,
        content_type=kind,
        cache_control=request.headers.get("cache-control", "no-cache"),
        etag=f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
    )
    await run_in_threadpool(objects.write, about, content)
    return JSONResponse({"Key": key, "Id": str(uuid4())})


async def read(request: Request) -> Response:
    """Give a public object; every bucket of the stand-in is public."""
    key = key_of(request)
    objects = objects_of(request)
    about = objects.about(key) if key else None
    if key is None or about is None:
        return problem(404, "not_found", "Object not found")
    headers = {
        "content-type": about.content_type,
        "cache-control": about.cache_control,
        "etag": about.etag,
        "x-robots-tag": "none",
        # Supabase's own CDN stands in front of each project, and says so.
        "cf-cache-status": "HIT",
        "age": "570",
    }
    if request.headers.get("if-none-match") == about.etag:
        return Response(status_code=304, headers={"etag": about.etag})
    return Response(await run_in_threadpool(objects.read, key), headers=headers)


async def remove(request: Request) -> Response:
    """Delete an object."""
    if refused := refusal(request):
        return refused
    key = key_of(request)
    objects = objects_of(request)
    if key is None or objects.about(key) is None:
        return problem(404, "not_found", "Object not found")
    objects.remove(key)
    return JSONResponse({"message": "Successfully deleted"})


ROUTES = [
    Route("/object/public/{bucket}/{path:path}", read, methods=["GET"]),
    Route("/object/{bucket}/{path:path}", upload, methods=["POST", "PUT"]),
    Route("/object/{bucket}/{path:path}", remove, methods=["DELETE"]),
]
