"""Answers a message with a language model, once. Trigger: queue ``llm-requests``."""

import logging
import os
from functools import cache
from typing import Any

import msgspec

from functions.llm_handler.answers import Answerer, Outcome
from functions.llm_handler.settings import Settings
from functions.shared.database import Database, SingleConnection
from functions.shared.extraction_policy import policy
from functions.shared.logging import configure, request_id
from functions.shared.providers.models import models
from functions.shared.queues import Queue
from functions.shared.realtime import Broadcaster

logger = logging.getLogger(__name__)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a queue message says; the rest of it stands on the outbox row."""

    outbox_id: int
    request_id: str = "-"


def answerer(settings: Settings, database: Database) -> Answerer:
    """Assemble the service.

    Args:
        settings: Its environment.
        database: Where the messages are.
    """
    broadcaster = None
    if settings.supabase_url:
        broadcaster = Broadcaster(settings.supabase_url, settings.supabase_service_key)
    queue_url = settings.queue_url_extraction
    return Answerer(
        database,
        models(settings.model_keys),
        broadcaster,
        policy(settings.extraction_policy),
        Queue(queue_url) if queue_url else None,
    )


@cache
def _service() -> Answerer:
    """Assemble the service of this Lambda environment, at its first invocation."""
    configure("llm_handler")
    settings = Settings.from_environ(os.environ)
    return answerer(settings, SingleConnection(settings.database_url, "llm_handler"))


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle one batch of messages.

    Args:
        event: SQS event; each record's ``body`` is ``{"outbox_id": int, ...}``.
        context: Lambda context; tells what time is left.

    Returns:
        The partial batch response, ``{"batchItemFailures": [{"itemIdentifier":
        str}]}``: SQS delivers these messages again.
    """
    service = _service()
    failures = [
        {"itemIdentifier": record["messageId"]}
        for record in event["Records"]
        if not _is_done(service, record, context)
    ]
    return {"batchItemFailures": failures}


def _is_done(service: Answerer, record: dict[str, Any], context: Any) -> bool:
    """Answer one message; tell whether SQS may forget it."""
    token = request_id.set("-")
    fields: dict[str, object] = {"sqs_message_id": record["messageId"]}
    try:
        work = msgspec.json.decode(record["body"], type=Work)
        request_id.set(work.request_id)
        fields["outbox_id"] = work.outbox_id
        outcome = service.answer(
            work.outbox_id, lambda: context.get_remaining_time_in_millis() / 1000
        )
    except Exception:  # one bad message must not fail its batch
        logger.exception("message not answered", extra={"fields": fields})
        return False
    else:
        logger.info(outcome.value, extra={"fields": fields})
        return outcome is not Outcome.LEASED
    finally:
        request_id.reset(token)
