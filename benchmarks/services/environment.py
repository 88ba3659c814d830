"""A service in a process of its own, as one Lambda environment has it."""

import multiprocessing
import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from deploy.errors import DeployError
from deploy.local.processes import tail

TIMEOUT_S = 60.0


class Environment:
    """Runs a service's handler, one event after the other.

    Args:
        service: Folder below ``functions/``.
        variables: Its environment.
        folder: Gets its log.
    """

    def __init__(
        self, service: str, variables: Mapping[str, str], folder: Path
    ) -> None:
        self._service = service
        self._log = folder / f"{service}.log"
        context = multiprocessing.get_context("spawn")
        self._channel, there = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(there, service, dict(variables), str(self._log)),
            daemon=True,
        )
        self._process.start()
        there.close()

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Hand an event to the handler; give its answer.

        Raises:
            DeployError: The handler raised, or took longer than a function may.
        """
        with suppress(EOFError, OSError):  # it died: its last words follow
            self._channel.send(event)
            if self._channel.poll(TIMEOUT_S):
                return self._channel.recv()
        raise DeployError(
            f"{self._service} gave no answer; its last words:\n{tail(self._log)}"
        )

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


class Context:
    """What the services read of a Lambda context."""

    def get_remaining_time_in_millis(self) -> int:
        """Give the time that is left, in milliseconds."""
        return int(TIMEOUT_S * 1000)


def _serve(
    channel: "Connection[Any, Any]", service: str, variables: dict[str, str], log: str
) -> None:
    """Serve events until killed."""
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(written, stream)
    os.environ.update(variables)
    handle = import_module(f"functions.{service}.handler").handle
    context = Context()
    while True:
        channel.send(handle(channel.recv(), context))
