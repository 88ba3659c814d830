"""What language models cost, for the spend limit and the record of costs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Price:
    """Price of a model.

    Attributes:
        model: Its name at the provider; versions of it begin with the same name.
        input_usd: Per million tokens of the prompt, in USD.
        output_usd: Per million tokens of the answer, in USD.
    """

    model: str
    input_usd: float
    output_usd: float


# List prices of ai.google.dev/pricing and openai.com/api/pricing as of autumn 2025.
# Prices change, and a contract may have others: the row `llm_provider` of
# `system_config` overrides them with "input_usd" and "output_usd".
PRICES: tuple[Price, ...] = (
    Price(model="gemini-2.5-flash", input_usd=0.30, output_usd=2.50),
    Price(model="gemini-2.5-flash-lite", input_usd=0.10, output_usd=0.40),
    Price(model="gemini-2.5-pro", input_usd=1.25, output_usd=10.00),
    Price(model="gpt-4o-mini", input_usd=0.15, output_usd=0.60),
    Price(model="gpt-4o", input_usd=2.50, output_usd=10.00),
    Price(model="gpt-4.1-mini", input_usd=0.40, output_usd=1.60),
    Price(model="gpt-4.1", input_usd=2.00, output_usd=8.00),
    Price(model="gpt-5-mini", input_usd=0.25, output_usd=2.00),
)

UNKNOWN = Price(model="*", input_usd=2.50, output_usd=10.00)
"""Taken for a model that is not listed: rather too much than unlimited."""
