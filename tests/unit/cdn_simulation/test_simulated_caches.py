"""Copies: how long they are kept, by whom, and how many."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BEGINS, PNG, SVG, request

from deploy.cdn.simulation.addresses import Address, address
from deploy.cdn.simulation.edge import Asked, Edge, Found
from deploy.cdn.simulation.objects import STORED_PATH, Objects
from deploy.cdn.simulation.settings import Settings
from deploy.cdn.simulation.store import Copy, Store

DAY, WEEK = 86_400, 604_800
API = Settings(mode="worker-cache-api")


class Asking:
    """Asks an edge, and counts what it asks Supabase."""

    def __init__(self, given: Settings, *requests) -> None:
        self.objects = Objects(requests or [request(0)])
        self.edge, self.fetched = Edge(self.objects, given), []

    def at(
        self, at: float, target: str = PNG, *, place: str = "FRA", status: int = 200
    ) -> Found:
        image = address(target)
        return self.ask(image, self.edge.key(image, target), at, place, status)

    def ask(
        self, image: Address, key: str, at: float, place: str = "", status: int = 200
    ) -> Found:
        def fetch(where: str) -> int:
            self.fetched.append((at, where))
            return self.objects.version(image.path, BEGINS + at)

        asked = Asked(image=image, key=key, at=BEGINS + at, place=place, status=status)
        return self.edge.answer(asked, fetch).found


@pytest.mark.parametrize(("target", "ttl"), [(PNG, WEEK), (SVG, DAY)])
def test_a_copy_is_good_for_as_long_as_its_rule_says(target, ttl):
    asking = Asking(API)

    found = [asking.at(at, target) for at in (0, 1, ttl - 1, ttl)]

    assert found == [Found.MISS, Found.HIT, Found.HIT, Found.MISS]


def test_workers_cache_serves_an_expired_copy_for_an_hour_while_it_fetches():
    asking = Asking(Settings())

    found = [asking.at(at, SVG) for at in (0, DAY + 3_599, DAY + 3_600, 4 * DAY)]

    assert found == [Found.MISS, Found.UPDATING, Found.HIT, Found.MISS]
    assert len(asking.fetched) == 3


def test_the_news_that_an_image_is_missing_is_kept_for_a_minute():
    asking = Asking(API)

    found = [asking.at(at, status=400) for at in (0, 59, 60)]

    assert found == [Found.MISS, Found.HIT, Found.MISS]


@pytest.mark.parametrize("status", [402, 429, 500, 503])
def test_an_expired_copy_is_served_while_supabase_refuses_for_a_day(status):
    asking = Asking(API)
    asking.at(0, SVG)

    found = [asking.at(at, SVG, status=status) for at in (DAY, 2 * DAY - 1, 2 * DAY)]

    assert found == [Found.STALE, Found.STALE, Found.REFUSED]


def test_what_supabase_refuses_is_not_kept():
    asking = Asking(API)

    assert [asking.at(0, status=402), asking.at(1)] == [Found.REFUSED, Found.MISS]


@pytest.mark.parametrize(
    ("mode", "fills"),
    [
        ("worker-cache", 1),
        ("cache-rules", 1),
        ("worker-cache-api", 2),
        ("cloudfront", 2),
    ],
)
def test_only_tiers_share_a_copy_between_data_centers(mode, fills):
    asking = Asking(Settings(mode=mode))

    for place in ("FRA", "SIN", "FRA", "SIN"):
        asking.at(0, place=place)

    assert len(asking.fetched) == fills


@pytest.mark.parametrize(
    ("mode", "fills"), [("worker-cache", 2), ("cloudfront", 2), ("cache-rules", 4)]
)
def test_tracking_parameters_make_copies_with_cache_rules_alone(mode, fills):
    asking = Asking(Settings(mode=mode))

    for query in ("", "?utm_source=x", "?a=1&b=2", "?b=2&a=1", "?v=2"):
        asking.at(0, PNG + query)

    assert len(asking.fetched) == fills


@pytest.mark.parametrize(("watched", "expected"), [(True, 3), (False, 1)])
def test_an_overwritten_image_is_fetched_again_where_it_is_purged(watched, expected):
    name = PNG.partition("/public/")[2]
    put = request(100, STORED_PATH + name, method="PUT", size=0)
    asking = Asking(replace(API, watched=watched), request(0), put)

    # Filled before, filled again in the two minutes until the purge, and after it.
    for at in (0, 99, 219, 220, 221):
        asking.at(at)
    if watched:
        asking.at(150, PNG + "?v=1")

    assert len(asking.fetched) == expected


@settings(deadline=None, max_examples=100)
@given(
    ats=st.lists(st.integers(0, 500), min_size=1, max_size=40).map(sorted),
    short=st.integers(1, 200),
    more=st.integers(0, 200),
    mode=st.sampled_from(["worker-cache", "worker-cache-api"]),
)
def test_a_longer_lifetime_never_asks_more_of_supabase(ats, short, more, mode):
    image = address(PNG)
    counts = []
    for ttl in (short, short + more):
        asking = Asking(Settings(mode=mode))
        rule = replace(image.rule, edge_ttl_s=ttl)
        for at in ats:
            asking.ask(replace(image, rule=rule), image.key, at)
        counts.append(len(asking.fetched))

    assert counts[0] >= counts[1]


@settings(deadline=None, max_examples=100)
@given(
    puts=st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 60)), max_size=60)
)
def test_a_store_never_holds_more_than_fits_and_drops_the_least_used(puts):
    store = Store(capacity=100)
    used: list[str] = []
    for at, (key, size) in enumerate(puts):
        copy = Copy(filled_at=at, used_at=at, size=size, version=0)
        store.put(key, copy)
        used = [each for each in used if each != key] + [key]
        kept = {each for each in used if store.get(each, at) is not None}
        # Looking is using: they are all asked for in the same order again.
        assert store.bytes <= 100
        assert kept == set(used[-len(kept) :])
        used = [each for each in used if each in kept]

    assert store.bytes == sum(store.get(key, 99).size for key in used)


def test_a_copy_that_does_not_fit_at_all_is_not_kept():
    store = Store(capacity=10)

    store.put("a", Copy(filled_at=0, used_at=0, size=11, version=0))

    assert len(store) == store.bytes == 0


def test_a_copy_that_nobody_asks_for_is_dropped():
    store = Store(idle_s=60)
    store.put("a", Copy(filled_at=0, used_at=0, size=1, version=0))

    assert [store.get("a", at) is not None for at in (60, 120, 181)] == [
        True,
        True,
        False,
    ]
