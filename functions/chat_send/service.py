"""Accepts chat messages, once: the way of a request through its parts."""

import logging
from collections.abc import Sequence

import msgspec

from functions.chat_send import queries
from functions.chat_send.acceptance import Acceptance, Submission, works
from functions.chat_send.queries import Found
from functions.chat_send.settings import Settings
from functions.shared.database import Database
from functions.shared.extraction_policy import policy
from functions.shared.http import Request, Response
from functions.shared.limits import Limit
from functions.shared.queues import Queue

logger = logging.getLogger(__name__)


class Service:
    """The parts of chat_send, in the order in which a request meets them.

    Args:
        settings: Its environment.
        database: Where the messages go.

    Attributes:
        acceptance: The pure part.
        meter: Counts hits elsewhere; ``None`` where Postgres counts.
        queues: SQS queues by topic.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        limit = Limit(
            scope="chat",
            hits=settings.limit_hits,
            window_s=settings.limit_window_s,
            outage="postgres",
        )
        self._database = database
        self.acceptance = Acceptance(
            settings.credentials, limit, policy(settings.extraction_policy)
        )
        self.meter = None
        if settings.limit_store != "postgres":
            # Here, because most stacks count in Postgres.
            from functions.chat_send.metering import Meter
            from functions.shared.limits.stores import store

            counts = store(
                settings.limit_store, redis_url=settings.redis_url, database=database
            )
            self.meter = Meter(counts, limit, database)
        urls = {
            "llm": settings.queue_url_llm,
            "extraction": settings.queue_url_extraction,
        }
        self.queues = {topic: Queue(url) for topic, url in urls.items() if url}

    def respond(self, request: Request) -> Response:
        """Accept one request."""
        submission = self.acceptance.receive(request)
        if self.meter:
            self.meter.reserve(submission)
        found: list[Found] = []
        try:
            found = self._database.run(
                lambda connection: queries.accept(
                    connection, submission.offers, self.acceptance.limit.window_s
                ),
                # A second run finds the messages that the first one saved.
                repeatable=True,
            )
        finally:
            if self.meter:
                self.meter.settle(submission, found)
        log(submission, found)
        self.send(submission, found)
        return self.acceptance.answer(submission, found)

    def send(self, submission: Submission, found: Sequence[Found]) -> None:
        """Send new work to its queue, best effort: its outbox row is committed."""
        for topic, work in works(submission, found):
            if topic in self.queues:
                self.queues[topic].send(msgspec.structs.asdict(work))


def log(submission: Submission, found: Sequence[Found]) -> None:
    """Log ids, never the text."""
    for each in found:
        if each.id is None:
            continue
        fields = {
            "message_id": each.id,
            "user_id": each.user_id,
            "duplicate": not each.is_new,
            "outbox_id": each.outbox_id,
        }
        logger.info("message accepted", extra={"fields": fields})
