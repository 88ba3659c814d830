"""Runs a Worker in workerd on a free port of loopback, until the block ends."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deploy.errors import DeployError
from deploy.local.edge.installing import modules
from deploy.local.edge.part import RUNNER
from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.edge import worker_settings

END_S = 30


@dataclass(frozen=True, kw_only=True)
class Running:
    """A Worker that answers.

    Attributes:
        url: Its base URL.
        pid: Process of Node.js; workerd is its child.
    """

    url: str
    pid: int


@contextmanager
def serving(given: Mapping[str, Any]) -> Iterator[Running]:
    """Run what ``workerd.mjs`` is given.

    Raises:
        UnavailableError: There is no Node.js, or npm cannot install workerd.
        DeployError: workerd does not start.
    """
    content = {"modules": str(modules()), **given, "endsWithInput": True}
    with tempfile.NamedTemporaryFile("w", prefix="ks-edge-", suffix=".json") as file:
        json.dump(content, file)
        file.flush()
        process = subprocess.Popen(
            [str(shutil.which("node")), str(RUNNER), file.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if not process.stdin or not process.stdout:
            raise DeployError("node has no standard input and output")
        try:
            line = process.stdout.readline()
            if not line:
                raise DeployError(f"{RUNNER.name} ended with {process.wait(END_S)}")
            yield Running(url=json.loads(line)["url"], pid=process.pid)
        finally:
            process.stdin.close()
            process.wait(END_S)
            process.stdout.close()


def production(origin: str, cache: str, **bindings: Any) -> dict[str, Any]:
    """Give the production Worker, in one of the modes of its cache."""
    settings = json.loads(worker_settings.render(origin=origin, cache=cache))
    return {
        "worker": str(worker_settings.WORKER),
        "compatibilityDate": WORKER_COMPATIBILITY_DATE,
        "bindings": {worker_settings.SETTINGS_BINDING: settings, **bindings},
    }
