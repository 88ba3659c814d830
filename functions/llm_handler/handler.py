"""Answers a message with a language model, once. Trigger: queue ``llm-requests``."""

import logging
import os
from functools import cache
from typing import Any

import msgspec

from functions.llm_handler.announcements import Announcer
from functions.llm_handler.answers import DELIVERED_AGAIN, Answerer
from functions.llm_handler.budgets import Budget
from functions.llm_handler.settings import Settings
from functions.shared.caching import CacheMetrics
from functions.shared.caching.llm_config import LlmConfigs
from functions.shared.caching.shared_store import shared_store
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
    return _assemble(settings, database, _configs(settings, database))


def _configs(settings: Settings, database: Database) -> LlmConfigs:
    """Give the cache of the models' configuration."""
    shared = shared_store(settings.redis_url, settings.stack)
    return LlmConfigs(database, shared, settings.config_lifetime)


def _assemble(settings: Settings, database: Database, configs: LlmConfigs) -> Answerer:
    """Assemble the service around a cache."""
    broadcaster = None
    if settings.supabase_url:
        broadcaster = Broadcaster(settings.supabase_url, settings.supabase_service_key)
    queue_url = settings.queue_url_extraction
    return Answerer(
        database,
        models(settings.model_keys),
        configs=configs,
        budget=Budget(settings.prices, settings.day_budget_microusd),
        policy=policy(settings.extraction_policy),
        announcer=Announcer(
            database, broadcaster, Queue(queue_url) if queue_url else None
        ),
    )


@cache
def _service() -> tuple[Answerer, CacheMetrics]:
    """Assemble the service of this Lambda environment, at its first invocation."""
    configure("llm_handler")
    settings = Settings.from_environ(os.environ)
    database = SingleConnection(settings.database_url, "llm_handler")
    configs = _configs(settings, database)
    metrics = CacheMetrics(
        settings.metrics_namespace, settings.stack, "llm_handler", [configs]
    )
    return _assemble(settings, database, configs), metrics


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle one batch of messages.

    Args:
        event: SQS event; each record's ``body`` is ``{"outbox_id": int, ...}``.
        context: Lambda context; tells what time is left.

    Returns:
        The partial batch response, ``{"batchItemFailures": [{"itemIdentifier":
        str}]}``: SQS delivers these messages again.
    """
    service, metrics = _service()
    failures = [
        {"itemIdentifier": record["messageId"]}
        for record in event["Records"]
        if not _is_done(service, record, context)
    ]
    metrics.write()
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
        return outcome not in DELIVERED_AGAIN
    finally:
        request_id.reset(token)
