"""Sweep the outbox: claim what is due, send it, note what failed."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from functions.relay_outbox import queries
from functions.relay_outbox.queries import Failure, Row
from functions.shared.database import Database
from functions.shared.queues import BATCH_MAX, Queue
from functions.shared.realtime import Broadcaster, BroadcastError

logger = logging.getLogger(__name__)

LEFT_MIN_S = 10.0
"""With less time left, in seconds, no batch is begun: one takes at most 3 s for the
queue, 3 s for realtime and the statements."""


class Carrier(Protocol):
    """Takes the rows of one topic to their consumer."""

    deletes: bool
    """Whether delivery is the whole effect, so that the row goes with it."""

    batch_max: int
    """Most rows that are sent together."""

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Send rows; give those that were not taken, by their id."""


class QueueCarrier:
    """Sends rows to an SQS queue; their consumer deletes them."""

    deletes = False
    batch_max = BATCH_MAX

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Send a batch; see `Carrier.carry`."""
        bodies = {
            row.id: msgspec.json.encode({"outbox_id": row.id, **row.payload})
            for row in rows
        }
        return {
            number: Failure(
                id=number, reason=f"sqs: {refusal.code}", counts=refusal.is_permanent
            )
            for number, refusal in self._queue.send_batch(bodies).items()
        }


class RealtimeCarrier:
    """Broadcasts rows; nobody else consumes them."""

    deletes = True
    batch_max = BATCH_MAX

    def __init__(self, broadcaster: Broadcaster) -> None:
        self._broadcaster = broadcaster

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Send a batch; see `Carrier.carry`."""
        try:
            self._broadcaster.send([row.payload for row in rows])
        except BroadcastError as error:
            # The API refuses a batch whole: find the row that is at fault.
            if error.is_permanent and len(rows) > 1:
                alone = (self.carry([row]) for row in rows)
                return {
                    number: why for failed in alone for number, why in failed.items()
                }
            return {
                row.id: Failure(
                    id=row.id, reason=error.reason, counts=error.is_permanent
                )
                for row in rows
            }
        return {}


class Sweep(msgspec.Struct, kw_only=True):
    """What a sweep did, in rows.

    Attributes:
        sent: Taken by a queue or by realtime.
        failed: Not taken; due again.
        buried: Out of sends since the last sweep.
        complete: Whether nothing that was due was left for the next sweep.
    """

    sent: int = 0
    failed: int = 0
    buried: int = 0
    complete: bool = True


def sweep(
    database: Database,
    carriers: Mapping[str, Carrier],
    left_s: Callable[[], float],
) -> Sweep:
    """Send everything that is due, as far as the time allows.

    Args:
        database: Where the outbox is.
        carriers: Who takes the rows of each topic; rows of others are left alone.
        left_s: Time that is left, in seconds.
    """
    done = Sweep(buried=database.run(queries.bury, repeatable=True))
    for topic, carrier in carriers.items():
        while done.complete:
            if left_s() < LEFT_MIN_S:
                done.complete = False
                break
            rows = _claim(database, topic, carrier.batch_max)
            if not rows:
                break
            failures = carrier.carry(rows)
            _note(database, carrier, rows, failures)
            done.sent += len(rows) - len(failures)
            done.failed += len(failures)
            if is_away(rows, failures):
                break
    if done.buried:
        logger.error("rows are dead", extra={"fields": {"rows": done.buried}})
    return done


def is_away(rows: Sequence[Row], failures: Mapping[int, Failure]) -> bool:
    """Tell whether the receiver itself is away: the next batch would fail as well."""
    passing = [failure for failure in failures.values() if not failure.counts]
    return len(passing) == len(rows)


def _claim(database: Database, topic: str, batch: int) -> list[Row]:
    """Claim one batch."""
    # Repeated after a claim that was cut off, it takes the next rows; those of the
    # first one are due again after their backoff.
    return database.run(
        lambda connection: queries.claim(connection, topic, batch),
        repeatable=True,
    )


def _note(
    database: Database,
    carrier: Carrier,
    rows: Sequence[Row],
    failures: Mapping[int, Failure],
) -> None:
    """Delete what is delivered, give back what failed."""
    taken = [row.id for row in rows if row.id not in failures]
    if carrier.deletes and taken:
        database.run(
            lambda connection: queries.delivered(connection, taken), repeatable=True
        )
    if failures:
        # Not repeated: a second run would give a send back twice.
        database.run(
            lambda connection: queries.give_back(connection, failures),
            repeatable=False,
        )
