"""Keeps what a conversation tells about its user. Trigger: ``memory-extractions``."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from functions.extract_memory.conversations import Limit
from functions.extract_memory.extraction import Extractor
from functions.extract_memory.language import Language
from functions.extract_memory.settings import Settings
from functions.shared.caching import CacheMetrics
from functions.shared.caching.llm_config import LlmConfigs
from functions.shared.caching.shared_store import shared_store
from functions.shared.database import Database, SingleConnection
from functions.shared.logging import configure, request_id
from functions.shared.providers.models import models

logger = logging.getLogger(__name__)

CALLS = 5
"""Conversations that are read at a time: a batch may hold ten, and each waits seconds
for the model. Their statements take turns on the one connection."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a queue message says; the rest of it stands on the outbox row."""

    outbox_id: int
    chat_id: UUID
    request_id: str = "-"


def extractor(settings: Settings, database: Database) -> Extractor:
    """Assemble the service.

    Args:
        settings: Its environment.
        database: Where the messages and the memories are.
    """
    return _assemble(settings, database, _configs(settings, database))


def _configs(settings: Settings, database: Database) -> LlmConfigs:
    """Give the cache of the models' configuration."""
    shared = shared_store(settings.redis_url, settings.stack)
    return LlmConfigs(database, shared, settings.config_lifetime)


def _assemble(settings: Settings, database: Database, configs: LlmConfigs) -> Extractor:
    """Assemble the service around a cache."""
    language = Language(
        models=models(settings.model_keys), configs=configs, prices=settings.prices
    )
    limit = Limit(settings.limit_hits, settings.limit_window_s)
    return Extractor(database, language, limit)


@cache
def _service() -> tuple[Extractor, CacheMetrics]:
    """Assemble the service of this Lambda environment, at its first invocation."""
    configure("extract_memory")
    settings = Settings.from_environ(os.environ)
    database = SingleConnection(settings.database_url, "extract_memory")
    configs = _configs(settings, database)
    metrics = CacheMetrics(
        settings.metrics_namespace, settings.stack, "extract_memory", [configs]
    )
    return _assemble(settings, database, configs), metrics


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle one batch of messages, each conversation of it once.

    Args:
        event: SQS event; each record's ``body`` is ``{"outbox_id": int, "chat_id":
            str, ...}``.
        context: Lambda context; tells what time is left.

    Returns:
        The partial batch response, ``{"batchItemFailures": [{"itemIdentifier":
        str}]}``: SQS delivers these messages again.
    """
    service, metrics = _service()
    groups: dict[UUID, dict[str, Work]] = {}
    failed: set[str] = set()
    for record in event["Records"]:
        try:
            work = msgspec.json.decode(record["body"], type=Work)
        except msgspec.DecodeError:  # one bad message must not fail its batch
            fields = {"sqs_message_id": record["messageId"]}
            logger.exception("message not read", extra={"fields": fields})
            failed.add(record["messageId"])
        else:
            groups.setdefault(work.chat_id, {})[record["messageId"]] = work

    def left_s() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    with ThreadPoolExecutor(CALLS) as pool:
        for unfinished in pool.map(
            lambda group: _unfinished(service, group, left_s), groups.values()
        ):
            failed |= unfinished
    metrics.write()
    return {"batchItemFailures": [{"itemIdentifier": each} for each in sorted(failed)]}


def _unfinished(
    service: Extractor, group: dict[str, Work], left_s: Callable[[], float]
) -> set[str]:
    """Read one conversation; give the messages that SQS must deliver again."""
    works = list(group.values())
    token = request_id.set(works[0].request_id)
    outbox_ids = sorted({work.outbox_id for work in works})
    fields: dict[str, object] = {"outbox_ids": outbox_ids}
    try:
        done = service.extract(works[0].chat_id, outbox_ids, left_s)
    except Exception:  # one conversation must not fail the others
        logger.exception("conversation not read", extra={"fields": fields})
        return set(group)
    else:
        logger.info(done.outcome.value, extra={"fields": fields})
        return {name for name, work in group.items() if work.outbox_id in done.busy}
    finally:
        request_id.reset(token)
