"""Gathers the messages of many requests into few statements, for the ASGI server.

There is no timer: a request that finds a free connection goes at once, and while the
statements run the next ones gather. Under load the requests so share the round trip and
the commit, which cost more than the rows (measured: facts of the plan's hot path, 859
messages/s one by one, 7,935 gathered, with 50 clients).
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

import msgspec
import psycopg

from functions.chat_send.queries import ACCEPT, AGAIN, Found, Offer, found, parameters
from functions.shared.database import is_alive, options
from functions.shared.http import HttpError
from functions.shared.logging import CONNECTION_STATES

logger = logging.getLogger(__name__)

CONNECTIONS = 3
"""Statements at a time; more would each carry less."""

GATHERED_MAX = 200
"""Messages of one statement, at which another request is no longer added."""

WAITING_MAX = 2_000
"""Requests that wait; some 2 s of work. More would wait for longer than they like."""

ANSWER_S = 10
"""Longest run of a statement, in seconds; as the timeout of the Lambda function."""

RETRY_AFTER_S = 2


class Acceptor(Protocol):
    """A way of offers to the database."""

    async def open(self) -> None:
        """Begin."""

    async def accept(self, offers: Sequence[Offer]) -> list[Found]:
        """Give what became of the offers of one request.

        Raises:
            HttpError: 503, too many are waiting.
            psycopg.Error: The database is away, or refuses them.
        """

    async def close(self) -> None:
        """End, after what is waiting."""


class _Asked(msgspec.Struct, eq=False):
    """A request and who waits for it."""

    offers: Sequence[Offer]
    answer: "asyncio.Future[list[Found]]"


class MessageBatcher:
    """An `Acceptor` with a few connections, each used by a task of its own.

    Args:
        url: libpq connection URI.
        window_s: Length of the limit's window, in seconds.
        connections: As `CONNECTIONS`.
        waiting_max: As `WAITING_MAX`.
    """

    def __init__(
        self,
        url: str,
        *,
        window_s: int,
        connections: int = CONNECTIONS,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._lines = [_Line(url, window_s) for _ in range(connections)]
        self._waiting_max = waiting_max
        self._queue: asyncio.Queue[_Asked | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin; the first requests connect."""
        self._tasks = [asyncio.create_task(self._work(line)) for line in self._lines]

    async def close(self) -> None:
        """End, after what is waiting."""
        for _ in self._tasks:
            self._queue.put_nowait(None)
        await asyncio.gather(*self._tasks)

    async def accept(self, offers: Sequence[Offer]) -> list[Found]:
        """Give what became of some offers; see `Acceptor.accept`."""
        if self._queue.qsize() >= self._waiting_max:
            raise HttpError(
                503,
                "Too busy",
                f"{self._waiting_max} requests are waiting already; send it again",
                {"retry-after": str(RETRY_AFTER_S)},
            )
        asked = _Asked(offers, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(asked)
        return await asked.answer

    async def _work(self, line: "_Line") -> None:
        """Serve what waits until told to end."""
        try:
            while (first := await self._queue.get()) is not None:
                await line.serve(self._gather(first))
        finally:
            await line.close()

    def _gather(self, first: _Asked) -> list[_Asked]:
        """Take what else waits, as far as one statement goes."""
        gathered, messages = [first], len(first.offers)
        while messages < GATHERED_MAX and not self._queue.empty():
            following = self._queue.get_nowait()
            if following is None:
                self._queue.put_nowait(None)
                break
            gathered.append(following)
            messages += len(following.offers)
        # Who has gone meanwhile is not waited for; the app will send it again.
        return [each for each in gathered if not each.answer.done()]


class _Line:
    """One connection, replaced when it is found dead."""

    def __init__(self, url: str, window_s: int) -> None:
        self._url = url
        self._window_s = window_s
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None

    async def serve(self, asked: list[_Asked]) -> None:
        """Answer some requests; never raises."""
        if not asked:
            return
        try:
            listed = await self._ask(asked)
        except Exception as error:  # whoever waits is told, and the line lives on
            if len(asked) > 1 and not self._is_away(error):
                # One of them is at fault: the halves find it, and the others go on.
                middle = len(asked) // 2
                await self.serve(asked[:middle])
                await self.serve(asked[middle:])
                return
            for each in asked:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        place = 0
        for each in asked:
            end = place + len(each.offers)
            if not each.answer.done():
                each.answer.set_result(listed[place:end])
            place = end

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    def _is_away(self, error: Exception) -> bool:
        """Tell whether the database is at fault, so that each alone would fail too."""
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return True  # a standby, or a full disk
        if not isinstance(error, psycopg.OperationalError):
            return False
        is_gone = self._connection is None or self._connection.broken
        return is_gone or (error.sqlstate or "").startswith(CONNECTION_STATES)

    async def _ask(self, asked: list[_Asked]) -> list[Found]:
        """Run the statement, once more where that can help.

        A second run finds the messages that the first one saved.
        """
        values = parameters([each.offers for each in asked], self._window_s)
        try:
            return await self._run(values)
        except AGAIN:
            return await self._run(values)
        except psycopg.OperationalError:
            if self._connection is None or not self._connection.broken:
                raise
        logger.warning("connection lost during a statement; repeating it once")
        return await self._run(values)

    async def _run(self, values: tuple[str, int]) -> list[Found]:
        """Run the statement on a live connection."""
        connection = await self._live()
        try:
            async with asyncio.timeout(ANSWER_S):
                cursor = await connection.execute(ACCEPT, values)
                row = await cursor.fetchone()
        except TimeoutError as error:
            await self.close()
            raise psycopg.OperationalError(f"no answer within {ANSWER_S} s") from error
        return found(row[0] if row else "[]")

    async def _live(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        """Give the connection, or another one where it is seen to be dead."""
        if self._connection is not None and not is_alive(self._connection):
            await self.close()
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, **options("chat_send")
            )
        return self._connection
