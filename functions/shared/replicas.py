"""Read from a replica while it is fresh; leave it alone for a while when it is not."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg

from functions.shared.database import Connection, Database

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

CONNECT_TIMEOUT_S = 2
"""The shortest that libpq knows: the primary has to answer within the same request."""

ANSWER_S = 2.0
"""A page takes milliseconds. A server that hangs acknowledges what is sent and never
answers, which no timeout of TCP notices."""

DOWN_PAUSE_S = 30.0
"""How long a replica that does not answer is left alone, in seconds: it costs one
timeout in that time, not one a request."""

STALE_PAUSE_S = 5.0
"""How long one that is behind is left alone: a round trip in that time."""


class Replica:
    """Answers reads that may be somewhat old.

    Args:
        database: The replica.
        staleness_s: How far behind it may be, in seconds.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        staleness_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._staleness_s = staleness_s
        self._clock = clock
        self._not_before = float("-inf")

    def read(
        self,
        work: Callable[[Connection], Result],
        staleness: Callable[[Result], float | None],
    ) -> Result | None:
        """Read, if the replica is there and fresh.

        Args:
            work: Reads; within it, the replica says how far behind it is.
            staleness: Takes that out of the result, in seconds; ``None`` if the replica
                does not know it.

        Returns:
            What was read, or ``None``: ask the primary.
        """
        if self._clock() < self._not_before:
            return None

        def in_time(connection: Connection) -> Result:
            with _Deadline(connection, ANSWER_S):
                return work(connection)

        try:
            # Not repeated: the primary answers instead.
            found = self._database.run(in_time, repeatable=False)
        except psycopg.Error as error:
            # Whatever it is: a replica that is behind may lack a column of the last
            # migration, and the primary answers or raises the same.
            self._leave_alone(DOWN_PAUSE_S, type(error).__name__)
            return None
        behind = staleness(found)
        if behind is None or behind > self._staleness_s:
            told = "an unknown time" if behind is None else f"{behind:.1f} s"
            self._leave_alone(STALE_PAUSE_S, f"it is {told} behind")
            return None
        return found

    def _leave_alone(self, pause_s: float, reason: str) -> None:
        """Ask the primary for a while."""
        self._not_before = self._clock() + pause_s
        fields = {"reason": reason, "pause_s": pause_s}
        logger.warning("the replica is left alone", extra={"fields": fields})


class _Deadline:
    """Hangs up on a server that has not answered in time.

    Args:
        connection: What waits for the answer; then it fails as if the server was gone.
        seconds: How long it may take.
    """

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._is_over = False
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_over = True
        self._timer.cancel()

    def _hang_up(self) -> None:
        """Shut the socket down, of which libpq keeps the descriptor."""
        # The lock keeps the descriptor this connection's until it is shut.
        with self._lock, suppress(psycopg.Error, OSError):
            if self._is_over:
                return
            copy = os.dup(self._connection.fileno())
            with socket.socket(fileno=copy) as line:
                line.shutdown(socket.SHUT_RDWR)
