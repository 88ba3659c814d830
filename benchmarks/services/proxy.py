"""A TCP proxy before PostgreSQL that counts round trips on the wire.

A round trip is a flight of the client: bytes that it sends after the server has
answered. Whatever it sends before the server answers again belongs to the same flight,
in however many packets, since the client does not wait in between. So a pipeline of
statements counts once, and BEGIN, a statement and COMMIT sent one after the other count
three times. Nothing of the protocol is read: encryption and preparing make no
difference.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.errors import DeployError
from deploy.local.ports import LOOPBACK

CHUNK = 65_536


@dataclass
class Count:
    """What was counted.

    Attributes:
        flights: Round trips.
        connections: Connections that were opened meanwhile, whose start and
            authentication would be counted with them.
    """

    flights: int = 0
    connections: int = 0


class Proxy:
    """Passes on what it gets, in both directions.

    Args:
        port: Where PostgreSQL listens on the loopback interface.
    """

    def __init__(self, port: int) -> None:
        self.total = Count()
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="proxy", daemon=True
        )

    def start(self) -> int:
        """Begin; give the port to connect to."""
        self._thread.start()
        starting = asyncio.start_server(self._link, LOOPBACK, 0)
        server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        return int(server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Drop every connection."""
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _drop(self) -> None:
        """Cancel everything but this."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def counting(self) -> Iterator[Count]:
        """Count what happens within, on connections that are open already.

        Raises:
            DeployError: A connection was opened within: the count would be too high.
        """
        counted = Count()
        before = Count(self.total.flights, self.total.connections)
        yield counted
        counted.flights = self.total.flights - before.flights
        counted.connections = self.total.connections - before.connections
        if counted.connections:
            raise DeployError(
                f"{counted.connections} connections were opened while round trips"
                " were counted: the path was not warm"
            )

    async def _link(
        self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        """Serve one connection until a side closes it."""
        server, to_server = await asyncio.open_connection(LOOPBACK, self._port)
        self.total.connections += 1
        is_answered = True

        async def ask() -> None:
            nonlocal is_answered
            while data := await client.read(CHUNK):
                self.total.flights += is_answered
                is_answered = False
                to_server.write(data)
                await to_server.drain()

        async def answer() -> None:
            nonlocal is_answered
            while data := await server.read(CHUNK):
                # Before the client can have it, and so before it can ask again.
                is_answered = True
                to_client.write(data)
                await to_client.drain()

        tasks = [asyncio.create_task(ask()), asyncio.create_task(answer())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            to_server.close()
            to_client.close()


@contextmanager
def counted(url: str, port: int) -> Iterator[tuple[Proxy, str]]:
    """Run a proxy; give it, and a connection URI that leads through it.

    Args:
        url: Connection URI of the server; secret.
        port: The port in it.
    """
    proxy = Proxy(port)
    own = proxy.start()
    try:
        yield proxy, url.replace(f":{port}/", f":{own}/")
    finally:
        proxy.stop()
