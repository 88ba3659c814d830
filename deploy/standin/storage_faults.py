"""Faults of storage, chosen by each request for itself.

The header ``x-standin-fault`` chooses: a status (``429``, ``500``, ``503``),
``slow-<ms>``, ``lost`` (the effect happens, the answer is a 500), ``truncated`` (the
body ends early) or ``corrupt`` (one byte of the body is another).
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.standin.faults import HEADER, LONGEST_MS

STATUSES = ("429", "500", "502", "503", "504")
_ANSWER = b'{"statusCode":"%s","error":"standin","message":"a fault was asked for"}'


class StorageFaults:
    """Puts the fault of a request between it and the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, with its fault."""
        headers = dict(scope.get("headers", []))
        fault = headers.get(HEADER.encode(), b"").decode("latin-1")
        kind, _, ms = fault.partition("-")
        if fault in STATUSES:
            await _refuse(send, int(fault), scope["path"])
        elif kind == "slow" and ms.isdigit():
            await asyncio.sleep(min(int(ms), LONGEST_MS) / 1000)
            await self._app(scope, receive, send)
        elif fault == "lost":
            await self._app(scope, receive, _nowhere)
            await _refuse(send, 500, scope["path"])
        elif fault in {"truncated", "corrupt"}:
            await self._app(scope, receive, _Damaging(send, fault))
        else:
            await self._app(scope, receive, send)


class _Damaging:
    """Damages the body of an answer."""

    def __init__(self, send: Send, fault: str) -> None:
        self._send = send
        self._fault = fault

    async def __call__(self, message: Message) -> None:
        """Pass a message on; the server notices a body that is too short."""
        body = message.get("body", b"")
        if body and self._fault == "truncated":
            message = {**message, "body": body[: len(body) // 2]}
        elif body:
            message = {**message, "body": bytes([body[0] ^ 1]) + body[1:]}
        await self._send(message)


async def _nowhere(message: Message) -> None:
    """Lose an answer."""


async def _refuse(send: Send, status: int, path: str) -> None:
    """Answer as storage-api does: 400, and the real status in the body.

    Its S3 protocol and its resumable uploads have the real status in front.
    """
    is_plain = "/s3/" in path or "/upload/" in path
    body = _ANSWER % str(status).encode()
    start = {"type": "http.response.start", "status": status if is_plain else 400}
    kind = [(b"content-type", b"application/json")]
    await send({**start, "headers": kind})
    await send({"type": "http.response.body", "body": body})
