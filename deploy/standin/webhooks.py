"""A webhook for alarms, as a chat or an on-call service has one.

It confirms the subscriptions of the stack's own emulator; what SNS sends can be read
back.
"""

import json
import time
from collections import deque
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.emulator.live import Look
from deploy.errors import DeployError
from deploy.local.facts import LocalStack

KEPT = 200
"""How many of the last notifications can be read back."""


class Notifications:
    """The last notifications, oldest first."""

    def __init__(self) -> None:
        self._received: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def add(self, message: dict[str, Any]) -> None:
        """Keep one notification."""
        self._received.append({**message, "received_at": time.time()})

    def all(self) -> list[dict[str, Any]]:
        """Give what is kept."""
        return list(self._received)


def _message(body: bytes) -> dict[str, Any] | None:
    """Read a message of SNS, or give ``None`` for anything else."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    fields = ("Type", "TopicArn", "MessageId")
    if not isinstance(message, dict) or not all(
        isinstance(message.get(field), str) for field in fields
    ):
        return None
    return message


def _confirm(stack: LocalStack, message: dict[str, Any]) -> None:
    """Confirm a subscription.

    Through the emulator's API and not through the message's ``SubscribeURL``: whoever
    reaches the webhook could have it fetch any address.
    """
    look = Look(stack)
    try:
        topic, token = message["TopicArn"], str(message.get("Token"))
        look.query("sns", "ConfirmSubscription", TopicArn=topic, Token=token)
    finally:
        look.close()


async def receive(request: Request) -> Response:
    """Take a message of SNS, which sends JSON as ``text/plain``."""
    message = _message(await request.body())
    if message is None:
        return JSONResponse({"message": "not a message of SNS"}, status_code=400)
    if message["Type"] == "SubscriptionConfirmation":
        try:
            await run_in_threadpool(_confirm, request.app.state.facts(), message)
        except DeployError as error:
            return JSONResponse({"message": str(error)}, status_code=502)
    elif message["Type"] == "Notification":
        request.app.state.notifications.add(message)
    return Response(status_code=204)


async def received(request: Request) -> JSONResponse:
    """Give the notifications received lately, as SNS sent them."""
    return JSONResponse({"notifications": request.app.state.notifications.all()})


ROUTES = [
    Route("/alarms", receive, methods=["POST"]),
    Route("/alarms/_received", received),
]
