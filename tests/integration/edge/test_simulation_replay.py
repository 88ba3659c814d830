"""The simulation against the production Worker in workerd: names, times, hits."""

import http.client
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from edge_bench import Worker

from benchmarks.edge.corpus import urls
from deploy.cdn.simulation import edge
from deploy.cdn.simulation import replay as module
from deploy.cdn.simulation.addresses import address
from deploy.cdn.simulation.making import made
from deploy.cdn.simulation.replay import Replayed, replay
from deploy.cdn.simulation.settings import Settings
from deploy.cdn.simulation.traffic import Request, Traffic
from infra.catalog.cdn import PUBLIC_PATH

pytestmark = pytest.mark.integration

DAY, WEEK = 86_400, 604_800
BEGINS = 1_767_571_200
PNG = f"{PUBLIC_PATH}generated-images/a.png"
SVG = f"{PUBLIC_PATH}report-images/a.svg"
EVERY = 7


def test_the_worker_names_each_address_as_the_simulation_does(workers_cache: Worker):
    parts = urlsplit(workers_cache.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    unlike = {}
    for url in urls()[::EVERY]:
        connection.putrequest("GET", url)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        found = address(url)
        moved = answer.getheader("location", "").removeprefix(workers_cache.url)
        # A 404 without a rule is no public image, not even a missing one.
        expected = {301: (moved, False), 200: (found and found.key, True)}.get(
            answer.status, (None, None)
        )
        said = (found.key, found.is_canonical) if found else (None, None)
        assert answer.status in {200, 301, 404}
        if said != expected:
            unlike[url] = (answer.status, expected, said)
    connection.close()

    assert unlike == {}


def view(at: float, target: str = PNG, **given) -> Request:
    values = {"method": "GET", "status": 200, "size": 50_000, "place": "FRA"}
    return Request(at=BEGINS + at, target=target, viewer="", **values | given)


def replayed(*requests: Request) -> Replayed:
    traffic = Traffic(
        name="test", requests=requests, counted_from=BEGINS, ends=BEGINS + 30 * DAY
    )
    return replay(traffic, Settings(), lambda _: None)


CASES = {
    "day": ([view(at, SVG) for at in (0, 1, DAY - 1, DAY, DAY + 1)], 3),
    "week": ([view(at) for at in (0, DAY, WEEK - 1, WEEK, WEEK + 1)], 3),
    "places": ([view(n, place=place) for n, place in enumerate(("FRA", "SIN") * 2)], 2),
    "query": ([view(0, PNG + query) for query in ("", "?utm=x", "?v=2", "?v=2")], 2),
    "missing": ([view(at, status=400, size=70) for at in (0, 59, 60)], 1),
    "refused": ([view(0, SVG), *(view(DAY + n, SVG, status=402) for n in (0, 9))], 2),
    "error": ([view(0, status=503), view(1)], 0),
    "parts": ([view(0, method="HEAD"), view(1, status=206, size=1), view(2)], 2),
}


def test_the_worker_finds_a_copy_when_the_simulation_does():
    # An object for each case, so that one Worker answers them all.
    requests = [
        replace(each, target=each.target.replace("/a.", f"/{name}."))
        for name, (every, _) in CASES.items()
        for each in every
    ]

    found = replayed(*sorted(requests, key=lambda each: each.at))

    hits = sum(hits for _, hits in CASES.values())
    assert found.hits == (hits, hits)
    assert found.unlike == 0
    assert found.asked[0] == found.asked[1]
    assert found.sent[0] == found.sent[1]


def test_some_objects_of_made_requests_are_within_a_point(monkeypatch):
    monkeypatch.setattr(module, "REQUESTS_MAX", 400)

    found = replay(made(7, 2, mb_day=20), Settings(), lambda _: None)

    assert 200 < found.requests < 600 < found.of
    assert found.error_points <= 1
    assert found.sent[1] == pytest.approx(found.sent[0], rel=0.01)


def test_a_simulation_with_another_lifetime_does_not_agree(monkeypatch):
    monkeypatch.setattr(edge, "NOT_FOUND_TTL_S", 600)

    found = replayed(*CASES["missing"][0])

    assert (found.hits, found.unlike) == ((2, 1), 1)
    assert not found.is_close
