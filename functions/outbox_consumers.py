"""Do the work of outbox rows in this process, in place of a queue and its consumer."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from uuid import UUID

from functions.extract_memory.extraction import Extractor
from functions.extract_memory.memories import UnreadableAnswerError
from functions.llm_handler.answers import Answerer
from functions.relay_outbox.queries import Failure, Row
from functions.shared.providers.interface import ProviderError

logger = logging.getLogger(__name__)

WORK_S = 60.0
"""Time for one answer or one conversation, in seconds; as their timeouts on AWS."""

CALLS = 8
"""Answers that are written at a time, and conversations that are read."""


class Consumer(Protocol):
    """A `functions.relay_outbox.outbox.Carrier` that does the work itself.

    A failure stands on the row already, so that it gives none back.
    """

    deletes: bool
    age_s: float
    """How old a row must be before it is taken, in seconds."""

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Do the work of some rows; return when all of it is done."""

    def close(self) -> None:
        """Wait for the work that is being done."""


class AnswerConsumer:
    """Answers messages, some at a time; a `Consumer`."""

    deletes = False
    age_s = 0.0

    def __init__(self, service: Answerer) -> None:
        self._service = service
        self._pool = ThreadPoolExecutor(CALLS, thread_name_prefix="answer")

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Answer; see `Consumer.carry`."""
        list(self._pool.map(self._answer, [row.id for row in rows]))
        return {}

    def close(self) -> None:
        """See `Consumer.close`."""
        self._pool.shutdown()

    def _answer(self, outbox_id: int) -> None:
        """Answer one row; a failure is logged and tried again later."""
        try:
            outcome = self._service.answer(outbox_id, countdown(WORK_S))
        except ProviderError:
            logger.exception("message not answered")
        except Exception:  # one bad row must not end the worker
            logger.exception("answering failed")
        else:
            logger.info(outcome.value, extra={"fields": {"outbox_id": outbox_id}})


class ExtractionConsumer:
    """Reads conversations for memories, some at a time; a `Consumer`."""

    deletes = False
    age_s = 10.0
    """As the window of the queue: turns that follow each other are read together."""

    def __init__(self, service: Extractor) -> None:
        self._service = service
        self._pool = ThreadPoolExecutor(CALLS, thread_name_prefix="extract")

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Read each conversation once for all of its rows; see `Consumer.carry`."""
        groups: dict[str, list[int]] = {}
        for row in rows:
            groups.setdefault(row.key, []).append(row.id)
        list(self._pool.map(self._extract, groups.items()))
        return {}

    def close(self) -> None:
        """See `Consumer.close`."""
        self._pool.shutdown()

    def _extract(self, group: tuple[str, list[int]]) -> None:
        """Read one conversation; a failure is logged and tried again later."""
        chat_id, outbox_ids = group
        try:
            done = self._service.extract(UUID(chat_id), outbox_ids, countdown(WORK_S))
        except (ProviderError, UnreadableAnswerError):
            logger.exception("conversation not read")
        except Exception:  # one bad row must not end the worker
            logger.exception("reading failed")
        else:
            fields = {"outbox_ids": outbox_ids}
            logger.info(done.outcome.value, extra={"fields": fields})


def countdown(seconds: float) -> Callable[[], float]:
    """Give a function that tells what is left of some seconds."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()
