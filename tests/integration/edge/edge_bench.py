"""Runs the production Worker in the real workerd, in front of an origin of ours."""

import http.client
import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deploy.local.edge.installing import modules
from deploy.local.edge.part import RUNNER
from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.edge import worker_settings

PURGE_KEY = "p" * 40
START_S = 30


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the Worker answered, header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A running Worker."""

    url: str

    def ask(
        self, path: str, method: str = "GET", body: object = None, **headers: str
    ) -> Answer:
        """Send a request with exactly this path; ``_`` in a header's name is ``-``."""
        host = urlsplit(self.url).netloc
        connection = http.client.HTTPConnection(host, timeout=START_S)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        text = None if body is None else json.dumps(body)
        connection.request(method, path, body=text, headers=sent)
        response = connection.getresponse()
        given = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(status=response.status, headers=given, body=response.read())
        connection.close()
        return answer


@contextmanager
def running(
    origin: str, cache_kind: str, wrapper: str = "", **bindings: Any
) -> Iterator[Worker]:
    """Serve the Worker on a free port of loopback until the block ends.

    Args:
        origin: Base URL of what stands for Supabase.
        cache_kind: One of `worker_settings.CACHES`.
        wrapper: Module that imports ``./worker.js`` and is served in its place.
        bindings: More bindings, or others than usual.
    """
    settings = json.loads(worker_settings.render(origin=origin, cache=cache_kind))
    given = {
        "modules": str(modules()),
        "worker": str(worker_settings.WORKER),
        "wrapper": wrapper,
        "compatibilityDate": WORKER_COMPATIBILITY_DATE,
        "bindings": {
            worker_settings.SETTINGS_BINDING: settings,
            worker_settings.PURGE_KEY_BINDING: PURGE_KEY,
            **bindings,
        },
    }
    with serving(given) as worker:
        yield worker


@contextmanager
def serving(given: dict[str, Any]) -> Iterator[Worker]:
    """Run workerd with what workerd.mjs is given until the block ends."""
    with tempfile.NamedTemporaryFile("w", prefix="ks-edge-", suffix=".json") as file:
        json.dump({**given, "endsWithInput": True}, file)
        file.flush()
        process = subprocess.Popen(
            ["node", str(RUNNER), file.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line, f"{RUNNER.name} ended with {process.wait(START_S)}"
            yield Worker(url=json.loads(line)["url"])
        finally:
            process.stdin.close()
            process.wait(START_S)
            process.stdout.close()
