"""Runs the production Worker in the real workerd, in front of an origin of ours."""

import hashlib
import http.client
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.paths import REPOSITORY
from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.edge import worker_settings

LOCK = REPOSITORY / "infra" / "edge" / "package-lock.json"
CACHE = REPOSITORY / "dist" / ".edge"
BENCH = Path(__file__).with_name("workerd.mjs")
PURGE_KEY = "p" * 40
START_S = 30
NODE_MAJOR_MIN = 20


class NoWorkerdError(Exception):
    """The Workers runtime cannot be had here; the text says why."""


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


@cache
def modules() -> Path:
    """Give the folder of miniflare; install it from the lock if it is not there.

    Raises:
        NoWorkerdError: There is no Node.js, or npm cannot install it.
    """
    if _node_major() < NODE_MAJOR_MIN or not shutil.which("npm"):
        raise NoWorkerdError(f"needs Node.js {NODE_MAJOR_MIN} or later, with npm")
    name = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    folder = CACHE / name
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".stage-") as stage:
        unfinished = Path(stage, name)
        unfinished.mkdir()
        for each in ("package.json", LOCK.name):
            shutil.copy(LOCK.with_name(each), unfinished)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run = subprocess.run(
            command, cwd=unfinished, capture_output=True, text=True, check=False
        )
        if run.returncode:
            reason = (run.stderr.strip().splitlines() or ["no reason given"])[0]
            raise NoWorkerdError(f"`npm ci` in infra/edge failed: {reason}")
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():  # else another worker was first
                raise
    return folder


def _node_major() -> int:
    """The major version of Node.js; 0 where there is none."""
    node = shutil.which("node")
    if not node:
        return 0
    told = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=True
    )
    return int(told.stdout.strip().lstrip("v").partition(".")[0] or 0)


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
    process = subprocess.Popen(
        ["node", str(BENCH), json.dumps(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line, f"{BENCH.name} ended with {process.wait(START_S)}"
        yield Worker(url=json.loads(line)["url"])
    finally:
        process.stdin.close()
        process.wait(START_S)
        process.stdout.close()
