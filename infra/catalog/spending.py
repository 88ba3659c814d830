"""What one answer of a language model may cost at most, by the bounds of llm_handler.

It holds this much of a user's budget before it asks: one token for each byte of the
prompt, and the whole output limit. A budget below that refuses the message.
"""

from math import ceil

from infra.catalog.models import Price

ANSWER_TOKENS = 4_096
"""Longest answer (functions/shared/providers/interface.py)."""

INSTRUCTIONS_BYTES = 70
"""What every prompt is counted with besides its messages, at least: the headings of
functions/llm_handler/prompts.py."""

PROMPT_BYTES = 200_000
"""Longest history of a prompt (functions/llm_handler/queries.py)."""


def least_usd(price: Price) -> float:
    """Give what is held for the shortest answer to the shortest message, in USD."""
    return _usd(price, INSTRUCTIONS_BYTES)


def most_usd(price: Price) -> float:
    """Give what is held in the longest conversation, in USD."""
    return _usd(price, PROMPT_BYTES)


def _usd(price: Price, prompt_bytes: int) -> float:
    """Bound a call as llm_handler does: prices are millionths of a USD a token."""
    return ceil(prompt_bytes * price.input_usd + ANSWER_TOKENS * price.output_usd) / 1e6
