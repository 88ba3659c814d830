"""The storage API, what services use of it: describe, list and read with a key."""

import base64
import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.standin import storage
from deploy.standin.storage import About, Objects, problem

LIST_MAX = 1_000


async def describe(request: Request) -> Response:
    """Describe an object (``/object/info/<bucket>/<path>``)."""
    if refused := storage.refusal(request):
        return refused
    key = storage.key_of(request)
    objects = storage.objects_of(request)
    about = objects.about(key) if key else None
    if key is None or about is None:
        return problem(404, "not_found", "Object not found")
    size = await run_in_threadpool(objects.size, key)
    bucket, _, name = key.partition("/")
    return JSONResponse(
        {
            "id": key,
            "name": name,
            "bucket_id": bucket,
            "size": size,
            "content_type": about.content_type,
            "cache_control": about.cache_control,
            "etag": about.etag,
            "metadata": {},
        }
    )


async def read(request: Request) -> Response:
    """Read an object with a key."""
    if refused := storage.refusal(request):
        return refused
    return await storage.read(request)


async def listed(request: Request) -> Response:
    """List the objects of a bucket, page by page (``/object/list-v2/<bucket>``)."""
    if refused := storage.refusal(request):
        return refused
    asked = await _asked(request)
    if asked is None or asked.get("with_delimiter") is not False:
        return problem(400, "invalid_request", "the stand-in lists without delimiter")
    size = asked.get("limit", LIST_MAX)
    if not (isinstance(size, int) and 1 <= size <= LIST_MAX):
        return problem(400, "invalid_request", f"limit must be 1 to {LIST_MAX}")
    page, cursor = await run_in_threadpool(
        page_of,
        storage.objects_of(request),
        request.path_params["bucket"],
        str(asked.get("prefix", "")),
        str(asked.get("cursor") or ""),
        size,
    )
    return JSONResponse(
        {
            "hasNext": cursor is not None,
            "nextCursor": cursor,
            "folders": [],
            "objects": [
                {
                    "id": about.key,
                    "name": name,
                    "metadata": {
                        "size": bytes_,
                        "mimetype": about.content_type,
                        "cacheControl": about.cache_control,
                        "eTag": about.etag,
                    },
                }
                for name, about, bytes_ in page
            ],
        }
    )


async def _asked(request: Request) -> dict[str, Any] | None:
    """Read a JSON object from the body, or give ``None``."""
    try:
        asked = json.loads(await request.body())
    except ValueError:
        return None
    return asked if isinstance(asked, dict) else None


def page_of(
    objects: Objects, bucket: str, prefix: str, cursor: str, size: int
) -> tuple[list[tuple[str, About, int]], str | None]:
    """Give a page of a bucket's objects, and where the next one begins.

    Args:
        objects: Where they are.
        bucket: Which bucket.
        prefix: How their names begin.
        cursor: What the page before gave; empty for the first.
        size: Most objects of the page.

    Returns:
        Name, description and size in bytes of each, by name; the cursor, or ``None``.
    """
    after = base64.urlsafe_b64decode(cursor).decode() if cursor else ""
    start = f"{bucket}/"
    found = sorted(
        (about.key.removeprefix(start), about)
        for about in objects.all()
        if about.key.startswith(f"{start}{prefix}")
    )
    rest = [(name, about) for name, about in found if name > after]
    page = [(name, about, objects.size(about.key)) for name, about in rest[:size]]
    if len(rest) <= size:
        return page, None
    return page, base64.urlsafe_b64encode(page[-1][0].encode()).decode()


ROUTES = [
    Route("/object/info/{bucket}/{path:path}", describe, methods=["GET"]),
    Route("/object/list-v2/{bucket}", listed, methods=["POST"]),
]
READ = Route("/object/{bucket}/{path:path}", read, methods=["GET"])
"""Stands behind all others: it takes any path."""
