"""The S3 protocol of the storage API, as far as clients of objects use it."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.files import private_folder
from deploy.standin import storage
from deploy.standin.storage import About
from deploy.standin.storage_objects import LIST_MAX, page_of
from deploy.standin.storage_signing import is_signed

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def _xml(tag: str, **fields: str) -> Element:
    """Make an element with text fields."""
    root = Element(tag, xmlns=NAMESPACE)
    for name, value in fields.items():
        SubElement(root, name).text = value
    return root


def _answer(root: Element, status: int = 200) -> Response:
    return Response(tostring(root), status, media_type="application/xml")


def _problem(status: int, code: str) -> Response:
    """Answer with an error; S3 has the real status in the status line."""
    root = Element("Error")
    SubElement(root, "Code").text = code
    return _answer(root, status)


def _digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


async def serve(request: Request) -> Response:
    """Serve a request on an object, or the listing of a bucket."""
    if not is_signed(request, request.app.state.facts().service_role_key):
        return _problem(403, "SignatureDoesNotMatch")
    if not request.path_params.get("path"):
        return _listed(request) if request.method == "GET" else _problem(405, "Method")
    key = storage.key_of(request)
    if key is None:
        return _problem(400, "InvalidKey")
    content = await request.body()
    if len(content) > storage.LARGEST_BYTES:
        return _problem(413, "EntityTooLarge")
    sent = request.headers.get("content-md5")
    if sent and base64.b64decode(sent).hex() != _digest(content):
        return _problem(400, "BadDigest")
    if "uploadId" in request.query_params or "uploads" in request.query_params:
        return _multipart(request, key, content)
    return _single(request, key, content)


def _single(request: Request, key: str, content: bytes) -> Response:
    """Serve what is about a whole object."""
    objects = storage.objects_of(request)
    if request.method == "PUT":
        etag = f'"{_digest(content)}"'
        objects.write(_about(key, request.headers, etag), content)
        return Response(headers={"etag": etag})
    about = objects.about(key)
    if request.method == "DELETE":
        if about:
            objects.remove(key)
        return Response(status_code=204)
    if about is None:
        return _problem(404, "NoSuchKey")
    headers = {
        "etag": about.etag,
        "content-type": about.content_type,
        "cache-control": about.cache_control,
        "content-length": str(objects.size(key)),
    }
    body = objects.read(key) if request.method == "GET" else b""
    return Response(body, headers=headers)


def _about(key: str, headers: Any, etag: str) -> About:
    """Describe an object that is uploaded."""
    return About(
        key=key,
        content_type=headers.get("content-type", "application/octet-stream"),
        cache_control=headers.get("cache-control", "no-cache"),
        etag=etag,
    )


def _multipart(request: Request, key: str, content: bytes) -> Response:
    """Serve what is about an upload in parts."""
    folder = private_folder(request.app.state.facts().state / "storage-uploads")
    if "uploads" in request.query_params:
        upload = str(uuid4())
        parts = private_folder(folder / upload)
        kept = {name: request.headers.get(name) for name in _KEPT}
        told = {name: value for name, value in kept.items() if value}
        (parts / "about.json").write_text(json.dumps(told))
        return _answer(_xml("InitiateMultipartUploadResult", UploadId=upload))
    try:
        parts = folder / str(UUID(request.query_params["uploadId"]))
    except ValueError:
        return _problem(404, "NoSuchUpload")
    if not parts.exists():
        return _problem(404, "NoSuchUpload")
    if request.method == "PUT":
        number = int(request.query_params["partNumber"])
        (parts / f"{number:05d}").write_bytes(content)
        return Response(headers={"etag": f'"{_digest(content)}"'})
    if request.method == "POST":
        _complete(request, key, parts)
    for file in parts.iterdir():
        file.unlink()
    parts.rmdir()
    if request.method == "DELETE":
        return Response(status_code=204)
    return _answer(_xml("CompleteMultipartUploadResult", Key=key))


_KEPT = ("content-type", "cache-control")


def _complete(request: Request, key: str, parts: Path) -> None:
    """Put the parts together; the ETag is a digest of their digests."""
    files = sorted(file for file in parts.iterdir() if file.name != "about.json")
    contents = [file.read_bytes() for file in files]
    digests = b"".join(bytes.fromhex(_digest(content)) for content in contents)
    etag = f'"{_digest(digests)}-{len(files)}"'
    headers = json.loads((parts / "about.json").read_text())
    storage.objects_of(request).write(_about(key, headers, etag), b"".join(contents))


def _listed(request: Request) -> Response:
    """List a bucket (ListObjectsV2)."""
    asked = request.query_params
    page, cursor = page_of(
        storage.objects_of(request),
        request.path_params["bucket"],
        asked.get("prefix", ""),
        asked.get("continuation-token", ""),
        min(int(asked.get("max-keys", LIST_MAX)), LIST_MAX),
    )
    root = _xml(
        "ListBucketResult",
        IsTruncated="true" if cursor else "false",
        **({"NextContinuationToken": cursor} if cursor else {}),
    )
    for name, about, size in page:
        one = SubElement(root, "Contents")
        for field, value in (("Key", name), ("Size", str(size)), ("ETag", about.etag)):
            SubElement(one, field).text = value
    return _answer(root)


METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]
ROUTES = [
    Route("/s3/{bucket}", serve, methods=METHODS),
    Route("/s3/{bucket}/{path:path}", serve, methods=METHODS),
]
