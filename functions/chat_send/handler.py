"""Accepts a chat message, once. Trigger: ``POST /functions/v1/chat-send``."""

import logging
import os
from functools import cache
from typing import Any

from functions.chat_send import messages
from functions.chat_send.messages import Limit, Outcome
from functions.chat_send.settings import Settings
from functions.routes import CHAT_SEND
from functions.shared import auth, function_url
from functions.shared.application import Application
from functions.shared.database import Database, SingleConnection
from functions.shared.http import Request, Response
from functions.shared.logging import configure
from functions.shared.queues import Queue

logger = logging.getLogger(__name__)


def application(settings: Settings, database: Database) -> Application:
    """Assemble the service.

    Args:
        settings: Its environment.
        database: Where the messages go.
    """
    limit = Limit(settings.limit_hits, settings.limit_window_s)
    queue = Queue(settings.queue_url_llm) if settings.queue_url_llm else None

    def respond(request: Request) -> Response:
        caller = auth.authenticate(request.headers, settings.credentials)
        message = messages.decode(request.body)
        outcome = database.run(
            lambda connection: messages.accept(
                connection, message, caller, limit, request.request_id
            ),
            # A second run finds the message that the first one saved.
            repeatable=True,
        )
        _log(outcome)
        if queue and outcome.outbox_id is not None:
            queue.send(messages.work(message, outcome, request.request_id))
        return messages.answer(outcome)

    return Application(CHAT_SEND, respond, settings.allowed_origins)


def _log(outcome: Outcome) -> None:
    """Log ids, never the text."""
    fields = {
        "message_id": outcome.message_id,
        "user_id": outcome.user_id,
        "duplicate": outcome.duplicate,
        "outbox_id": outcome.outbox_id,
    }
    logger.info("message accepted", extra={"fields": fields})


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
