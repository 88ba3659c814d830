"""Where prices come from, and that the plan says which ones nobody confirms."""

from dataclasses import replace

import pytest

from deploy.planning import cost, layout
from infra.catalog import models, prices
from infra.catalog.loads import PLAN
from infra.catalog.unit_price import EU, EVERYWHERE, PRICED_REGIONS, US, UnitPrice
from infra.policies.resources import Registered, Resources

ALL = {name: each for name, each in vars(prices).items() if isinstance(each, UnitPrice)}
KEY = Registered(type="aws:kms/key:Key", name="functions", inputs={})
BOARD = Registered(type="aws:cloudwatch/dashboard:Dashboard", name="d", inputs={})

UNCONFIRMED = {
    *(("SNS_EMAILS", EU), ("SNS_HTTPS", EU), ("CUSTOM_METRICS", EU)),
    *(("DASHBOARDS", EU), ("SCHEDULED", EU)),
}
"""Looked for and not found: one that gets a source leaves this list."""


def estimate(*resources, region=EU):
    return cost.estimate(Resources(resources), PLAN, region)


def shown(found):
    return "\n".join(layout.cost([found], PLAN.users))


@pytest.mark.parametrize("name", ALL)
def test_a_price_names_a_page_and_what_it_was_read_from(name):
    price = ALL[name]

    assert "/" in price.page
    assert set(price.usd) in ({EVERYWHERE}, set(PRICED_REGIONS))
    assert set(price.read) <= set(price.usd)
    assert all(len(source) > 20 for source in price.read.values())
    assert price.free or not price.free_read


def test_the_prices_without_a_source_are_these():
    found = {
        (name, region)
        for name, price in ALL.items()
        for region in PRICED_REGIONS
        if not price.is_confirmed(region)
    }

    assert len(ALL) == 20
    assert found == UNCONFIRMED


def test_a_free_part_without_a_source_leaves_the_price_unconfirmed():
    price = replace(prices.DASHBOARDS, free_read="")

    assert prices.DASHBOARDS.is_confirmed(US)
    assert not price.is_confirmed(US)


def test_the_mark_stands_at_the_price_and_is_explained():
    text = shown(estimate(KEY, BOARD))

    (board,) = [line for line in text.splitlines() if "dashboards" in line]
    (key,) = [line for line in text.splitlines() if "KMS keys" in line]
    assert " ".join(board.split()) == "CloudWatch dashboards 1 1 ~3.00 3.00 0.00"
    assert "~" not in key
    assert (
        "  ~ no source confirms this price for eu-central-1: 3.00 of 4.00 rest on such"
        " prices; --json names"
    ) in text


def test_nothing_is_marked_where_all_is_confirmed():
    assert "~" not in shown(estimate(KEY, BOARD, region=US))


def test_the_document_says_of_each_line_where_its_price_was_read():
    found = estimate(KEY, BOARD).as_json()

    board, key = found["lines"]
    assert (board["confirmed"], board["price_read"]) == (False, None)
    assert board["page"] == "aws.amazon.com/cloudwatch/pricing"
    assert board["free_read"].startswith("aws.amazon.com/cloudwatch/pricing")
    assert key["confirmed"]
    assert key["price_read"].startswith("aws.amazon.com/kms/pricing")
    assert key["free_read"] is None
    assert found["unconfirmed_usd"] == 3.00


def test_a_region_without_prices_is_taken_as_virginia_and_says_so():
    found = estimate(KEY, region="sa-east-1")

    assert (found.region, found.stack_region) == (US, "sa-east-1")
    assert "1,000 users, sa-east-1 at the prices of us-east-1, USD" in shown(found)
    assert found.as_json()["stack_region"] == "sa-east-1"


def test_a_region_with_prices_is_named_alone():
    assert "1,000 users, us-east-1, USD" in shown(estimate(KEY, region=US))


def test_every_listed_model_names_where_its_price_was_read():
    assert [each.model for each in models.PRICES if not each.read] == []


def test_a_model_whose_price_nobody_confirms_is_marked():
    found = replace(estimate(KEY), model=models.UNKNOWN, llm_usd=7.0)

    assert "language model apart: ~7.00 with *" in shown(found)
