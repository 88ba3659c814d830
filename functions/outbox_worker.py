"""Drain the outbox in a thread, where no queue and no schedule does it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from functions.llm_handler.answers import Answerer
from functions.llm_handler.handler import answerer
from functions.llm_handler.settings import Settings as AnswerSettings
from functions.relay_outbox.handler import carriers
from functions.relay_outbox.outbox import sweep
from functions.relay_outbox.queries import Failure, Row
from functions.relay_outbox.settings import Settings as RelaySettings
from functions.shared.database import Connection, Database
from functions.shared.providers.interface import ProviderError

logger = logging.getLogger(__name__)

TOPIC = "llm"
BATCH = 8
ANSWER_S = 60.0
"""Time for one answer, in seconds; the timeout of llm_handler on AWS."""

IDLE_S = 0.2
FAILED_S = 2.0
"""Pause when nothing waits, and when the database is away, in seconds."""

SWEEP_EVERY_S = 5.0
"""Pause between two sweeps for rows that are due again, in seconds."""

# Rows that were neither tried nor sent yet. Those that failed come back with the
# sweep, by its backoff.
FRESH = """
select id
  from kiloscale.outbox
 where topic = %(topic)s
   and sends = 0
   and last_error is null
   and dead_at is null
   and (leased_until is null or leased_until <= now())
 order by id
 limit %(batch)s
"""


class AnswerCarrier:
    """Answers rows in place of a queue and its consumer."""

    deletes = False

    def __init__(self, service: Answerer) -> None:
        self._service = service
        self._pool = ThreadPoolExecutor(BATCH, thread_name_prefix="answer")

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Answer rows that are due again. A failure stands on the row already."""
        self.answer([row.id for row in rows])
        return {}

    def answer(self, outbox_ids: Sequence[int]) -> None:
        """Answer some rows at a time."""
        list(self._pool.map(self._answer, outbox_ids))

    def close(self) -> None:
        """Wait for the answers that are being written."""
        self._pool.shutdown()

    def _answer(self, outbox_id: int) -> None:
        """Answer one row; a failure is logged and tried again later."""
        left_s = _countdown(ANSWER_S)
        try:
            outcome = self._service.answer(outbox_id, left_s)
        except ProviderError:
            logger.exception("message not answered")
        except Exception:  # one bad row must not end the worker
            logger.exception("answering failed")
        else:
            logger.info(outcome.value, extra={"fields": {"outbox_id": outbox_id}})


class OutboxWorker:
    """A thread that answers what is new and sends again what is due.

    Args:
        variables: The environment of llm_handler and relay_outbox.
        database: Where the outbox is.
    """

    def __init__(self, variables: Mapping[str, str], database: Database) -> None:
        self._database = database
        self._carriers = carriers(RelaySettings.from_environ(variables))
        self._answers: AnswerCarrier | None = None
        if TOPIC not in self._carriers:
            service = answerer(AnswerSettings.from_environ(variables), database)
            self._answers = AnswerCarrier(service)
            self._carriers[TOPIC] = self._answers
        self._sweep_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch that is being worked on."""
        self._stop.set()
        self._thread.join()
        if self._answers:
            self._answers.close()

    def _run(self) -> None:
        """Work until stopped."""
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                pause = 0.0 if self._drain() else IDLE_S
            except Exception:  # the outbox keeps the work until the database is back
                logger.exception("outbox not drained")
                pause = FAILED_S

    def _drain(self) -> bool:
        """Do what waits; tell whether there was anything."""
        fresh = self._database.run(_fresh, repeatable=True) if self._answers else []
        if self._answers and fresh:
            self._answers.answer(fresh)
        if time.monotonic() >= self._sweep_at:
            sweep(self._database, self._carriers, _countdown(ANSWER_S))
            self._sweep_at = time.monotonic() + SWEEP_EVERY_S
        return bool(fresh)


def _fresh(connection: Connection) -> list[int]:
    """List rows that nobody tried yet."""
    rows = connection.execute(FRESH, {"topic": TOPIC, "batch": BATCH}).fetchall()
    return [int(str(row[0])) for row in rows]


def _countdown(seconds: float) -> Callable[[], float]:
    """Give a function that tells what is left of some seconds."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()
