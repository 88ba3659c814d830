"""All variants of one simulation, and what they cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from deploy.cdn.simulation.objects import Objects
from deploy.cdn.simulation.plans import GB, MONTH_DAYS, Month, Plan
from deploy.cdn.simulation.replay import Replayed
from deploy.cdn.simulation.running import run
from deploy.cdn.simulation.settings import Settings, Variant, variants
from deploy.cdn.simulation.tally import Outcome
from deploy.cdn.simulation.traffic import DAY_S, Traffic
from infra.catalog.cdn import HOUR_S
from infra.catalog.cdn_modes import WORKER_CACHE, WORKER_CACHE_API

OTHERS: Mapping[str, Callable[[Settings], Settings]] = {
    "a copy in each data center (worker-cache-api)": lambda given: replace(
        given, mode=WORKER_CACHE_API
    ),
    "one copy for all (worker-cache)": lambda given: replace(given, mode=WORKER_CACHE),
    "copies dropped after a day without a request": lambda given: replace(
        given, idle_s=DAY_S
    ),
    "copies dropped after an hour without a request": lambda given: replace(
        given, idle_s=HOUR_S
    ),
    "uploads without cacheControl (no-cache)": lambda given: replace(given, upload_s=0),
}
"""What else may be so: the share that a CDN saves hangs on it."""


@dataclass(frozen=True, kw_only=True)
class Other:
    """The same requests with another setting.

    Attributes:
        name: What is other.
        today: Bytes a day that Supabase sends without the CDN.
        today_uncached: Of them, what its own CDN has not.
        cdn: Bytes a day with it.
        hit_rate: Of the CDN.
    """

    name: str
    today: float
    today_uncached: float
    cdn: float
    hit_rate: float | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a simulation found.

    Attributes:
        traffic: What was simulated.
        objects: The images in it.
        settings: How the CDN is set up.
        plan: Of Supabase.
        variants: What was compared, today first.
        outcomes: By the variants' names.
        others: With other settings.
        replayed: What the Worker did; ``None`` if it was not asked.
    """

    traffic: Traffic
    objects: Objects
    settings: Settings
    plan: Plan
    variants: tuple[Variant, ...]
    outcomes: Mapping[str, Outcome]
    others: tuple[Other, ...] = ()
    replayed: Replayed | None = None

    def mb_day(self, name: str) -> float:
        """Give what Supabase sends of images in a day of a variant, in MB."""
        return self.outcomes[name].images.origin / self.traffic.days / 1e6

    def month(self, name: str, *, mode: str = "") -> Month:
        """Give a month of a variant, with all else that the log has."""
        variant = next(each for each in self.variants if each.name == name)
        return month(self.outcomes[name], self.traffic, variant, mode)

    @property
    def left(self) -> float:
        """Share of a raster image's bytes that compression leaves."""
        return min(each.left for each in self.variants)

    @property
    def cdn_month(self) -> Month:
        """A month with the CDN in the mode that was simulated."""
        return self.month("cdn", mode=self.settings.mode)


def month(outcome: Outcome, traffic: Traffic, variant: Variant, mode: str) -> Month:
    """Turn counts into a month's."""
    days = MONTH_DAYS / traffic.days
    everything, images = outcome.all, outcome.images
    return Month(
        cached_gb=everything.origin_cached * days / GB,
        uncached_gb=everything.origin_uncached * days / GB,
        cdn_gb=(images.edge + images.passed) * days / GB if variant.has_cdn else 0.0,
        cdn_requests=(images.asked + images.redirects) * days,
        mode=mode if variant.has_cdn else "",
    )


def simulate(
    traffic: Traffic,
    settings: Settings,
    plan: Plan,
    left: float,
    progress: Callable[[str], None],
    *,
    with_others: bool = True,
) -> Result:
    """Send all requests through all variants."""
    progress("looking at the objects")
    objects = Objects(traffic.requests)
    compared = variants(left)
    outcomes = {}
    for each in compared:
        progress(f"simulating: {each.title}")
        outcomes[each.name] = run(traffic, objects, settings, each)
    found = Result(
        traffic=traffic,
        objects=objects,
        settings=settings,
        plan=plan,
        variants=compared,
        outcomes=outcomes,
    )
    return replace(found, others=_others(found, progress)) if with_others else found


def _others(result: Result, progress: Callable[[str], None]) -> tuple[Other, ...]:
    """Simulate the other settings, where they differ."""
    found = []
    by_name = {each.name: each for each in result.variants}
    for name, change in OTHERS.items():
        changed = change(result.settings)
        if changed == result.settings:
            continue
        progress(f"simulating: {name}")
        today = result.outcomes["today"]
        if changed.upload_s != result.settings.upload_s:
            today = run(result.traffic, result.objects, changed, by_name["today"])
        cdn = run(result.traffic, result.objects, changed, by_name["cdn"]).images
        found.append(
            Other(
                name=name,
                today=today.images.origin / result.traffic.days,
                today_uncached=today.images.origin_uncached / result.traffic.days,
                cdn=cdn.origin / result.traffic.days,
                hit_rate=cdn.hit_rate,
            )
        )
    return tuple(found)
