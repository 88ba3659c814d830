"""All renderers choose one rule for a URL: two engines run, two are read by us."""

from dataclasses import replace

import pytest

from benchmarks.edge import agreement, varnish
from benchmarks.edge import choices as choosing
from benchmarks.edge.choices import Choice
from benchmarks.edge.corpus import urls
from infra.catalog.cdn import CHART_SVGS
from infra.edge import path_patterns

pytestmark = pytest.mark.integration

SAMPLE = urls()[::5]
"""Each fifth, from every kind; the benchmark ``edge`` asks for all."""


@pytest.fixture(autouse=True)
def installed():
    if reason := varnish.missing():
        pytest.skip(f"{reason}: {varnish.INSTALL}")


@pytest.mark.sweep  # 10 s; the benchmark ``edge`` asks for all
def test_every_renderer_chooses_the_same_rule_and_lifetimes():
    assert len(SAMPLE) >= 500
    found = agreement.choices(SAMPLE)

    assert agreement.differing(found) == []
    chosen = {each["varnish"] for each in found.values()}
    assert chosen == {
        Choice("chart-svgs", 86_400, 3_600),
        Choice("generated-images", 604_800, 86_400),
        Choice("website-images", 604_800, 86_400),
        Choice("report-images", 604_800, 86_400),
        None,
    }


def test_a_renderer_that_chooses_otherwise_is_noticed(monkeypatch):
    real = path_patterns.render()
    short = replace(CHART_SVGS, edge_ttl_s=60)
    changed = [
        replace(each, rule=short) if each.rule == CHART_SVGS else each for each in real
    ]
    monkeypatch.setattr(path_patterns, "render", lambda: changed)
    choosing._patterns.cache_clear()

    found = agreement.read(["/storage/v1/object/public/report-images/a.svg"])
    choosing._patterns.cache_clear()

    (each,) = agreement.differing(found)
    assert each.choices["cloudfront"].edge_ttl_s == 60
