"""Cached responses a second of the Worker, and its time of the processor for each.

The baseline is a Worker that does nothing but look into ``caches.default``. Both run in
workerd, in the mode of the Cache API, with the same 64 images of 10 KiB in the cache,
on keys as each makes them; wrk asks by turns from 32 connections, one Worker after the
other; the ratio is the median of those of each pair of runs, which share what else the
machine does. Each answer must be a copy of the cache.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import msgspec

from benchmarks.edge import origin, runtime
from benchmarks.services.load import wrk
from deploy.bench import Figure
from deploy.errors import DeployError
from infra.catalog.cdn import PUBLIC_PATH
from infra.edge.worker_settings import CACHE_API

RATIO_MIN = 0.8
CPU_MS_MAX = 10
"""Of a request on Workers Free (Workers docs, "Limits")."""

IMAGES = 64
CONNECTIONS = 32
RUNS = 10
RUN_S = 1
WARM_S = 10.0
FOLDER = f"{PUBLIC_PATH}generated-images/"
SCRIPT = Path(__file__).with_name("load.lua")
BASELINE = Path(__file__).with_name("passing.js")


class Summary(msgspec.Struct, frozen=True):
    """What wrk saw.

    Attributes:
        requests: Answers.
        seconds: How long it ran.
        p95_ms: 95th percentile of the latency, in milliseconds.
        missed: Answers that were no copies of the cache.
        broken: Connections refused or lost, and requests timed out.
    """

    requests: int
    seconds: float
    p95_ms: float
    missed: int
    broken: int


@dataclass(kw_only=True)
class Side:
    """One of the two Workers.

    Attributes:
        name: For the progress.
        running: Where it answers.
        rates: Answers a second of each run.
        cpu_ms: Time of the processor for each answer of each run, in milliseconds.
    """

    name: str
    running: runtime.Running
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def warm(self) -> None:
        """Have each image in the cache.

        Raises:
            DeployError: One is not kept.
        """
        with httpx.Client(base_url=self.running.url, trust_env=False) as client:
            deadline = time.monotonic() + WARM_S
            for number in range(1, IMAGES + 1):
                path = f"{FOLDER}{number}.png"
                while client.get(path).headers.get("cf-cache-status") != "HIT":
                    if time.monotonic() > deadline:
                        raise DeployError(f"{self.name} does not keep {path}")

    def run(self) -> None:
        """Measure it alone.

        Raises:
            DeployError: An answer was no copy, or a request broke off.
        """
        before = cpu_seconds(self.running.pid)
        said = subprocess.run(
            [
                *(wrk(), "-t", "1", "-c", str(CONNECTIONS), "-d", f"{RUN_S}s"),
                *("-s", str(SCRIPT), self.running.url, "--", str(IMAGES), FOLDER),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        used = cpu_seconds(self.running.pid) - before
        _, found, summary = said.stdout.partition("SUMMARY ")
        if not found:
            raise DeployError(f"wrk gave no summary: {said.stdout}{said.stderr}")
        seen = msgspec.json.decode(summary, type=Summary)
        if seen.missed or seen.broken:
            raise DeployError(
                f"{self.name}: of {seen.requests} answers {seen.missed} were no copies,"
                f" {seen.broken} requests broke off"
            )
        self.rates.append(seen.requests / seen.seconds)
        self.cpu_ms.append(1_000 * used / seen.requests)


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the ratio of the rates, and the time of the processor.

    Raises:
        DeployError: wrk or workerd is missing, or an answer was no copy.
    """
    wrk()  # told before anything is started
    with ExitStack() as stack:
        port = stack.enter_context(origin.serving())
        behind = f"http://127.0.0.1:{port}"
        ours = runtime.serving(runtime.production(behind, CACHE_API))
        bare = runtime.serving(runtime.module(BASELINE, behind))
        sides = (
            Side(name="Worker", running=stack.enter_context(ours)),
            Side(name="bare Worker", running=stack.enter_context(bare)),
        )
        for side in sides:
            side.warm()
            side.run()  # the first one compiles
            side.rates.clear()
            side.cpu_ms.clear()
        for number in range(RUNS):
            # Each is first as often as the other.
            for side in sides if number % 2 else reversed(sides):
                side.run()
                rate, cpu = side.rates[-1], side.cpu_ms[-1]
                progress(f"{side.name}: {rate:,.0f}/s, {cpu:.3f} ms of CPU each")
    yield from _figures(*sides)


def _figures(ours: Side, bare: Side) -> Iterator[Figure]:
    """Give what was measured."""
    yield Figure(
        id="edge.worker_ratio",
        value=median(
            one / other for one, other in zip(ours.rates, bare.rates, strict=True)
        ),
        unit="x",
        baseline=1.0,
        target=RATIO_MIN,
        at_least=True,
    )
    yield Figure(
        id="edge.worker_per_s",
        value=median(ours.rates),
        unit="/s",
        baseline=median(bare.rates),
        target=None,
    )
    yield Figure(
        id="edge.worker_cpu_ms",
        value=median(ours.cpu_ms),
        unit="ms",
        baseline=median(bare.cpu_ms),
        target=CPU_MS_MAX,
    )


def cpu_seconds(pid: int) -> float:
    """Give the time of the processor that a process and its children used.

    Node.js does nothing here but wait: it is workerd, its child, that answers.
    """
    return sum(_cpu_seconds(each) for each in _family(pid))


def _family(pid: int) -> list[int]:
    """Give a process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


def _cpu_seconds(pid: int) -> float:
    """Read user and system time of one process: proc(5), fields 14 and 15."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
