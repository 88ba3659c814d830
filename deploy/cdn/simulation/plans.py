"""What a month of egress costs: Supabase's plans, Cloudflare's Worker, CloudFront.

Supabase bills what its own CDN had (cached) and what it had not (uncached) by two
quotas, and no plan lets one stand in for the other
(https://supabase.com/docs/guides/platform/manage-your-usage/egress, read 2026-11).
"""

from dataclasses import dataclass

from infra.catalog.cdn import WORKER_REQUESTS_PER_DAY_FREE
from infra.catalog.cdn_modes import CLOUDFRONT, WORKER_MODES
from infra.catalog.prices import (
    CLOUDFRONT_GB,
    CLOUDFRONT_REQUESTS,
    WORKERS_PLAN,
    WORKERS_REQUESTS,
)
from infra.catalog.unit_price import US, UnitPrice

GB = 10**9
MONTH_DAYS = 30.4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan of Supabase.

    Attributes:
        name: As it is typed.
        title: As it is called.
        cached_gb: Cached egress that a month includes, in GB.
        uncached_gb: Uncached egress that it includes.
        cached_usd: Price of a GB more; ``None`` where the project is restricted
            instead: every image answers 402.
        uncached_usd: The same for uncached egress.
    """

    name: str
    title: str
    cached_gb: float
    uncached_gb: float
    cached_usd: float | None = None
    uncached_usd: float | None = None

    @property
    def is_hard(self) -> bool:
        """Whether the project is restricted once a quota is used up."""
        return self.cached_usd is None


PLANS = {
    plan.name: plan
    for plan in (
        Plan(name="free", title="Free", cached_gb=5, uncached_gb=5),
        Plan(
            name="pro",
            title="Pro",
            cached_gb=250,
            uncached_gb=250,
            cached_usd=0.03,
            uncached_usd=0.09,
        ),
        Plan(
            name="team",
            title="Team",
            cached_gb=250,
            uncached_gb=250,
            cached_usd=0.03,
            uncached_usd=0.09,
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month of a variant, in GB and requests.

    Attributes:
        cached_gb: What Supabase sends from its own CDN.
        uncached_gb: What it sends from storage.
        cdn_gb: What the CDN sends to viewers; 0 without one.
        cdn_requests: Requests that it answers.
        mode: Of the CDN; empty without one.
    """

    cached_gb: float
    uncached_gb: float
    cdn_gb: float = 0.0
    cdn_requests: float = 0.0
    mode: str = ""

    @property
    def egress_gb(self) -> float:
        """All that Supabase sends."""
        return self.cached_gb + self.uncached_gb

    def times(self, factor: float) -> "Month":
        """Give the month of an app that is so many times as large."""
        return Month(
            cached_gb=self.cached_gb * factor,
            uncached_gb=self.uncached_gb * factor,
            cdn_gb=self.cdn_gb * factor,
            cdn_requests=self.cdn_requests * factor,
            mode=self.mode,
        )


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What a month costs beyond the plan's own price, in USD.

    Attributes:
        cached_usd: For cached egress over the quota.
        uncached_usd: For uncached egress over it.
        cdn_usd: For the CDN.
        cdn_told: What the CDN's price is for.
        restricted: Quotas that are used up where nothing can be bought.
    """

    cached_usd: float
    uncached_usd: float
    cdn_usd: float
    cdn_told: str
    restricted: tuple[str, ...] = ()

    @property
    def usd(self) -> float:
        """All of it."""
        return self.cached_usd + self.uncached_usd + self.cdn_usd


def bill(plan: Plan, month: Month) -> Bill:
    """Price a month.

    >>> pro = PLANS["pro"]
    >>> bill(pro, Month(cached_gb=350, uncached_gb=240)).usd
    3.0
    """
    kinds = {
        "cached": (month.cached_gb, plan.cached_gb, plan.cached_usd),
        "uncached": (month.uncached_gb, plan.uncached_gb, plan.uncached_usd),
    }
    over = {
        name: max(0.0, used - included) for name, (used, included, _) in kinds.items()
    }
    usd, told = _cdn(month)
    return Bill(
        cached_usd=over["cached"] * (plan.cached_usd or 0.0),
        uncached_usd=over["uncached"] * (plan.uncached_usd or 0.0),
        cdn_usd=usd,
        cdn_told=told,
        restricted=tuple(name for name in over if plan.is_hard and over[name] > 0),
    )


def _cdn(month: Month) -> tuple[float, str]:
    """Price the CDN, and say what for."""
    if month.mode in WORKER_MODES:
        per_day = month.cdn_requests / MONTH_DAYS
        if per_day <= WORKER_REQUESTS_PER_DAY_FREE:
            share = per_day / WORKER_REQUESTS_PER_DAY_FREE
            told = (
                f"Workers Free: {per_day:,.0f} of {WORKER_REQUESTS_PER_DAY_FREE:,}"
                f" requests a day ({share:.0%})"
            )
            return 0.0, told
        usd = WORKERS_PLAN.in_region(US) + _over(WORKERS_REQUESTS, month.cdn_requests)
        return usd, f"Workers Paid: {month.cdn_requests / 1e6:,.1f} M requests a month"
    if month.mode == CLOUDFRONT:
        usd = _over(CLOUDFRONT_GB, month.cdn_gb)
        usd += _over(CLOUDFRONT_REQUESTS, month.cdn_requests)
        told = f"CloudFront: {month.cdn_gb:,.0f} GB, {month.cdn_requests:,.0f} requests"
        return usd, told
    return 0.0, "Cloudflare: no price by size" if month.mode else ""


def _over(price: UnitPrice, count: float) -> float:
    """Price what is beyond the free part."""
    return max(0.0, count - price.free) / price.per * price.in_region(US)


SIZE_MAX_GB, STEP = 100_000.0, 1.005
CENT = 0.01
"""Less than that a month is no saving."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Months in which the CDN is cheaper, by what Supabase sends today.

    Attributes:
        from_gb: The smallest.
        to_gb: Where it ends; ``None`` for never.
    """

    from_gb: float
    to_gb: float | None


def pays(plan: Plan, today: Month, cdn: Month) -> list[Span]:
    """Give where the CDN is cheaper, for apps like this one of any size.

    There may be several spans: a Worker is free up to a number of requests a day. None
    where nothing can be bought.
    """
    if plan.is_hard or today.egress_gb <= 0:
        return []
    spans: list[Span] = []
    begins, size_gb = None, 1.0
    while size_gb < SIZE_MAX_GB:
        factor = size_gb / today.egress_gb
        usd = bill(plan, today.times(factor)).usd - bill(plan, cdn.times(factor)).usd
        if usd > CENT and begins is None:
            begins = size_gb
        elif usd <= CENT and begins is not None:
            spans.append(Span(from_gb=begins, to_gb=size_gb))
            begins = None
        size_gb *= STEP
    if begins is not None:
        spans.append(Span(from_gb=begins, to_gb=None))
    return spans


def stops_at(plan: Plan, month: Month) -> float | None:
    """Give how many times the month may grow until the project is restricted."""
    if not plan.is_hard:
        return None
    kinds = (
        (plan.cached_gb, month.cached_gb),
        (plan.uncached_gb, month.uncached_gb),
    )
    factors = [included / used for included, used in kinds if used > 0]
    return min(factors, default=None)
