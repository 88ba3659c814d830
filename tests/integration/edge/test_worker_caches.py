"""How copies are kept: by headers for Workers Cache, or in the Cache API of workerd.

workerd has no Workers Cache, so of that mode only the headers can be shown here.
"""

import json
import time
from dataclasses import replace

import edge_bench
import pytest
from hostile_origin import PNG

from infra.catalog.cdn import GENERATED_IMAGES, PUBLIC_PATH
from infra.edge import worker_settings

pytestmark = pytest.mark.integration

IMAGES = f"{PUBLIC_PATH}generated-images/"
REPORTS = f"{PUBLIC_PATH}report-images/"
PURGE = "/.cdn/purge"
KEY = f"Bearer {edge_bench.PURGE_KEY}"


def wait_until_kept(worker, path):
    """A copy is stored after the answer; ask until it is there."""
    deadline = time.monotonic() + 5
    while worker.ask(path).headers["x-cdn-cache"] != "HIT":
        assert time.monotonic() < deadline, f"{path} was never kept"
        time.sleep(0.02)


def purge(worker, body, key=KEY, method="POST"):
    return worker.ask(PURGE, method, body, authorization=key)


# Workers Cache


def test_workers_cache_is_told_how_long(workers_cache):
    image = workers_cache.ask(f"{IMAGES}a.png").headers
    chart = workers_cache.ask(f"{REPORTS}a.SVG").headers

    stale = "stale-while-revalidate=3600, stale-if-error=86400"
    told = "cloudflare-cdn-cache-control"
    assert image[told] == f"public, max-age=604800, {stale}"
    assert chart[told] == f"public, max-age=86400, {stale}"
    assert chart["cache-tag"] == (
        f"rule-chart-svgs,bucket-report-images,path:{REPORTS}a.SVG"
    )


def test_the_tag_of_a_path_is_the_same_for_each_version(workers_cache):
    tags = {
        workers_cache.ask(f"{IMAGES}a,b.png{query}").headers["cache-tag"]
        for query in ("", "?v=1", "?v=2")
    }

    assert [tag.split(",")[2:] for tag in tags] == [[f"path:{IMAGES}a%2Cb.png"]]


def test_workers_cache_keeps_a_missing_image_for_a_minute(workers_cache):
    headers = workers_cache.ask(f"{IMAGES}missing.png").headers

    told = headers["cloudflare-cdn-cache-control"]
    assert told == "public, max-age=60, stale-if-error=0"


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("a.png?utm_source=x", "a.png"),
        ("a.png?v=2&utm_source=x", "a.png?v=2"),
        ("a.png?v=2&v=3", "a.png?v=2"),
        ("a.png?v=", "a.png"),
        ("a.png?v=%3Cscript%3E", "a.png"),
        ("a.png?download=1", "a.png"),
        ("%61.png", "a.png"),
        ("c%2Esvg?v=1", "c.svg?v=1"),
    ],
)
def test_each_image_has_one_spelling(workers_cache, asked, canonical):
    answer = workers_cache.ask(IMAGES + asked)

    assert answer.status == 301
    assert answer.headers["location"] == workers_cache.url + IMAGES + canonical
    assert answer.headers["cloudflare-cdn-cache-control"] == "no-store"


def test_what_a_redirect_points_at_needs_no_other(workers_cache):
    answer = workers_cache.ask(f"{IMAGES}a%20%C3%A9'.png?x=1&v=2")

    path = answer.headers["location"].removeprefix(workers_cache.url)
    assert workers_cache.ask(path).status == 200


def test_workers_cache_gets_whole_images_only(workers_cache):
    # The layer in front answers ranges and conditions from its copy.
    part = workers_cache.ask(f"{IMAGES}a.png", range="bytes=0-9")
    known = workers_cache.ask(f"{IMAGES}a.png", if_none_match='"p1"')

    assert (part.status, part.body) == (200, PNG)
    assert (known.status, known.body) == (200, PNG)


def test_a_purge_without_workers_cache_says_so(workers_cache):
    assert purge(workers_cache, {"everything": True}).status == 501


RECORDED = """
import worker from "./worker.js";
export default {
  async fetch(request, env, ctx) {
    const calls = [];
    const purge = async (call) => (calls.push(call), { success: env.ACCEPTED });
    const cached = { cache: { purge }, waitUntil: (work) => ctx.waitUntil(work) };
    const answer = await worker.fetch(request, env, cached);
    const headers = new Headers(answer.headers);
    headers.set("x-purged", JSON.stringify(calls));
    return new Response(answer.body, { status: answer.status, headers });
  },
};
"""
"""Stands for the runtime's Workers Cache, and shows what it was told."""


@pytest.mark.parametrize(
    ("body", "call"),
    [
        ({"everything": True}, {"purgeEverything": True}),
        ({"tags": ["rule-chart-svgs"]}, {"tags": ["rule-chart-svgs"]}),
        ({"pathPrefixes": [IMAGES]}, {"pathPrefixes": [IMAGES]}),
        ({"paths": [f"{IMAGES}a,b.png"]}, {"tags": [f"path:{IMAGES}a%2Cb.png"]}),
        ({"paths": [f"{IMAGES}%61.png?v=2"]}, {"tags": [f"path:{IMAGES}a.png"]}),
    ],
)
def test_workers_cache_is_told_what_to_forget(recorded, body, call):
    answer = purge(recorded, body)

    assert answer.status == 200
    assert json.loads(answer.headers["x-purged"]) == [call]
    assert json.loads(answer.body)["scope"] == "everywhere"


def test_workers_cache_is_told_nothing_without_the_key(recorded):
    answer = purge(recorded, {"everything": True}, key="Bearer x")

    assert (answer.status, answer.headers["x-purged"]) == (401, "[]")


def test_a_purge_that_cloudflare_refuses_is_an_error(origin):
    with edge_bench.running(
        origin.url, "workers-cache", wrapper=RECORDED, ACCEPTED=False
    ) as worker:
        answer = purge(worker, {"everything": True})

    assert answer.status == 502
    assert b"5 a minute" in answer.body


@pytest.fixture(scope="module")
def recorded(workers_cache, origin):
    with edge_bench.running(
        origin.url, "workers-cache", wrapper=RECORDED, ACCEPTED=True
    ) as worker:
        yield worker


# Cache API


def test_a_copy_is_served_without_supabase(cache_api, origin):
    path = f"{IMAGES}kept.png"
    first = cache_api.ask(path)
    wait_until_kept(cache_api, path)
    asked = origin.hits[path]

    second = cache_api.ask(path)

    assert origin.hits[path] == asked
    assert (first.headers["x-cdn-cache"], second.headers["x-cdn-cache"]) == (
        "MISS",
        "HIT",
    )
    assert second.headers["cf-cache-status"] == "HIT"
    assert second.body == PNG
    assert second.headers["cache-control"] == "public, max-age=86400"
    assert "age" not in second.headers
    assert "cache-tag" not in second.headers


def test_the_time_of_filling_stays_that_of_the_copy(cache_api):
    path = f"{IMAGES}filled.png"
    wait_until_kept(cache_api, path)

    times = {cache_api.ask(path).headers["x-cdn-filled-at"] for _ in range(2)}

    assert len(times) == 1


def test_other_parameters_find_the_same_copy(cache_api, origin):
    path = f"{IMAGES}shared.png"
    wait_until_kept(cache_api, path)
    asked = origin.hits.total()

    answer = cache_api.ask(f"{path}?utm_source=x")

    assert (answer.status, answer.headers["x-cdn-cache"]) == (200, "HIT")
    assert origin.hits.total() == asked


def test_a_version_is_a_copy_of_its_own(cache_api, origin):
    path = f"{IMAGES}versioned.png"
    wait_until_kept(cache_api, path)

    answer = cache_api.ask(f"{path}?v=2&utm_source=x")

    assert answer.headers["x-cdn-cache"] == "MISS"
    assert origin.hits[f"{path}?v=2"] == 1


def test_a_part_of_a_copy_is_served(cache_api):
    path = f"{IMAGES}parts.png"
    wait_until_kept(cache_api, path)

    answer = cache_api.ask(path, range="bytes=10-19")

    assert (answer.status, answer.body) == (206, PNG[10:20])
    assert answer.headers["content-range"] == f"bytes 10-19/{len(PNG)}"


@pytest.mark.parametrize(
    ("name", "known"),
    [("a", '"p1"'), ("b", 'W/"p1"'), ("c", '"x", "p1"'), ("d", "*")],
)
def test_who_has_the_image_already_gets_no_body(cache_api, name, known):
    fresh = cache_api.ask(f"{IMAGES}known-{name}.png", if_none_match=known)

    assert (fresh.status, fresh.body) == (304, b"")
    assert fresh.headers["cache-control"] == "public, max-age=86400"


def test_who_has_the_copy_already_gets_no_body(cache_api):
    path = f"{IMAGES}known.png"
    wait_until_kept(cache_api, path)

    kept = cache_api.ask(path, if_none_match='"p1"')
    other = cache_api.ask(path, if_none_match='"p2"')

    assert (kept.status, kept.headers["x-cdn-cache"]) == (304, "HIT")
    assert (other.status, other.body) == (200, PNG)


def test_head_leaves_a_copy_with_its_body(cache_api):
    path = f"{IMAGES}by-head.png"
    deadline = time.monotonic() + 5
    while cache_api.ask(path, "HEAD").headers["x-cdn-cache"] != "HIT":
        assert time.monotonic() < deadline
        time.sleep(0.02)

    answer = cache_api.ask(path)

    assert (answer.headers["x-cdn-cache"], answer.body) == ("HIT", PNG)


def test_a_missing_image_is_asked_for_once(cache_api, origin):
    path = f"{IMAGES}missing.once"
    wait_until_kept(cache_api, path)
    asked = origin.hits[path]

    answer = cache_api.ask(path)

    assert answer.status == 404
    assert answer.headers["cache-control"] == "public, max-age=0"
    assert origin.hits[path] == asked


@pytest.fixture(scope="module")
def forgetful(workers_cache, origin):
    """A Worker whose copies expire after a second, and are kept for a minute more."""
    settings = json.loads(
        worker_settings.render(
            origin=origin.url,
            cache="cache-api",
            rules=[replace(GENERATED_IMAGES, edge_ttl_s=1)],
        )
    )
    with edge_bench.running(origin.url, "cache-api", CDN=settings) as worker:
        yield worker


def test_an_expired_copy_is_asked_for_again(forgetful, origin):
    path = f"{IMAGES}expires.png"
    wait_until_kept(forgetful, path)
    first = forgetful.ask(path).headers["x-cdn-filled-at"]
    asked = origin.hits[path]
    time.sleep(1.1)

    answer = forgetful.ask(path)

    assert (answer.status, answer.headers["x-cdn-cache"]) == (200, "MISS")
    assert answer.headers["x-cdn-filled-at"] > first
    assert origin.hits[path] == asked + 1


def test_an_expired_copy_is_served_while_the_quota_is_used_up(forgetful, origin):
    path = f"{IMAGES}once.png"
    assert forgetful.ask(path).status == 200
    time.sleep(1.1)

    answer = forgetful.ask(path)
    part = forgetful.ask(path, range="bytes=0-9")

    assert (answer.status, answer.headers["x-cdn-cache"]) == (200, "STALE")
    assert answer.body == PNG
    assert (part.status, part.body) == (206, PNG[:10])
    assert origin.hits[path] == 3


def test_a_purge_forgets_a_copy(cache_api, origin):
    path = f"{IMAGES}purged.png"
    wait_until_kept(cache_api, path)
    asked = origin.hits[path]

    answer = purge(cache_api, {"paths": [path]})

    assert answer.status == 200
    assert json.loads(answer.body) == {"purged": [path], "scope": "this data center"}
    assert cache_api.ask(path).headers["x-cdn-cache"] == "MISS"
    assert origin.hits[path] == asked + 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "must be an object with one of tags, pathPrefixes, paths, everything"),
        ({"paths": ["/a"], "tags": ["b"]}, "must be an object with one of"),
        ({"everything": "yes"}, "everything: must be true"),
        ({"paths": []}, "paths: must be a list of 1 to 100 texts"),
        ({"paths": ["/x"] * 101}, "paths: must be a list of 1 to 100 texts"),
        ({"paths": "x"}, "paths: must be a list of 1 to 100 texts"),
        ({"paths": ["x"]}, "paths: each must start with /"),
        ({"paths": [f"/{'x' * 1_019}"]}, "paths: each must have 1 to 1019 printable"),
        ({"tags": ["é"]}, "tags: each must have 1 to 1024 printable ASCII"),
        ({"everything": True}, "the Cache API knows paths only"),
        ({"tags": ["x" * 70_000]}, "must be an object with one of"),
    ],
)
def test_a_malformed_purge_is_refused_with_what_is_wrong(cache_api, body, error):
    answer = purge(cache_api, body)

    assert answer.status == 400
    assert json.loads(answer.body)["error"].startswith(error)


@pytest.mark.parametrize(
    "key",
    ["", "Bearer", "Bearer ", "Bearer x", f"Bearer {'p' * 41}", "p" * 40, "Basic p"],
)
def test_a_purge_without_the_key_is_refused(worker, key):
    answer = purge(worker, {"paths": ["/a"]}, key=key)

    assert answer.status == 401
    assert edge_bench.PURGE_KEY.encode() not in answer.body


def test_a_purge_is_a_post(worker):
    assert purge(worker, None, method="GET").status == 405


def test_without_a_key_bound_nobody_may_purge(origin):
    with edge_bench.running(origin.url, "cache-api", PURGE_KEY=None) as worker:
        for key in ("Bearer ", "Bearer null", "Bearer undefined"):
            assert purge(worker, {"paths": ["/a"]}, key=key).status == 401


def test_an_origin_that_is_gone_is_a_gateway_error():
    with edge_bench.running("http://127.0.0.1:1", "cache-api") as worker:
        answer = worker.ask(f"{IMAGES}a.png")

    assert (answer.status, answer.headers["cache-control"]) == (504, "no-store")
