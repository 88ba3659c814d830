"""A Redis of a benchmark's own, on loopback and without a file."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.errors import DeployError
from deploy.local.ports import LOOPBACK, free_port
from functions.shared import redis

START_PATIENCE_S = 10
POLL_S = 0.02


@contextmanager
def running() -> Iterator[str]:
    """Run a server; give its URL, and end it afterwards.

    Raises:
        DeployError: There is no redis-server, or it does not answer.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise DeployError(
            "redis-server is missing: the limits in Redis cannot be measured",
            remedy="apt-get install redis-server",
        )
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ks-redis-") as folder:
        process = subprocess.Popen(
            [
                *(program, "--bind", LOOPBACK, "--port", str(port), "--dir", folder),
                *("--save", "", "--appendonly", "no"),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            url = f"redis://{LOOPBACK}:{port}/0"
            _wait_ready(url)
            yield url
        finally:
            process.kill()
            process.wait()


def _wait_ready(url: str) -> None:
    """Wait until it answers.

    Raises:
        DeployError: It does not in time.
    """
    client = redis.connect(url)
    deadline = time.monotonic() + START_PATIENCE_S
    while True:
        try:
            with redis.answering():
                client.ping()
        except redis.RedisGoneError as error:
            if time.monotonic() > deadline:
                raise DeployError("redis-server does not answer") from error
            time.sleep(POLL_S)
        else:
            return
