"""The local front of the functions: each request goes on to its function URL.

On the emulator a function URL is told by its host name, which does not resolve. With
`kiloscale:cutoverFrom` in the stack's file, requests are shared out as on a real front.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.errors import UsageError
from deploy.standin import sharing
from infra.catalog.services import SERVICES
from infra.front_routing import Side, decide

FUNCTION_URLS = "functions.json"

NAMES = {
    service.route[1].rpartition("/")[2]: service.name
    for service in SERVICES
    if service.route
}
"""Functions by the end of their route, e.g. ``chat-history``: ``read-history``."""
TIMEOUT_S = 65.0
"""Longer than the slowest function may run (catalog: llm_handler, 60 s)."""

SIDE_HEADER = "x-kiloscale-origin"
"""Names the side that answered, ``ours`` or ``present``, as on a real front."""

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

# Those of one connection (RFC 9110, 7.6.1), and those that httpx sets itself.
NOT_PASSED_ON = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
    ]
)


@asynccontextmanager
async def client(app: Starlette) -> AsyncIterator[None]:
    """Keep one HTTP client while the application runs."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as opened:
        app.state.client = opened
        yield


def problem(title: str, detail: str, remedy: str) -> JSONResponse:
    """Answer 502 with a problem document (RFC 9457)."""
    return JSONResponse(
        {"title": title, "status": 502, "detail": detail, "remedy": remedy},
        status_code=502,
        media_type="application/problem+json",
    )


def function_urls(state: Path) -> dict[str, str]:
    """Read the function URLs by name; empty if none are recorded."""
    try:
        urls: dict[str, str] = json.loads((state / FUNCTION_URLS).read_text())
    except FileNotFoundError:
        return {}
    return urls


async def forward(request: Request) -> Response:
    """Send a request on as it is, to the side that its user belongs to."""
    try:
        front = sharing.front()
    except (sharing.MalformedShareError, UsageError) as exc:
        return problem("share not readable", str(exc), "./bootstrap cutover")
    token = request.headers.get("authorization", "")
    decision = decide(request.url.path, token, front)
    if decision.side is Side.PRESENT:
        base = sharing.present_base().removesuffix(front.present or "")
        host = urlsplit(base).netloc
        if host == urlsplit(request.app.state.facts().supabase_url).netloc:
            detail = f"kiloscale:cutoverFrom: {base} is the local stack itself"
            return problem("share not readable", detail, "./bootstrap cutover")
        answer = await _asked(request, f"{base}{decision.path}", host)
        answer.headers[SIDE_HEADER] = Side.PRESENT
        return answer
    return await _ours(request)


async def _ours(request: Request) -> Response:
    """Send a request to the emulator under the function's host name."""
    stack = request.app.state.facts()
    last = request.path_params["name"]
    name = NAMES.get(last, last)
    urls = function_urls(stack.state)
    if name not in urls:
        return problem(
            "function not provisioned",
            f"no function {name!r}; known: {', '.join(sorted(urls)) or 'none'}",
            "./bootstrap deploy --only infrastructure",
        )
    url = f"{stack.emulator_url}{request.url.path}"
    answer = await _asked(request, url, urlsplit(urls[name]).netloc)
    answer.headers[SIDE_HEADER] = Side.OURS
    return answer


async def _asked(request: Request, url: str, host: str) -> Response:
    """Ask one side under a host name."""
    headers = [
        (key, value)
        for key, value in request.headers.items()
        if key not in NOT_PASSED_ON
    ]
    headers.append(("host", host))
    query = f"?{request.url.query}" if request.url.query else ""
    try:
        answer = await request.app.state.client.request(
            request.method,
            f"{url}{query}",
            headers=headers,
            content=await request.body(),
        )
    except httpx.HTTPError as exc:
        address = urlsplit(url)
        detail = f"{type(exc).__name__} from {address.scheme}://{address.netloc}"
        return problem("no answer", detail, "./bootstrap local.status")
    return _passed_back(answer)


def _passed_back(answer: httpx.Response) -> Response:
    response = Response(answer.content, status_code=answer.status_code)
    response.raw_headers = [
        (key.lower(), value)
        for key, value in answer.headers.raw
        # httpx has undone the encoding of the content.
        if key.lower().decode() not in {*NOT_PASSED_ON, "content-encoding"}
    ]
    response.headers["content-length"] = str(len(answer.content))
    return response


ROUTES = [
    Route("/{name}", forward, methods=METHODS),
    Route("/{name}/{rest:path}", forward, methods=METHODS),
]
