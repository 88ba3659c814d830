"""Drain the outbox in threads, where no queue and no schedule does it."""

import logging
import threading
import time
from collections.abc import Mapping

from psycopg.rows import class_row

from functions.compress_image.handler import compressor
from functions.compress_image.settings import Settings as ImageSettings
from functions.extract_memory.handler import extractor
from functions.extract_memory.settings import Settings as ExtractionSettings
from functions.llm_handler.handler import answerer
from functions.llm_handler.settings import Settings as AnswerSettings
from functions.outbox_consumers import (
    WORK_S,
    AnswerConsumer,
    Consumer,
    ExtractionConsumer,
    ImageConsumer,
    countdown,
)
from functions.relay_outbox.handler import carriers
from functions.relay_outbox.outbox import Carrier, sweep
from functions.relay_outbox.queries import Row
from functions.relay_outbox.settings import Settings as RelaySettings
from functions.shared.database import Connection, Database

logger = logging.getLogger(__name__)

IDLE_S = 0.2
FAILED_S = 2.0
"""Pause when nothing waits, and when the database is away, in seconds."""

SWEEP_EVERY_S = 5.0
"""Pause between two sweeps for rows that are due again, in seconds."""

# Rows that are ready and were neither tried nor sent yet. Those that failed come back
# with the sweep, by its backoff.
FRESH = """
select id, key, payload
  from kiloscale.outbox
 where topic = %(topic)s
   and sends = 0
   and last_error is null
   and dead_at is null
   and (leased_until is null or leased_until <= now())
   and ready_at <= now() - make_interval(secs => %(age_s)s)
   and id <> all (%(busy)s)
 order by id
 limit %(room)s
"""


class OutboxWorker:
    """Threads that do what is new and send again what is due.

    Answers, memories and images have a thread each, so that nobody waits for an answer
    while a conversation is read for memories.

    Args:
        variables: The environment of llm_handler, extract_memory, compress_image and
            relay_outbox.
        database: Where the outbox is.
    """

    def __init__(self, variables: Mapping[str, str], database: Database) -> None:
        remote = carriers(RelaySettings.from_environ(variables))
        consumers: dict[str, Consumer] = {}
        if "llm" not in remote:
            answers = answerer(AnswerSettings.from_environ(variables), database)
            consumers["llm"] = AnswerConsumer(answers)
        if "extraction" not in remote:
            settings = ExtractionSettings.from_environ(variables)
            consumers["extraction"] = ExtractionConsumer(extractor(settings, database))
        if "images" not in remote:
            images = compressor(ImageSettings.from_environ(variables), database)
            consumers["images"] = ImageConsumer(images)
        self._drains = [
            _Drain(database, {}, remote),
            *(_Drain(database, {topic: each}) for topic, each in consumers.items()),
        ]

    def start(self) -> None:
        """Begin."""
        for drain in self._drains:
            drain.start()

    def stop(self) -> None:
        """End after what is being worked on."""
        for drain in self._drains:
            drain.stop.set()
        for drain in self._drains:
            drain.join()


class _Drain(threading.Thread):
    """One thread and the topics that it serves.

    Attributes:
        stop: Set to end it.
    """

    def __init__(
        self,
        database: Database,
        consumers: Mapping[str, Consumer],
        remote: Mapping[str, Carrier] | None = None,
    ) -> None:
        super().__init__(name="outbox")
        self.stop = threading.Event()
        self._database = database
        self._consumers = consumers
        self._carriers: dict[str, Carrier] = {**(remote or {}), **consumers}
        self._sweep_at = time.monotonic()

    def run(self) -> None:
        """Work until stopped."""
        pause = 0.0
        while not self.stop.wait(pause):
            try:
                pause = 0.0 if self._drain() else IDLE_S
            except Exception:  # the outbox keeps the work until the database is back
                logger.exception("outbox not drained")
                pause = FAILED_S
        for consumer in self._consumers.values():
            consumer.crew.close()

    def _drain(self) -> bool:
        """Do what waits; tell whether there was anything."""
        found = False
        for topic, consumer in self._consumers.items():
            room = consumer.crew.room
            if not room:
                consumer.crew.wait(IDLE_S)
                found = True
            elif rows := self._fresh(topic, consumer, room):
                consumer.carry(rows)
                found = True
        if time.monotonic() >= self._sweep_at:
            sweep(self._database, self._carriers, countdown(WORK_S))
            self._sweep_at = time.monotonic() + SWEEP_EVERY_S
        return found

    def _fresh(self, topic: str, consumer: Consumer, room: int) -> list[Row]:
        """List rows that nobody tried yet, at most ``room`` of them."""
        parameters = {
            "topic": topic,
            "age_s": consumer.age_s,
            "busy": consumer.crew.rows,
            "room": room,
        }

        def read(connection: Connection) -> list[Row]:
            with connection.cursor(row_factory=class_row(Row)) as cursor:
                return cursor.execute(FRESH, parameters).fetchall()

        return self._database.run(read, repeatable=True)
