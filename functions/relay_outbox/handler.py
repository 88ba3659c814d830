"""Sends again what a queue does not have or lost. Trigger: a schedule, each minute."""

import logging
import os
from functools import cache
from typing import Any

import msgspec

from functions.relay_outbox.outbox import (
    Carrier,
    QueueCarrier,
    RealtimeCarrier,
    sweep,
)
from functions.relay_outbox.purging import PurgeCarrier
from functions.relay_outbox.settings import Settings
from functions.shared.database import Database, SingleConnection
from functions.shared.logging import configure, request_id
from functions.shared.queues import Queue
from functions.shared.realtime import Broadcaster

logger = logging.getLogger(__name__)


def carriers(settings: Settings) -> dict[str, Carrier]:
    """Give who takes each topic, as far as it is configured."""
    found: dict[str, Carrier] = {}
    queues = {
        "llm": settings.queue_url_llm,
        "extraction": settings.queue_url_extraction,
        "images": settings.queue_url_images,
    }
    for topic, url in queues.items():
        if url:
            found[topic] = QueueCarrier(Queue(url))
    if settings.supabase_url:
        found["realtime"] = RealtimeCarrier(
            Broadcaster(settings.supabase_url, settings.supabase_service_key)
        )
    if settings.cdn_purge_url:
        found["cdn-purge"] = PurgeCarrier(
            settings.cdn_purge_url, settings.cdn_purge_key
        )
    return found


@cache
def _service() -> tuple[Database, dict[str, Carrier]]:
    """Assemble the service of this Lambda environment, at its first invocation."""
    configure("relay_outbox")
    settings = Settings.from_environ(os.environ)
    database = SingleConnection(settings.database_url, "relay_outbox")
    return database, carriers(settings)


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Sweep the outbox once.

    Args:
        event: ``{"source": "schedule", "schedule": str}``.
        context: Lambda context; tells what time is left.

    Returns:
        ``{"sent", "failed", "buried", "complete"}``, in rows.
    """
    database, taken_by = _service()
    request_id.set(context.aws_request_id)
    done = sweep(
        database, taken_by, lambda: context.get_remaining_time_in_millis() / 1000
    )
    counts: dict[str, Any] = msgspec.to_builtins(done)
    # verify-crons finds the runs of a schedule by its name in the log.
    fields = {**counts, "schedule": event.get("schedule")}
    logger.info("outbox swept", extra={"fields": fields})
    return counts
