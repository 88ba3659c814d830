from dataclasses import replace

import pytest
from edge_choices import HOST, by_cache_rules, by_cloudfront, by_worker, holds
from hypothesis import given
from hypothesis import strategies as st

from infra.catalog.cdn import (
    CONTENT_SECURITY_POLICY,
    EDGE_RULES,
    GENERATED_IMAGES,
    PUBLIC_PATH,
    WORKER_COMPATIBILITY_DATE,
)
from infra.edge import cache_rules, worker_settings

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
SUFFIXES = st.sampled_from(["", ".svg", ".SVG", ".png", ".svg.png", ".svgz", "/x.svg"])
PATHS = st.builds("{}{}/{}{}".format, FOLDERS, BUCKETS, NAMES, SUFFIXES).filter(
    # The one known difference: CloudFront minds case, and has two patterns.
    lambda path: not path.lower().endswith(".svg") or path.endswith((".svg", ".SVG"))
)


@given(PATHS)
def test_all_renderers_choose_the_same_rule(path):
    assert by_worker(path) == by_cache_rules(path) == by_cloudfront(path)


@pytest.mark.parametrize(
    ("path", "choice"),
    [
        ("generated-images/a.png", WEEK),
        ("generated-images/a.svg", WEEK),
        ("website-images/folder/b.webp", WEEK),
        ("report-images/2026/c.png", WEEK),
        ("report-images/2026/c.svg", DAY),
        ("report-images/2026/C.SVG", DAY),
        ("report-imagesX/c.svg", None),
        ("avatars/d.png", None),
        ("../../../rest/v1/users", None),
    ],
)
def test_each_image_is_kept_as_long_as_the_plan_says(path, choice):
    full = PUBLIC_PATH + path

    assert by_worker(full) == choice
    assert by_cache_rules(full) == choice
    assert by_cloudfront(full) == choice


def test_cloudfront_keeps_a_suffix_in_mixed_case_as_its_bucket():
    path = f"{PUBLIC_PATH}report-images/c.Svg"

    assert (by_worker(path), by_cloudfront(path)) == (DAY, WEEK)


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
