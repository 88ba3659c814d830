"""Do the work of outbox rows in this process, in place of a queue and its consumer."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol
from uuid import UUID

from functions.compress_image.images import Compressor
from functions.extract_memory.extraction import Extractor
from functions.extract_memory.memories import UnreadableAnswerError
from functions.llm_handler.answers import Answerer
from functions.relay_outbox.queries import Failure, Row
from functions.shared.providers.interface import ProviderError
from functions.shared.queues import BATCH_MAX

logger = logging.getLogger(__name__)

WORK_S = 60.0
"""Time for one answer or one conversation, in seconds; as their timeouts on AWS."""

ANSWERS = 16
READINGS = 8
"""Answers that are written at a time, and conversations that are read: nearly all of
the time they wait for the model."""


COMPRESSIONS = 1
"""Images at a time: each fills a core or two, and this process answers chats."""


class Crew:
    """Threads that work on rows, and which rows they have.

    Args:
        name: Begins the names of the threads.
        size: How many there are.
    """

    def __init__(self, name: str, size: int) -> None:
        self._size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._rows: set[int] = set()
        self._ended = threading.Condition()

    @property
    def rows(self) -> list[int]:
        """What is being worked on."""
        with self._ended:
            return list(self._rows)

    @property
    def room(self) -> int:
        """How many rows more can be begun at once."""
        with self._ended:
            return max(self._size - len(self._rows), 0)

    def begin(self, rows: Collection[int], work: Callable[[], None]) -> None:
        """Have work done on rows, unless it is being done on one of them.

        Waits for a free thread: whoever sweeps must not claim more than is worked off.

        Args:
            rows: Their ids.
            work: Must not raise.
        """
        with self._ended:
            self._ended.wait_for(
                lambda: len(self._rows) < self._size or self._has_any(rows)
            )
            if self._has_any(rows):
                return
            self._rows.update(rows)
        self._pool.submit(self._run, rows, work)

    def wait(self, seconds: float) -> None:
        """Wait until there is room, or for some seconds."""
        with self._ended:
            self._ended.wait_for(lambda: len(self._rows) < self._size, seconds)

    def close(self) -> None:
        """Wait for everything that was begun."""
        self._pool.shutdown()

    def _has_any(self, rows: Collection[int]) -> bool:
        """Tell whether some of the rows are being worked on."""
        return not self._rows.isdisjoint(rows)

    def _run(self, rows: Collection[int], work: Callable[[], None]) -> None:
        """Work, and give the rows back."""
        try:
            work()
        finally:
            with self._ended:
                self._rows.difference_update(rows)
                self._ended.notify_all()


class Consumer(Protocol):
    """A `functions.relay_outbox.outbox.Carrier` that does the work itself.

    A failure stands on the row already, so that it gives none back.
    """

    deletes: bool
    batch_max: int
    age_s: float
    """How long a row must have been ready before it is taken, in seconds."""

    crew: Crew

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Begin the work of some rows."""


class AnswerConsumer:
    """Answers messages, some at a time; a `Consumer`."""

    deletes = False
    batch_max = BATCH_MAX
    age_s = 0.0

    def __init__(self, service: Answerer) -> None:
        self._service = service
        self.crew = Crew("answer", ANSWERS)

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Answer; see `Consumer.carry`."""
        for row in rows:
            self.crew.begin([row.id], partial(self._answer, row.id))
        return {}

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


class ImageConsumer:
    """Makes images smaller, one at a time; a `Consumer`."""

    batch_max = BATCH_MAX
    deletes = False
    age_s = 0.0

    def __init__(self, service: Compressor) -> None:
        self._service = service
        self.crew = Crew("image", COMPRESSIONS)

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Make images smaller; see `Consumer.carry`."""
        for row in rows:
            self.crew.begin([row.id], partial(self._compress, row.id))
        return {}

    def _compress(self, outbox_id: int) -> None:
        """Make one image smaller; a failure is logged and tried again later."""
        fields = {"outbox_id": outbox_id}
        try:
            outcome = self._service.work(outbox_id)
        except Exception:  # one bad row must not end the worker
            logger.exception("image not compressed", extra={"fields": fields})
        else:
            logger.info(outcome.value, extra={"fields": fields})


class ExtractionConsumer:
    """Reads conversations for memories, some at a time; a `Consumer`."""

    deletes = False
    batch_max = BATCH_MAX
    age_s = 10.0
    """As the window of the queue: turns that follow each other are read together."""

    def __init__(self, service: Extractor) -> None:
        self._service = service
        self.crew = Crew("extract", READINGS)

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Read each conversation once for all of its rows; see `Consumer.carry`."""
        groups: dict[str, list[int]] = {}
        for row in rows:
            groups.setdefault(row.key, []).append(row.id)
        for chat_id, outbox_ids in groups.items():
            self.crew.begin(outbox_ids, partial(self._extract, chat_id, outbox_ids))
        return {}

    def _extract(self, chat_id: str, outbox_ids: list[int]) -> None:
        """Read one conversation; a failure is logged and tried again later."""
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
