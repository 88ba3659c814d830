"""What language models cost, for the spend limit and the record of costs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Price:
    """Price of a model.

    Attributes:
        model: Its name at the provider; versions of it begin with the same name.
        input_usd: Per million tokens of the prompt, in USD.
        output_usd: Per million tokens of the answer, in USD; thinking counts as answer.
        read: Where both were read, with the date; empty if they are unconfirmed.
    """

    model: str
    input_usd: float
    output_usd: float
    read: str = ""


_GEMINI = (
    "morphllm.com/gemini-api-pricing, 2026; one of the two also on"
    " ai.google.dev/gemini-api/docs/pricing on 2026-10-07, as kept in"
    " github.com/api-evangelist/deepmind, plans/deepmind-plans-pricing.yml"
)
_OPENAI = "deploybase.ai/articles/openai-pricing, 2026-03, from OpenAI's page"

# List prices of ai.google.dev/pricing and openai.com/api/pricing; that of
# gemini-2.5-pro is for prompts up to 200,000 tokens, and ours are far below.
# Prices change, and a contract may have others: the row `llm_provider` of
# `system_config` overrides them with "input_usd" and "output_usd".
PRICES: tuple[Price, ...] = (
    Price(model="gemini-2.5-flash", input_usd=0.30, output_usd=2.50, read=_GEMINI),
    Price(model="gemini-2.5-flash-lite", input_usd=0.10, output_usd=0.40, read=_GEMINI),
    Price(model="gemini-2.5-pro", input_usd=1.25, output_usd=10.00, read=_GEMINI),
    Price(model="gpt-4o-mini", input_usd=0.15, output_usd=0.60, read=_OPENAI),
    Price(model="gpt-4o", input_usd=2.50, output_usd=10.00, read=_OPENAI),
    Price(model="gpt-4.1-mini", input_usd=0.40, output_usd=1.60, read=_OPENAI),
    Price(model="gpt-4.1", input_usd=2.00, output_usd=8.00, read=_OPENAI),
    Price(model="gpt-5-mini", input_usd=0.25, output_usd=2.00, read=_OPENAI),
)

UNKNOWN = Price(model="*", input_usd=2.50, output_usd=10.00)
"""Taken for a model that is not listed: rather too much than unlimited."""
