from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.edge.choices import HOST, by_cache_rules, by_cloudfront, holds
from infra.catalog.cdn import (
    CONTENT_SECURITY_POLICY,
    EDGE_RULES,
    GENERATED_IMAGES,
    PUBLIC_PATH,
    WORKER_COMPATIBILITY_DATE,
)
from infra.edge import cache_rules, document, path_patterns, varnish, worker_settings

WEEK, DAY = (604_800, 86_400), (86_400, 3_600)

BUCKETS = st.sampled_from(
    [
        *{rule.bucket for rule in EDGE_RULES},
        "avatars",
        "report-images2",
        "Report-Images",
    ]
)
FOLDERS = st.sampled_from(
    [PUBLIC_PATH, "/storage/v1/object/sign/", "/storage/v1/object/", "/rest/v1/", "/"]
)
NAMES = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), max_size=20)
SUFFIXES = st.sampled_from(["", ".svg", ".SVG", ".sVg", ".png", ".svg.png", "/x.svg"])
PATHS = st.builds("{}{}/{}{}".format, FOLDERS, BUCKETS, NAMES, SUFFIXES)


@given(PATHS)
def test_cache_rules_and_cloudfront_choose_the_same_rule(path):
    assert by_cache_rules(path) == by_cloudfront(path)


@pytest.mark.parametrize(
    ("path", "choice"),
    [
        ("generated-images/a.png", WEEK),
        ("generated-images/a.svg", WEEK),
        ("website-images/folder/b.webp", WEEK),
        ("report-images/2026/c.png", WEEK),
        ("report-images/2026/c.svg", DAY),
        ("report-images/2026/C.SVG", DAY),
        ("report-images/2026/C.sVg", DAY),
        ("report-images/2026/c%2Esvg", DAY),
        ("report-images/x/../c.svg", DAY),
        ("report-imagesX/c.svg", None),
        ("avatars/d.png", None),
        ("../../../rest/v1/users", None),
        ("report-images//c.svg", None),
        ("report-images/c.svg/", None),
        ("report-images/c%2Fd.svg", None),
        ("report-images/c%5cd.svg", None),
        ("report-images/c%2500.svg", None),
        ("report-images/c%00.svg", None),
    ],
)
def test_each_image_is_kept_as_long_as_the_plan_says(path, choice):
    full = PUBLIC_PATH + path

    found = [by_cache_rules(full), by_cloudfront(full)]

    assert [each and each[1:] for each in found] == [choice, choice]


def test_a_suffix_that_a_distribution_has_no_room_for_is_refused():
    long = replace(GENERATED_IMAGES, suffix=".jpeg")

    with pytest.raises(ValueError, match="EDGE_RULES: 27 path patterns, and a distrib"):
        path_patterns.render([long])


def test_no_cache_rule_applies_to_another_host():
    path = f"{PUBLIC_PATH}generated-images/a.png"

    assert by_cache_rules(path, host="abc.supabase.co") is None


@pytest.mark.parametrize(
    "expression",
    [
        'http.host eq "a"',
        '(http.host ne "a")',
        '(http.host eq "a" or http.host eq "b")',
        '(http.host matches "a")',
        '(not (http.host eq "a"))',
    ],
)
def test_the_evaluator_refuses_what_no_renderer_writes(expression):
    with pytest.raises(NotImplementedError):
        holds(expression, {"http.host": "a"})


def test_more_rules_than_the_free_plan_has_are_refused():
    with pytest.raises(ValueError, match="EDGE_RULES: 11 rules, and a zone on"):
        cache_rules.render(HOST, [GENERATED_IMAGES] * 11)


def test_a_ttl_that_the_free_plan_refuses_is_named():
    short = replace(GENERATED_IMAGES, edge_ttl_s=3_600)

    with pytest.raises(
        ValueError, match="generated-images: edge_ttl_s must be at leas"
    ):
        cache_rules.render(HOST, [short])


def test_a_rule_with_a_suffix_stands_before_the_rule_of_its_bucket():
    seen = set()
    for rule in EDGE_RULES:
        assert rule.bucket not in seen or rule.suffix == "", rule.name
        if not rule.suffix:
            seen.add(rule.bucket)


def test_the_worker_sends_the_policy_of_the_catalog():
    assert f'"{CONTENT_SECURITY_POLICY}"' in worker_settings.WORKER.read_text()


def test_the_compatibility_date_is_one_that_can_be_tested():
    assert WORKER_COMPATIBILITY_DATE <= "2026-05-03"


def test_cloudflares_own_parser_takes_every_expression():
    from octorules_wirefilter import parse_expression

    for rule in cache_rules.render(HOST):
        found = parse_expression(rule.expression)
        assert "error" not in found
        assert set(found["fields"]) == {"http.host", "http.request.uri.path"}


def test_varnish_serves_each_rule_with_its_lifetimes():
    text = varnish.render(origin_host="o", backend_host="127.0.0.1", backend_port=1)

    for rule in EDGE_RULES:
        assert f'set req.http.x-cdn-rule = "{rule.name}";' in text
        assert f'set req.http.x-edge-ttl = "{rule.edge_ttl_s}s";' in text


def test_the_document_says_what_the_catalog_declares():
    assert document.written() in document.DOCUMENT.read_text(), (
        "run `python -m infra.edge.document`"
    )
