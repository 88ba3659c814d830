"""The one table of HTTP routes, read by the Lambda handlers and by ``asgi.py``."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where one service is reached.

    Attributes:
        service: Folder below ``functions/``; its ``handler`` module has
            ``application(settings, database)``.
        method: The one method besides ``OPTIONS``.
        path: Path below the stable base of the functions.
    """

    service: str
    method: str
    path: str


CHAT_SEND = Route(service="chat_send", method="POST", path="/functions/v1/chat-send")
READ_HISTORY = Route(
    service="read_history", method="GET", path="/functions/v1/chat-history"
)
HEALTH_CHECK = Route(
    service="health_check", method="GET", path="/functions/v1/health-check"
)
COMPRESS_IMAGE = Route(
    service="compress_image", method="POST", path="/functions/v1/compress-image"
)

ROUTES: tuple[Route, ...] = (CHAT_SEND, READ_HISTORY, HEALTH_CHECK, COMPRESS_IMAGE)
