"""An ASGI server in a process of its own; see asgi_server.py."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.errors import DeployError
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.processes import Process, Program, end, spawn, tail
from deploy.paths import REPOSITORY

PATIENCE_S = 20.0
POLL_S = 0.05
STOP = (signal.SIGTERM, 3.0)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server.

    Attributes:
        url: Its base URL.
        process: Its one process.
    """

    url: str
    process: Process

    def pause(self) -> None:
        """Stop it where it is: what it does unasked must not slow another down."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def serving(
    factory: str, variables: Mapping[str, str], folder: Path
) -> Iterator[Server]:
    """Serve an application on a free port until the end of the block.

    Args:
        factory: ``module:function`` that makes it from the environment.
        variables: Its whole environment, besides where Python finds modules.
        folder: Gets its log.

    Raises:
        DeployError: It did not start.
    """
    port = free_port()
    log = folder / f"{factory.partition(':')[0]}-{port}.log"
    process = spawn(
        Program(
            argv=[
                *(sys.executable, "-m", "benchmarks.services.asgi_server"),
                *(factory, str(port)),
            ],
            environment={"PYTHONPATH": str(REPOSITORY), **variables},
            folder=REPOSITORY,
            log=log,
        )
    )
    server = Server(url=f"http://{LOOPBACK}:{port}", process=process)
    try:
        _wait(server, log)
        yield server
    finally:
        server.go_on()
        end(process, STOP)


def _wait(server: Server, log: Path) -> None:
    """Wait until it answers."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            httpx.get(server.url, trust_env=False)
        except httpx.HTTPError:
            if not server.process.is_alive() or time.monotonic() > deadline:
                raise DeployError(f"the server did not start:\n{tail(log)}") from None
            time.sleep(POLL_S)
        else:
            return
