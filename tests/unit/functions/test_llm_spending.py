"""What a call may cost at most, and what it did cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.prompts import Prompt, Turn
from functions.shared.providers.interface import OUTPUT_TOKENS_MAX, Completion
from functions.shared.providers.models import read_config
from functions.shared.providers.prices import Prices
from functions.shared.providers.spending import (
    Rates,
    cost,
    highest,
    prompt_bytes,
    rates,
)

PRICES = Prices({"*": (2.5, 10.0), "gpt-4o": (2.5, 10.0), "gpt-4o-mini": (0.15, 0.6)})
MINI = {"provider": "openai", "model": "gpt-4o-mini"}
PROMPT = Prompt("Be brief.", (Turn("user", "Tea?"),))


def test_the_longest_listed_name_gives_the_price_and_the_row_overrides_it():
    row = MINI | {"output_usd": 0.3}

    assert rates(PRICES, read_config(MINI)) == Rates(0.15, 0.6)
    assert rates(PRICES, read_config(row)) == Rates(0.15, 0.3)
    assert rates(PRICES, read_config(MINI | {"model": "new"})) == Rates(2.5, 10.0)


def test_a_call_is_bounded_by_the_dearer_of_the_model_and_its_fallback():
    fallback = {"provider": "gemini", "model": "g", "input_usd": 9, "output_usd": 0}

    config = read_config(MINI | {"fallback": fallback})

    assert highest(PRICES, config) == Rates(9, 0.6)


def test_what_the_provider_counts_is_paid_at_the_price_of_who_was_asked():
    counted = Completion(
        text="Yes.", model="gpt-4o-2024", input_tokens=1_000, output_tokens=10
    )

    paid = cost(PRICES, read_config(MINI), prompt=PROMPT, completion=counted)

    assert (paid.model, paid.microusd, paid.is_estimate) == ("gpt-4o-mini", 156, False)


@pytest.mark.parametrize(
    ("read", "written", "expected"),
    [(None, 7, (4, 7)), (50, None, (50, 1)), (None, None, (4, 1))],
)
def test_what_is_not_counted_is_estimated(read, written, expected):
    completion = Completion(
        text="Yes.", model="m", input_tokens=read, output_tokens=written
    )

    paid = cost(PRICES, read_config(MINI), prompt=PROMPT, completion=completion)

    assert (paid.input_tokens, paid.output_tokens) == expected
    assert paid.is_estimate


@given(st.text(max_size=200), st.lists(st.text(max_size=100), max_size=5))
def test_no_call_costs_more_than_is_held_for_it(instructions, texts):
    """Even where each byte is a token, and a turn has eight more for its borders."""
    prompt = Prompt(instructions, tuple(Turn("user", text) for text in texts))
    tokens = prompt_bytes(prompt) + 8 * (len(texts) + 1)

    most = Rates(0.3, 2.5).at_most(prompt_bytes(prompt), len(texts))

    assert Rates(0.3, 2.5).microusd(tokens, OUTPUT_TOKENS_MAX) <= most
