"""Makes the workload of `workload`: the same seed makes the same requests."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, log
from random import Random

from deploy.cdn.simulation import workload as load
from deploy.cdn.simulation.objects import STORED_PATH
from deploy.cdn.simulation.traffic import DAY_S, Request, Traffic
from deploy.cdn.simulation.workload import Kind
from infra.catalog.cdn import PUBLIC_PATH

BEGINS = 1_767_571_200
"""Monday, 2026-01-05 00:00 UTC."""

OBJECTS_MIN = 1


@dataclass(kw_only=True, slots=True)
class _Object:
    """An image: made when, by whom; asked for how often compared with others."""

    path: str
    size: int
    made_at: float
    maker: int
    weight: float
    version: int = 1


def made(seed: int, days: int, *, mb_day: float = load.MB_DAY) -> Traffic:
    """Make views of so many days, after `WARM_DAYS` that fill the caches.

    Args:
        seed: Of everything that is drawn.
        days: Days that are counted.
        mb_day: What Supabase sends a day today, in MB; viewers, images and views grow
            with it.
    """
    world = _World(Random(f"cdn {seed}"), mb_day / load.MB_DAY)  # noqa: S311 - no secret
    requests = sorted(world.requests(load.WARM_DAYS + days), key=lambda each: each.at)
    return Traffic(
        name=f"made, {mb_day:g} MB a day, seed {seed}",
        requests=requests,
        counted_from=BEGINS + load.WARM_DAYS * DAY_S,
        ends=BEGINS + (load.WARM_DAYS + days) * DAY_S,
        are_views=True,
        lines=len(requests),
    )


class _World:
    """Viewers and images while they are made."""

    def __init__(self, random: Random, scale: float) -> None:
        self._random, self._scale = random, scale
        count = max(2, round(load.VIEWERS * scale))
        self._viewers = list(
            accumulate((rank + 1) ** -load.VIEWER_ZIPF for rank in range(count))
        )
        names, shares = list(load.PLACES), list(load.PLACES.values())
        self._places = random.choices(names, shares, k=count)
        self._hours = list(accumulate(load.HOURS))
        self._objects: dict[str, list[_Object]] = {}
        for kind in load.KINDS:
            count = max(OBJECTS_MIN, round(kind.present * scale))
            # They are as old as new ones of each day would be by now.
            ages = [random.expovariate(1 / kind.half_life_days) for _ in range(count)]
            self._objects[kind.name] = [
                self._object(kind, number, BEGINS - age * DAY_S)
                for number, age in enumerate(ages)
            ]

    def _object(self, kind: Kind, number: int, at: float) -> _Object:
        random = self._random
        return _Object(
            path=f"{PUBLIC_PATH}{kind.bucket}/{kind.name[:3]}/{number:06}{kind.suffix}",
            size=max(200, round(exp(random.gauss(log(kind.median), kind.sigma)))),
            made_at=at,
            maker=self._viewer(),
            # A draw of Zipf's law: few are popular, and those very much so.
            weight=(1 - random.random()) ** -kind.zipf,
        )

    def _viewer(self) -> int:
        return bisect(self._viewers, self._random.random() * self._viewers[-1])

    def _time(self, day: int) -> float:
        """Draw a time of a day."""
        hour = bisect(self._hours, self._random.random() * self._hours[-1])
        return BEGINS + day * DAY_S + (hour + self._random.random()) * 3_600

    def _count(self, mean: float) -> int:
        """Draw how many there are: whole ones, and one more by chance."""
        return int(mean) + (self._random.random() < mean % 1)

    def requests(self, days: int) -> Iterator[Request]:
        """Make the requests of some days, each day by itself in no order."""
        for day in range(days):
            share = load.WEEKEND if day % 7 >= 5 else 1.0
            for kind in load.KINDS:
                yield from self._day(kind, day, share * self._scale)

    def _day(self, kind: Kind, day: int, scale: float) -> Iterator[Request]:
        """Make a day's requests for one kind."""
        objects = self._objects[kind.name]
        for _ in range(self._count(kind.new * scale)):
            new = self._object(kind, len(objects), self._time(day))
            objects.append(new)
            # Whoever makes an image sees it at once.
            yield self._view(kind, new, new.made_at + 2, new.maker)
        if kind.bucket != "generated-images" and kind.suffix != ".svg":
            yield from self._overwrites(objects, day)
        ends = BEGINS + (day + 1) * DAY_S
        weights = list(
            accumulate(
                each.weight
                * 0.5 ** max(0.0, (ends - each.made_at) / DAY_S / kind.half_life_days)
                for each in objects
            )
        )
        for _ in range(self._count(kind.views * scale)):
            yield self._request(kind, objects, weights, day)

    def _overwrites(self, objects: Sequence[_Object], day: int) -> Iterator[Request]:
        """Overwrite some objects, under the same names."""
        for _ in range(self._count(load.OVERWRITES * len(objects))):
            each, at = self._random.choice(objects), self._time(day)
            if at > each.made_at:
                each.version += 1
                name = each.path.removeprefix(PUBLIC_PATH)
                yield Request(
                    at=at, method="PUT", target=STORED_PATH + name, status=200, size=0
                )

    def _request(
        self, kind: Kind, objects: Sequence[_Object], weights: list[float], day: int
    ) -> Request:
        """Make a request: mostly a view of an image, by how popular it is."""
        random, at, drawn = self._random, self._time(day), self._random.random()
        if drawn < load.BOTS:
            return self._by_bot(random.choice(objects), at)
        number = min(bisect(weights, random.random() * weights[-1]), len(objects) - 1)
        found = objects[number]
        if at < found.made_at:
            at = found.made_at + random.expovariate(1 / 3_600)
        viewer = found.maker if random.random() < kind.own else self._viewer()
        return self._view(kind, found, at, viewer, drawn - load.BOTS)

    def _by_bot(self, found: _Object, at: float) -> Request:
        return Request(
            at=max(at, found.made_at + 60),
            method="GET",
            target=found.path,
            status=200,
            size=found.size,
            place="IAD",
        )

    def _view(
        self, kind: Kind, found: _Object, at: float, viewer: int, drawn: float = 1.0
    ) -> Request:
        """Make a view; `drawn` decides whether it is an odd one."""
        method, status, size, target = "GET", 200, found.size, found.path
        if drawn < load.MISSES:
            status, size = 400, load.MISSING_BYTES
            target = f"{found.path.rpartition('.')[0]}-gone{kind.suffix}"
        elif drawn < load.MISSES + load.HEADS:
            method, size = "HEAD", 0
        elif drawn < load.MISSES + load.HEADS + load.RANGES:
            status, size = 206, max(1, found.size // 4)
        return Request(
            at=at,
            method=method,
            target=target + self._query(kind, found),
            status=status,
            size=size,
            viewer=f"v{viewer}",
            place=self._places[viewer],
        )

    def _query(self, kind: Kind, found: _Object) -> str:
        """Make the query of an address, none mostly."""
        drawn = self._random.random()
        if drawn < load.BUSTED:
            return f"?t={self._random.randrange(10**12)}"
        if drawn < load.BUSTED + load.TRACKED:
            source = self._random.choice(("mail", "x", "search"))
            return f"?utm_source={source}&fbclid={self._random.randrange(10**6)}"
        if kind.name == "website-images" and self._random.random() < load.VERSIONED:
            return f"?v={found.version}"
        return ""
