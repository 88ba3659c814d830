"""Addresses: rule, spelling and key; the Worker's own are asked in the integration."""

import pytest

from deploy.cdn.simulation.addresses import address
from infra.catalog.cdn import PUBLIC_PATH

REPORTS = f"{PUBLIC_PATH}report-images/"


@pytest.mark.parametrize(
    ("target", "rule", "key"),
    [
        ("a.png", "report-images", "a.png"),
        ("a.SVG?v=2&utm_source=x", "chart-svgs", "a.SVG?v=2"),
        ("x/../%61%20b.svg?v=1&v=2", "chart-svgs", "a%20b.svg?v=1"),
        ("a.svg?v=", "chart-svgs", "a.svg"),
        ("a.svg?v=%2F", "chart-svgs", "a.svg"),
        ("caf%c3%a9.png", "report-images", "caf%C3%A9.png"),
    ],
)
def test_each_spelling_has_one_key(target, rule, key):
    found = address(REPORTS + target)

    assert (found.rule.name, found.key) == (rule, REPORTS + key)
    assert found.is_canonical == (REPORTS + target == found.key)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/rest/v1/messages",
        "/storage/v1/object/sign/report-images/a.svg",
        f"{PUBLIC_PATH}avatars/a.png",
        f"{REPORTS}",
        f"{REPORTS}a//b.png",
        f"{REPORTS}..%2Fa.png",
        f"{REPORTS}%zz.png",
        f"{REPORTS}%ff.png",
        f"{REPORTS}../../sign/a.png",
    ],
)
def test_what_the_worker_refuses_has_none(target):
    assert address(target) is None
