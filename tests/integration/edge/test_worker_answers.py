"""What the Worker answers, in the real workerd, in front of a hostile origin."""

import re

import pytest
from hostile_origin import PNG, SVG

from infra.catalog.cdn import CONTENT_SECURITY_POLICY, PUBLIC_PATH

pytestmark = pytest.mark.integration

IMAGES = f"{PUBLIC_PATH}generated-images/"
REPORTS = f"{PUBLIC_PATH}report-images/"
LEAKS = ("set-cookie", "age", "expires", "vary", "x-robots-tag")


def test_an_image_is_served_as_it_is(worker):
    answer = worker.ask(f"{IMAGES}served.png")

    assert (answer.status, answer.body) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(PNG))
    assert answer.headers["etag"] == '"p1"'
    assert answer.headers["last-modified"] == "Tue, 15 Mar 2022 19:08:51 GMT"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_browsers_get_a_lifetime_of_their_own(worker):
    image = worker.ask(f"{IMAGES}lifetime.png")
    chart = worker.ask(f"{REPORTS}lifetime.svg")

    assert image.headers["cache-control"] == "public, max-age=86400"
    assert chart.headers["cache-control"] == "public, max-age=3600"
    assert image.headers["x-cdn-rule"] == "generated-images"
    assert chart.headers["x-cdn-rule"] == "chart-svgs"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("generated-images/a.png", "generated-images"),
        ("generated-images/a.svg", "generated-images"),
        ("website-images/folder/b.webp", "website-images"),
        ("report-images/2026/c.png", "report-images"),
        ("report-images/2026/c.svg.png", "report-images"),
        ("report-images/2026/c.svg", "chart-svgs"),
        ("report-images/2026/C.SvG", "chart-svgs"),
        ("report-imagesX/c.svg", None),
        ("avatars/d.png", None),
    ],
)
def test_the_worker_chooses_the_rule_that_the_renderers_choose(worker, path, rule):
    assert worker.ask(PUBLIC_PATH + path).headers.get("x-cdn-rule") == rule


@pytest.mark.parametrize("name", ["leak.png", "leak.svg", "missing-leak.png"])
def test_nothing_of_supabases_own_edge_leaks(worker, name):
    answer = worker.ask(IMAGES + name)

    assert not set(LEAKS) & set(answer.headers)
    # On a first request the only hit can be Supabase's.
    assert "cf-cache-status" not in answer.headers


def test_what_supabases_own_edge_said_has_a_name_of_its_own(worker):
    answer = worker.ask(f"{IMAGES}told.png")

    assert answer.headers["x-cdn-origin-cache"] == "HIT"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", answer.headers["x-cdn-filled-at"])


def test_a_compressed_answer_is_decoded_and_whole(worker):
    answer = worker.ask(f"{REPORTS}packed.svg")

    assert answer.body == SVG
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "name", ["script.svg", "script.png", "missing.png", "busy.png"]
)
def test_no_object_may_run_scripts(worker, name):
    headers = worker.ask(REPORTS + name).headers

    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"


def test_supabase_is_asked_without_anything_of_the_caller(worker, origin):
    name = f"{IMAGES}private.png"

    worker.ask(
        name,
        cookie="session=1",
        authorization="Bearer token",
        range="bytes=0-9",
        if_none_match='"p1"',
        x_forwarded_for="203.0.113.9",
        user_agent="browser",
    )

    sent = next(each for each in reversed(origin.requests) if each["path"] == name)
    assert set(sent) <= {
        *("path", "method", "host", "accept", "accept-encoding", "user-agent"),
        *("cf-worker", "connection", "transfer-encoding"),
    }
    assert sent["user-agent"] == "kiloscale-cdn"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/rest/v1/profiles?select=*",
        "/auth/v1/admin/users",
        f"{PUBLIC_PATH}avatars/a.png",
        f"{PUBLIC_PATH}generated-images",
        "/storage/v1/object/sign/generated-images/a.png?token=t",
        "/storage/v1/object/authenticated/generated-images/a.png",
        "/storage/v1/render/image/public/generated-images/a.png",
        f"{IMAGES}../avatars/a.png",
        f"{IMAGES}..%2Favatars/a.png",
        f"{IMAGES}%2e%2e/avatars/a.png",
        f"{IMAGES}%252e%252e%252favatars/a.png",
        f"{IMAGES}..%5Cavatars%5Ca.png",
        f"{IMAGES}a%00.png",
        f"{IMAGES}%E0%A4%A.png",
        f"/{IMAGES}a.png",
        f"{IMAGES}folder//a.png",
    ],
)
def test_what_is_no_public_image_never_reaches_supabase(worker, origin, path):
    asked = origin.hits.total()

    answer = worker.ask(path)

    assert answer.status == 404
    assert answer.headers["cache-control"] == "no-store"
    assert origin.hits.total() == asked


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(worker, origin, method):
    asked = origin.hits.total()

    answer = worker.ask(f"{IMAGES}a.png", method)

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert origin.hits.total() == asked


@pytest.mark.parametrize("name", ["missing.png", "absent.png"])
def test_a_missing_image_is_404_for_a_minute(worker, name):
    answer = worker.ask(IMAGES + name)

    assert answer.status == 404
    assert answer.headers["cache-control"] == "public, max-age=0"
    assert answer.headers["x-cdn-rule"] == "generated-images"


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("quota.png", 503, "402"),
        ("busy.png", 503, "429"),
        ("forbidden.png", 503, "403"),
        ("invalid.png", 503, "400"),
        ("verbose.png", 503, "400"),
        ("moved.png", 503, "302"),
        ("broken.png", 502, "500"),
        ("away.png", 502, "503"),
    ],
)
def test_a_refusal_is_an_error_that_nobody_keeps(worker, origin, name, status, said):
    before = origin.hits[IMAGES + name]

    answers = [worker.ask(IMAGES + name) for _ in range(2)]

    for answer in answers:
        assert answer.status == status
        assert answer.headers["cache-control"] == "no-store"
        assert "cloudflare-cdn-cache-control" not in answer.headers
        assert answer.headers["x-cdn-origin-status"] == said
        assert b"egress" not in answer.body
    assert origin.hits[IMAGES + name] == before + 2
    assert not any("/elsewhere/" in path for path in origin.hits)


def test_head_is_answered_like_get_without_the_body(worker):
    answer = worker.ask(f"{IMAGES}head.png", "HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(PNG))


def test_head_does_not_tell_the_length_of_a_compressed_body(worker):
    answer = worker.ask(f"{REPORTS}head.svg", "HEAD")

    assert answer.status == 200
    assert answer.headers.get("content-length", str(len(SVG))) == str(len(SVG))


def test_names_as_supabase_js_writes_them_need_no_redirect(worker):
    name = "caf%C3%A9%20(1)%20@home,%20a+b=c&d;e!'%5B1%5D.png"

    assert worker.ask(IMAGES + name).status == 200
