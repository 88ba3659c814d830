"""What a call may cost at most, and what it did cost."""

from math import ceil

import msgspec

from functions.shared.prompts import Prompt
from functions.shared.providers.interface import OUTPUT_TOKENS_MAX, Completion
from functions.shared.providers.models import Choice, ModelConfig
from functions.shared.providers.prices import Prices

CHARACTERS_A_TOKEN = 4
"""Taken where a provider counts no tokens: OpenAI's own rule of thumb for English."""

TURN_TOKENS = 16
"""Tokens that a provider adds to each turn for its role and its borders: 3 to 8."""


class Rates(msgspec.Struct, frozen=True):
    """Prices in USD per million tokens, that is in millionths of a USD per token."""

    input_usd: float
    output_usd: float

    def microusd(self, input_tokens: int, output_tokens: int) -> int:
        """Give the cost of a call in millionths of a USD, rounded up."""
        return ceil(input_tokens * self.input_usd + output_tokens * self.output_usd)

    def at_most(self, input_bytes: int, turns: int) -> int:
        """Give the most that a call may cost, in millionths of a USD.

        A token is a byte or more of the text, in every tokeniser of these models, so
        that nothing that is asked has more tokens than bytes.

        Args:
            input_bytes: UTF-8 bytes of the instructions and of all turns.
            turns: Turns of the prompt.
        """
        return self.microusd(input_bytes + (turns + 1) * TURN_TOKENS, OUTPUT_TOKENS_MAX)


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a call cost; the arguments of ``kiloscale.settle_llm``.

    Attributes:
        model: The model as the configuration names it: its price is known before the
            call, and the record of costs has no row for each version of it.
        input_tokens: Tokens of the prompt.
        output_tokens: Tokens of the answer.
        microusd: Millionths of a USD.
        is_estimate: Whether the tokens are estimated, since the provider counts none.
    """

    model: str
    input_tokens: int
    output_tokens: int
    microusd: int
    is_estimate: bool


def rates(prices: Prices, choice: Choice) -> Rates:
    """Give the prices of a choice: those of its row, else those of the list."""
    listed = prices.of(choice.model)
    return Rates(
        listed[0] if choice.input_usd is None else choice.input_usd,
        listed[1] if choice.output_usd is None else choice.output_usd,
    )


def highest(prices: Prices, config: ModelConfig) -> Rates:
    """Give the higher prices of a configuration and its fallback."""
    choices = [config] if config.fallback is None else [config, config.fallback]
    of = [rates(prices, choice) for choice in choices]
    return Rates(
        max(each.input_usd for each in of), max(each.output_usd for each in of)
    )


def cost(
    prices: Prices, config: ModelConfig, *, prompt: Prompt, completion: Completion
) -> Cost:
    """Give what a call cost, by the provider's own count of tokens if it has one."""
    choice = (config.fallback if completion.is_fallback else None) or config
    asked = completion.input_tokens
    written = completion.output_tokens
    is_estimate = asked is None or written is None
    if asked is None:
        asked = _estimate(characters(prompt))
    if written is None:
        written = _estimate(len(completion.text))
    return Cost(
        model=choice.model,
        input_tokens=asked,
        output_tokens=written,
        microusd=rates(prices, choice).microusd(asked, written),
        is_estimate=is_estimate,
    )


def characters(prompt: Prompt) -> int:
    """Count the characters of a prompt."""
    return len(prompt.instructions) + sum(len(turn.text) for turn in prompt.turns)


def prompt_bytes(prompt: Prompt) -> int:
    """Count the UTF-8 bytes of a prompt."""
    texts = [prompt.instructions, *(turn.text for turn in prompt.turns)]
    return sum(len(text.encode()) for text in texts)


def _estimate(length: int) -> int:
    """Estimate the tokens of a text of so many characters; at least 1."""
    return max(1, ceil(length / CHARACTERS_A_TOKEN))
