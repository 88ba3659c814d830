"""Sends requests through the production Worker in workerd, and compares the hits.

Everything is real but the time and the sizes: each request brings the time of the log,
so that a week's lifetime needs no week, and bodies have a hundredth of their bytes. In
the mode of the Cache API, the only cache that workerd has; each data center is a host
name, whose copies are its own.
"""

import http.client
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

from deploy.cdn.simulation import stand_in
from deploy.cdn.simulation.edge import Answer, Asked, Found
from deploy.cdn.simulation.objects import THERE, Objects
from deploy.cdn.simulation.running import FROM_COPIES, run
from deploy.cdn.simulation.settings import Settings, Variant
from deploy.cdn.simulation.traffic import Request, Traffic
from deploy.errors import DeployError
from infra.catalog.cdn_modes import WORKER_CACHE_API
from infra.edge.worker_settings import CACHE_API

CLOCK = Path(__file__).with_name("clock.js")
REQUESTS_MAX = 8_000
"""Of more, some of the objects are taken, with all their requests: copies of different
objects do not touch each other where there is room for all."""

ERROR_MAX_POINTS = 1.0
TIMEOUT_S = 30
TOLD_EVERY = 500
FOUND = frozenset({"HIT", "STALE"})

Pair = tuple[Request, Asked, Answer]


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What both saw of the same requests.

    Attributes:
        requests: Requests at the CDN.
        of: How many there are in all; fewer are sent where they are too many.
        hits: Simulated, and as the Worker answered.
        asked: Requests to Supabase, likewise.
        sent: Bytes that it sent, likewise.
        unlike: Requests that one answered from a copy and the other not.
        statuses: Answers of the Worker by status.
    """

    requests: int
    of: int
    hits: tuple[int, int]
    asked: tuple[int, int]
    sent: tuple[int, int]
    unlike: int
    statuses: dict[int, int]

    @property
    def error_points(self) -> float:
        """How far the simulated hit rate is off, in points of per cent."""
        return 100 * abs(self.hits[0] - self.hits[1]) / self.requests

    @property
    def is_close(self) -> bool:
        """Whether it is within `ERROR_MAX_POINTS`."""
        return self.error_points <= ERROR_MAX_POINTS


def replay(
    traffic: Traffic, settings: Settings, progress: Callable[[str], None]
) -> Replayed:
    """Send the requests that browsers do not answer through the Worker.

    Raises:
        UnavailableError: There is no Node.js, or npm cannot install workerd.
        DeployError: workerd does not start, or nothing reaches the CDN.
    """
    from deploy.local.edge import running

    own = replace(
        settings, mode=WORKER_CACHE_API, watched=False, capacity=None, idle_s=None
    )
    objects = Objects(traffic.requests)
    every = _simulated(traffic, objects, own)
    if not every:
        raise DeployError("no request of the log reaches the CDN: nothing to replay")
    pairs = _sampled(every)
    with stand_in.serving() as origin:
        worker = running.production(origin.url, CACHE_API)
        with running.serving({**worker, "wrapper": CLOCK.read_text()}) as edge:
            sender = _Sender(edge.url, origin, objects)
            answers = sender.send(pairs, progress)
        asked, sent = origin.asked, origin.sent
    return _compared(pairs, answers, objects, (asked, sent, len(every)))


def _compared(
    pairs: Sequence[Pair],
    answers: Sequence[tuple[int, bool]],
    objects: Objects,
    origin: tuple[int, int, int],
) -> Replayed:
    """Compare; `origin` has the requests and bytes there, and the requests in all."""
    asked, sent, of = origin
    simulated = [answer.found in FROM_COPIES for _, _, answer in pairs]
    filled = [
        objects.size(each.image.path)
        for (_, each, answer), hit in zip(pairs, simulated, strict=True)
        if not hit and each.status in THERE
    ]
    return Replayed(
        requests=len(pairs),
        of=of,
        hits=(sum(simulated), sum(hit for _, hit in answers)),
        asked=(sum(answer.found is not Found.HIT for _, _, answer in pairs), asked),
        sent=(sum(filled), sent),
        unlike=sum(
            one != other for one, (_, other) in zip(simulated, answers, strict=True)
        ),
        statuses=_counted([status for status, _ in answers]),
    )


def _simulated(traffic: Traffic, objects: Objects, settings: Settings) -> list[Pair]:
    """Give the requests that reach the CDN, with what the simulation says of them."""
    pairs: list[Pair] = []
    variant = Variant(name="cdn", title="CDN", has_cdn=True)
    run(traffic, objects, settings, variant, lambda *pair: pairs.append(pair))
    return pairs


def _sampled(pairs: Sequence[Pair]) -> list[Pair]:
    """Take all requests of some objects, by their names, where they are too many."""
    share = min(1.0, REQUESTS_MAX / len(pairs))
    bound = round(share * 2**32)
    return [pair for pair in pairs if _hash(pair[1].image.path) < bound] or list(
        pairs[:REQUESTS_MAX]
    )


def _hash(path: str) -> int:
    return int.from_bytes(blake2b(path.encode(), digest_size=4).digest())


def _counted(statuses: Sequence[int]) -> dict[int, int]:
    return {status: statuses.count(status) for status in sorted(set(statuses))}


class _Sender:
    """Sends one request after the other, on one connection."""

    def __init__(self, url: str, origin: stand_in.StandIn, objects: Objects) -> None:
        host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
        self._origin, self._objects = origin, objects

    def send(
        self, pairs: Sequence[Pair], progress: Callable[[str], None]
    ) -> list[tuple[int, bool]]:
        """Send them; give each one's status, and whether a copy answered."""
        answers = []
        try:
            for number, (request, asked, _) in enumerate(pairs, start=1):
                answers.append(self._one(request, asked))
                if number % TOLD_EVERY == 0:
                    progress(f"replaying: {number:,} of {len(pairs):,} requests")
        finally:
            self._connection.close()
        return answers

    def _one(self, request: Request, asked: Asked) -> tuple[int, bool]:
        self._origin.next(asked.status, self._objects.size(asked.image.path))
        headers = {
            "host": f"{asked.place or 'cdn'}.test".lower(),
            "x-replay-now-ms": str(round(1_000 * request.at)),
        }
        if request.status == 206:
            headers["range"] = "bytes=0-0"
        self._connection.request(request.method, request.target, headers=headers)
        response = self._connection.getresponse()
        response.read()
        return response.status, response.getheader("x-cdn-cache") in FOUND
