"""The broadcast API of realtime; what was sent can be read back.

Nobody subscribes here: there is no web socket.
"""

import json
import time
from collections import deque
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.standin.tokens import caller

KEPT = 200
"""How many of the last messages can be read back."""


class Broadcasts:
    """The last messages that were broadcast."""

    def __init__(self) -> None:
        self._sent: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def add(self, message: dict[str, Any]) -> None:
        """Keep one message."""
        self._sent.append({**message, "received_at": time.time()})

    def on(self, topic: str | None) -> list[dict[str, Any]]:
        """Give the messages of a topic, or all, oldest first."""
        return [
            message
            for message in self._sent
            if topic is None or message["topic"] == topic
        ]


def _messages(body: object) -> list[dict[str, Any]] | None:
    """Give the messages of a request body, or ``None`` if it has another shape."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list):
        return None
    for message in messages:
        if not (
            isinstance(message, dict)
            and isinstance(message.get("topic"), str)
            and isinstance(message.get("event"), str)
            and isinstance(message.get("payload"), dict)
        ):
            return None
    return messages


async def broadcast(request: Request) -> Response:
    """Take messages ``{"topic", "event", "payload", "private"}``."""
    if caller(request) is None:
        return JSONResponse({"message": "Unauthorized"}, status_code=401)
    try:
        messages = _messages(await request.json())
    except json.JSONDecodeError:
        messages = None
    if messages is None:
        errors = {"messages": ["each needs a topic, an event and a payload"]}
        return JSONResponse({"errors": errors}, status_code=422)
    for message in messages:
        request.app.state.broadcasts.add(message)
    return Response(status_code=202)


async def sent(request: Request) -> JSONResponse:
    """Give what was broadcast lately; ``?topic=`` chooses one topic."""
    topic = request.query_params.get("topic")
    return JSONResponse({"messages": request.app.state.broadcasts.on(topic)})


ROUTES = [
    Route("/api/broadcast", broadcast, methods=["POST"]),
    Route("/_sent", sent),
]
