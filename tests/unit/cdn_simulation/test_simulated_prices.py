"""Prices: two quotas, the Worker's, CloudFront's, and where a CDN pays."""

import pytest

from deploy.cdn.simulation.plans import (
    MONTH_DAYS,
    PLANS,
    Month,
    bill,
    pays,
    stops_at,
)

PRO, FREE = PLANS["pro"], PLANS["free"]


@pytest.mark.parametrize(
    ("cached", "uncached", "usd"),
    [(250, 250, 0), (350, 0, 3), (0, 350, 9), (350, 350, 12), (500, 1, 7.5)],
)
def test_cached_and_uncached_egress_have_quotas_of_their_own(cached, uncached, usd):
    month = Month(cached_gb=cached, uncached_gb=uncached)

    assert bill(PRO, month).usd == pytest.approx(usd)


def test_free_restricts_by_the_kind_that_is_used_up():
    assert bill(FREE, Month(cached_gb=5, uncached_gb=5)).restricted == ()
    assert bill(FREE, Month(cached_gb=9, uncached_gb=1)).restricted == ("cached",)
    assert bill(FREE, Month(cached_gb=6, uncached_gb=6)).restricted == (
        "cached",
        "uncached",
    )


@pytest.mark.parametrize(
    ("per_day", "usd", "told"),
    [
        (100_000, 0, "Workers Free: 100,000 of 100,000 requests a day (100%)"),
        (100_001, 5, "Workers Paid: 3.0 M requests a month"),
        (1_000_000, 5 + 20.4 * 0.3, "Workers Paid: 30.4 M requests a month"),
    ],
)
def test_the_worker_is_free_up_to_its_requests_a_day(per_day, usd, told):
    month = Month(
        cached_gb=0,
        uncached_gb=0,
        cdn_requests=per_day * MONTH_DAYS,
        mode="worker-cache",
    )

    assert bill(PRO, month).cdn_usd == pytest.approx(usd)
    assert bill(PRO, month).cdn_told == told


def test_cloudfront_is_priced_by_size_and_requests_beyond_its_free_part():
    month = Month(
        cached_gb=0,
        uncached_gb=0,
        cdn_gb=1_124,
        cdn_requests=10_010_000,
        mode="cloudfront",
    )

    assert bill(PRO, month).cdn_usd == pytest.approx(100 * 0.085 + 0.01)


def test_below_the_quota_nothing_is_saved_and_the_worker_may_undo_a_saving():
    today = Month(cached_gb=10, uncached_gb=0)
    # 100,000 requests a day are reached at 300 GB, where the egress costs USD 1.50.
    cdn = Month(
        cached_gb=1,
        uncached_gb=0,
        cdn_requests=100_000 * MONTH_DAYS / 30,
        mode="worker-cache",
    )

    first, second = pays(PRO, today, cdn)

    assert first.from_gb == pytest.approx(250, rel=0.01)
    assert first.to_gb == pytest.approx(300, rel=0.01)
    assert second.from_gb == pytest.approx(250 + 5 / 0.03, rel=0.01)
    assert second.to_gb is None


def test_a_cdn_that_costs_more_than_egress_never_pays():
    today = Month(cached_gb=10, uncached_gb=0)
    cdn = Month(
        cached_gb=1, uncached_gb=0, cdn_gb=10, cdn_requests=10**7, mode="cloudfront"
    )

    assert pays(PRO, today, cdn) == []


def test_free_says_how_far_an_app_may_grow():
    month = Month(cached_gb=1, uncached_gb=2)

    assert stops_at(FREE, month) == 2.5
    assert stops_at(PRO, month) is None
    assert pays(FREE, month, month) == []
