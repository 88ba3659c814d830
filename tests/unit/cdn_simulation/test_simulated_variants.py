"""The variants: who sends which bytes, and that none are lost."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated import PNG, SVG, request, traffic

from deploy.cdn.simulation.making import made
from deploy.cdn.simulation.objects import STORED_PATH, Objects
from deploy.cdn.simulation.running import run
from deploy.cdn.simulation.settings import MODES, Settings, variants
from deploy.cdn.simulation.tally import OTHER
from infra.catalog.cdn import PUBLIC_PATH

DAY = 86_400
BY_NAME = {each.name: each for each in variants(0.5)}


def images(found, name: str, given: Settings | None = None):
    return outcome(found, name, given).images


def outcome(found, name: str, given: Settings | None = None):
    return run(found, Objects(found.requests), given or Settings(), BY_NAME[name])


TARGETS = st.sampled_from(
    [
        PNG,
        f"{PNG}?v=2",
        f"{PNG}?utm_source=x",
        SVG,
        f"{PUBLIC_PATH}website-images/b.jpg",
        "/rest/v1/messages?select=*",
        "/storage/v1/object/sign/report-images/a.svg?token=t",
        STORED_PATH + PNG.partition("/public/")[2],
    ]
)
REQUESTS = st.lists(
    st.builds(
        request,
        at=st.integers(0, 20 * DAY),
        target=TARGETS,
        method=st.sampled_from(["GET", "GET", "GET", "HEAD", "PUT"]),
        status=st.sampled_from([200, 200, 200, 206, 304, 400, 404, 402, 500]),
        size=st.integers(0, 5_000),
        viewer=st.sampled_from(["anna", "ben", ""]),
        place=st.sampled_from(["FRA", "SIN"]),
    ),
    min_size=1,
    max_size=40,
)
MANY = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)


@MANY
@given(
    requests=REQUESTS,
    are_views=st.booleans(),
    mode=st.sampled_from(MODES),
    smart=st.booleans(),
    upload_s=st.sampled_from([0, 60, 3_600]),
)
def test_every_byte_that_is_seen_comes_from_one_place(
    requests, are_views, mode, smart, upload_s
):
    found = traffic(*requests, are_views=are_views)
    given = Settings(mode=mode, smart=smart, upload_s=upload_s)
    seen = {}
    for name in BY_NAME:
        counted = outcome(found, name, given).all
        seen[name] = counted.seen
        assert counted.seen == counted.browser + counted.edge + counted.passed
        assert counted.views == len(requests)
        assert counted.hits <= counted.asked
    assert seen["today"] == seen["headers"] == seen["cdn"]
    assert seen["compression"] == seen["both"] <= seen["today"]


@MANY
@given(requests=REQUESTS, mode=st.sampled_from(MODES))
def test_what_no_rule_keeps_costs_the_same_with_and_without_the_cdn(requests, mode):
    found = traffic(*requests)
    given = Settings(mode=mode)

    every = [outcome(found, name, given).rules[OTHER] for name in ("today", "cdn")]

    assert every[0] == every[1]


def test_without_room_for_copies_supabase_is_asked_each_time():
    found = traffic(*(request(n, viewer=f"v{n}") for n in range(9)))

    counted = images(found, "cdn", Settings(mode="worker-cache-api", capacity=999))

    assert (counted.origin_asked, counted.hits) == (9, 0)


@MANY
@given(requests=REQUESTS, capacity=st.integers(0, 12_000))
def test_less_room_never_makes_more_hits(requests, capacity):
    found = traffic(*requests)
    given = Settings(mode="worker-cache-api", capacity=capacity)

    bounded = images(found, "cdn", given)
    unbounded = images(found, "cdn", replace(given, capacity=None))

    assert bounded.hits <= unbounded.hits


def test_today_each_browser_loads_an_image_once_and_asks_again_after_an_hour():
    views = [request(at, viewer=who) for at in (0, 60, 3_600) for who in "ab"]

    counted = images(traffic(*views), "today")

    assert (counted.origin, counted.origin_asked, counted.quiet) == (2_000, 4, 2)
    assert counted.browser == 4_000


def test_the_first_view_is_uncached_and_others_are_cached_by_supabase_per_place():
    views = [request(n, viewer=f"v{n}", place="FIR"[n % 3]) for n in range(6)]

    counted = images(traffic(*views), "today")

    assert (counted.origin_uncached, counted.origin_cached) == (3_000, 3_000)


def test_without_cache_control_all_egress_is_uncached_and_a_week_mends_it():
    views = [request(n, viewer=f"v{n}") for n in range(6)]
    given = Settings(upload_s=0)

    today = images(traffic(*views), "today", given)
    headers = images(traffic(*views), "headers", given)

    assert (today.origin_uncached, today.origin_cached) == (6_000, 0)
    assert (headers.origin_uncached, headers.origin_cached) == (1_000, 5_000)


def test_the_free_plan_forgets_copies_after_the_lifetime_of_the_upload():
    views = [request(at, viewer=f"v{at}") for at in (0, 3_599, 3_600)]

    smart = images(traffic(*views), "today")
    basic = images(traffic(*views), "today", Settings(smart=False))

    assert (smart.origin_uncached, basic.origin_uncached) == (1_000, 2_000)


def test_with_the_cdn_supabase_sends_an_image_once_to_all():
    views = [request(n, viewer=f"v{n}", place="FIR"[n % 3]) for n in range(9)]

    counted = images(traffic(*views), "cdn")

    assert (counted.origin, counted.edge, counted.passed) == (1_000, 8_000, 1_000)
    assert counted.hit_rate == pytest.approx(8 / 9)


def test_a_part_and_a_head_fetch_the_whole_image():
    whole = request(0, viewer="")
    part = request(8 * DAY, status=206, size=10)
    head = request(16 * DAY, method="HEAD")

    counted = images(traffic(whole, part, head, are_views=False), "cdn")

    assert (counted.origin, counted.seen) == (3_000, 1_010)


def test_an_image_whose_size_nothing_tells_counts_as_others_of_its_rule():
    other = [
        request(0, f"{PUBLIC_PATH}generated-images/{n}.png", size=n)
        for n in (10, 30, 90)
    ]
    part = request(0, status=206, size=1)

    assert Objects([*other, part]).size(PNG) == 30


def test_compression_leaves_charts_as_they_are():
    found = traffic(request(0, size=1_000), request(0, SVG, size=500))

    assert images(found, "compression").origin == 500 + 500


def test_views_of_overwritten_images_are_counted():
    name = PNG.partition("/public/")[2]
    put = request(100, STORED_PATH + name, method="PUT", size=0)
    views = [request(at, viewer=f"v{at}") for at in (0, 150, 300)]

    watched = images(traffic(put, *views), "cdn")
    unwatched = images(traffic(put, *views), "cdn", Settings(watched=False))

    assert (watched.outdated, unwatched.outdated) == (1, 2)


def test_what_comes_before_the_counted_days_fills_the_caches_alone():
    found = traffic(request(-60, viewer="b"), request(0))

    counted = images(found, "cdn")

    assert (counted.views, counted.hits, counted.origin) == (1, 1, 0)


def test_the_made_workload_is_the_plans_and_repeats_itself():
    found = made(42, 7, mb_day=100)

    assert found == made(42, 7, mb_day=100)
    assert found.requests != made(43, 1, mb_day=100).requests
    assert images(found, "today").origin / 7 / 1e6 == pytest.approx(100, rel=0.15)
    assert images(found, "cdn").origin / 7 / 1e6 <= 30
