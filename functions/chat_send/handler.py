"""Accepts chat messages, once. Trigger: ``POST /functions/v1/chat-send``."""

import os
from functools import cache
from typing import Any

from functions.chat_send.service import Service
from functions.chat_send.settings import Settings
from functions.routes import CHAT_SEND
from functions.shared import function_url
from functions.shared.application import Application
from functions.shared.database import Database, SingleConnection
from functions.shared.logging import configure


def application(settings: Settings, database: Database) -> Application:
    """Assemble the service.

    Args:
        settings: Its environment.
        database: Where the messages go.
    """
    service = Service(settings, database)
    return Application(CHAT_SEND, service.respond, settings.allowed_origins)


@cache
def _service() -> Application:
    """Assemble the service of this Lambda environment, at its first invocation."""
    configure("chat_send")
    settings = Settings.from_environ(os.environ)
    return application(settings, SingleConnection(settings.database_url, "chat_send"))


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer one request of the function URL.

    Args:
        event: Payload format 2.0.
        context: Lambda context; not used.
    """
    return function_url.answer(_service(), event)
