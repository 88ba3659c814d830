"""The ASGI server's way of a chat message: one event loop, no thread, no framework."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from functions.chat_send.acceptance import Submission
from functions.chat_send.metering import Meter
from functions.chat_send.queries import Found
from functions.chat_send.service import Service, log
from functions.message_batcher import Acceptor
from functions.routes import CHAT_SEND
from functions.shared.application import Application
from functions.shared.http import MAX_BODY_BYTES, Request, Response

SENDERS = 4
SENDING_MAX = 200
"""Sends to the queues at a time, and requests whose sends wait. What is beyond is left
to the relay."""


class ChatEndpoint:
    """chat_send as an ASGI application; made for ``POST`` on its path alone.

    Args:
        service: The parts of chat_send.
        allowed_origins: Origins whose pages may call.
        acceptor: Takes the messages to the database.
    """

    def __init__(
        self, service: Service, allowed_origins: tuple[str, ...], acceptor: Acceptor
    ) -> None:
        self._service = service
        self._application = Application(CHAT_SEND, service.respond, allowed_origins)
        self._acceptor = acceptor
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="queue")
        self._sending = 0

    async def open(self) -> None:
        """Begin."""
        await self._acceptor.open()

    async def close(self) -> None:
        """End, after what is waiting."""
        await self._acceptor.close()
        await run_in_threadpool(self._senders.shutdown)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(
            method=scope["method"],
            path=scope["path"],
            headers={
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in scope["headers"]
            },
            body=await body(receive),
            request_id=str(uuid4()),
        )
        respond = await self._accept(request)
        await _send(self._application.answer(request, respond), send)

    async def _accept(self, request: Request) -> Callable[[Request], Response]:
        """Do what waits; give the rest, which raises what this met."""
        acceptance = self._service.acceptance
        try:
            if acceptance.may_block:
                submission = await run_in_threadpool(acceptance.receive, request)
            else:
                submission = acceptance.receive(request)
            found = await self._ask(submission)
        except Exception as error:  # the application makes an answer of it
            return _raising(error)

        def respond(_: Request) -> Response:
            log(submission, found)
            return acceptance.answer(submission, found)

        return respond

    async def _ask(self, submission: Submission) -> Sequence[Found]:
        """Limit and save a request."""
        found: Sequence[Found]
        if self._service.meter is None:
            found = await self._acceptor.accept(submission.offers)
        else:
            found = await self._ask_metered(self._service.meter, submission)
        if self._service.queues:
            self._post(submission, found)
        return found

    async def _ask_metered(
        self, meter: Meter, submission: Submission
    ) -> Sequence[Found]:
        """The same where another store counts; its clients block."""
        await run_in_threadpool(meter.reserve, submission)
        found: Sequence[Found] = ()
        try:
            found = await self._acceptor.accept(submission.offers)
        finally:
            await run_in_threadpool(meter.settle, submission, found)
        return found

    def _post(self, submission: Submission, found: Sequence[Found]) -> None:
        """Send new work to its queues while the answer goes out."""
        if self._sending >= SENDING_MAX:
            return

        def sent(_: object) -> None:
            self._sending -= 1

        self._sending += 1
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(
            self._senders, self._service.send, submission, found
        )
        sending.add_done_callback(sent)


def _raising(error: Exception) -> Callable[[Request], Response]:
    """Give work that fails."""

    def respond(_: Request) -> Response:
        raise error

    return respond


async def body(receive: Receive) -> bytes:
    """Read a body, and no more of it than shows that it is too large."""
    message = await receive()
    content: bytes = message.get("body", b"")
    while message.get("more_body") and len(content) <= MAX_BODY_BYTES:
        message = await receive()
        content += message.get("body", b"")
    return content


async def _send(response: Response, send: Send) -> None:
    """Send an answer."""
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers.items()
    ]
    headers.append((b"content-length", str(len(response.body)).encode()))
    start = {"type": "http.response.start", "status": response.status}
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
