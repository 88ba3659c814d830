"""Messages a second over HTTP, and how long one takes, beside the plan's way.

One process of uvicorn (uvloop, httptools) serves ``functions/asgi.py`` whole, with the
worker that answers: the stand-in takes a second for an answer, as a language model
does. wrk sends from 400 connections, each message with an id of its own, by turns from
1,000 users; the plan's data is in the database, whose commits wait for the disk. The
baseline is another uvicorn before the same database (plan_server.py), with the best of
some sizes of its pool. Both are measured by turns, the other one stopped meanwhile, and
the medians compared.

Every answer must be 2xx, and every message that was accepted stored exactly once.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks import cluster
from benchmarks.services.load import Load, Summary, sending, wrk
from benchmarks.services.plan_server import POOL_VARIABLE
from benchmarks.services.serving import Server, serving
from benchmarks.services.settings import variables
from benchmarks.services.standin import serving as serving_standin
from deploy.bench import Figure
from functions.routes import CHAT_SEND

CONNECTIONS = 400
RATIO_MIN = 3
P95_MAX_MS = 200

PACE = 100
"""Messages a second at which the latency is taken: 14 times what the plan's 400
simultaneous users send."""

PACE_CONNECTIONS = 64
PACE_S = 6
RUN_S = 4
RUNS = 3
WARM_S = 2

POOLS = (4, 8, 16)
MODEL = "standin-slow-1000"
OURS = "functions.asgi:create"
PLAN = "benchmarks.services.plan_server:create"


@dataclass(kw_only=True)
class Side:
    """One of the two servers that are compared."""

    name: str
    server: Server
    load: Load
    seeds: Iterator[int]

    def run(
        self, *, connections: int = CONNECTIONS, seconds: float = RUN_S, rate: int = 0
    ) -> Summary:
        """Measure it alone."""
        self.server.go_on()
        seen = self.load.run(
            self.server.url + CHAT_SEND.path,
            connections=connections,
            seconds=seconds,
            seed=next(self.seeds),
            rate=rate,
        )
        # What wrk did not wait for would be the first work of the next measurement.
        self.load.wait_idle()
        self.server.pause()
        return seen


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield latency at a pace, and the rate at 400 connections beside the plan's."""
    wrk()  # told before anything is started
    with ExitStack() as stack:
        ours, plan = _sides(stack, progress)
        for side in (ours, plan):
            side.run(seconds=WARM_S)
        progress(f"{PACE} messages a second")
        paced = {
            side.name: side.run(connections=PACE_CONNECTIONS, seconds=PACE_S, rate=PACE)
            for side in (ours, plan)
        }
        for name, seen in paced.items():
            progress(f"{name}: {_told(seen)}")
        yield Figure(
            id="services.http_p95_ms",
            value=paced[ours.name].p95_ms,
            unit="ms",
            baseline=paced[plan.name].p95_ms,
            target=P95_MAX_MS,
        )
        full = _by_turns(ours, plan, progress)
    rates = {name: median(each.rate for each in runs) for name, runs in full.items()}
    yield Figure(
        id="services.http_400_ratio",
        value=rates[ours.name] / rates[plan.name],
        unit="x",
        baseline=1.0,
        target=RATIO_MIN,
        at_least=True,
    )
    yield Figure(
        id="services.http_400_per_s",
        value=rates[ours.name],
        unit="/s",
        baseline=rates[plan.name],
        target=None,
    )


def _sides(stack: ExitStack, progress: Callable[[str], None]) -> tuple[Side, Side]:
    """Start both servers before one database, stopped."""
    database = stack.enter_context(cluster.running(progress, cluster.SIZES))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    standin = stack.enter_context(serving_standin(database, MODEL))
    load = stack.enter_context(sending(database))
    settings = variables(database, url=database.url, standin_url=standin)
    seeds = count(1)

    def side(name: str, factory: str, pool: int = 0) -> Side:
        own = settings | {POOL_VARIABLE: str(pool)}
        server = stack.enter_context(serving(factory, own, folder))
        server.pause()
        return Side(name=name, server=server, load=load, seeds=seeds)

    plans = [side(f"plan's way, pool of {size}", PLAN, size) for size in POOLS]
    best = max(plans, key=lambda each: _tried(each, progress))
    return side("service", OURS), best


def _tried(side: Side, progress: Callable[[str], None]) -> float:
    """Try a size of the pool; give its rate."""
    seen = side.run(seconds=WARM_S)
    progress(f"{side.name}: {_told(seen)}")
    return seen.rate


def _by_turns(
    ours: Side, plan: Side, progress: Callable[[str], None]
) -> dict[str, list[Summary]]:
    """Measure both at 400 connections, one after the other, some times."""
    seen: dict[str, list[Summary]] = {ours.name: [], plan.name: []}
    for _ in range(RUNS):
        for side in (ours, plan):
            seen[side.name].append(side.run())
            progress(f"{side.name}: {_told(seen[side.name][-1])}")
    return seen


def _told(seen: Summary) -> str:
    """Say what was seen in a line."""
    return (
        f"{seen.rate:,.0f} messages/s, p50 {seen.p50_ms:.0f}, p95 {seen.p95_ms:.0f},"
        f" p99 {seen.p99_ms:.0f} ms"
    )
