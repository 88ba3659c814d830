"""What a stack costs in a month: an estimate from its declared resources.

Each line is an amount times a list price, with and without what is free. Language
models stand apart: they cost more than everything else together.
"""

from dataclasses import dataclass
from typing import Any

from deploy.planning import quantities
from deploy.planning.quantities import Quantity
from infra.catalog import loads
from infra.catalog.loads import LOADS, Load
from infra.catalog.models import PRICES, Price
from infra.catalog.prices import AS_OF
from infra.catalog.unit_price import FALLBACK_REGION, PRICED_REGIONS
from infra.policies.resources import Resources

DEFAULT_MODEL = "gemini-2.5-flash"
"""The services' own default (`functions.shared.providers.models`); a test compares."""

NOT_INCLUDED = (
    "Supabase or other database plan",
    "data sent to the internet by Lambda",
    "requests to KMS",
    "storage and domains",
    "taxes and support plans",
)
"""What the estimate says nothing about."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that costs.

    Attributes:
        quantity: How much of what.
        region: Where.
    """

    quantity: Quantity
    region: str

    @property
    def unit_usd(self) -> float:
        """Price of one unit, in USD."""
        return self.quantity.price.in_region(self.region)

    @property
    def usd(self) -> float:
        """What it costs at the list price, in USD."""
        return self.quantity.amount / self.quantity.price.per * self.unit_usd

    @property
    def usd_after_free(self) -> float:
        """What is left to pay where nothing else in the account uses the free part."""
        price = self.quantity.price
        paid = max(0.0, self.quantity.amount - price.free)
        return paid / price.per * self.unit_usd

    @property
    def is_confirmed(self) -> bool:
        """Say whether a source has the price and the free part."""
        return self.quantity.price.is_confirmed(self.region)

    def as_json(self) -> dict[str, Any]:
        """Give the line for ``--json``."""
        price = self.quantity.price
        return {
            "service": price.service,
            "what": price.what,
            "amount": quantities.plain(self.quantity.amount),
            "because": self.quantity.because,
            "unit_usd": self.unit_usd,
            "per": price.per,
            "free": price.free,
            "usd": round(self.usd, 4),
            "usd_after_free": round(self.usd_after_free, 4),
            "page": price.page,
            "confirmed": self.is_confirmed,
            "price_read": price.read_for(self.region),
            "free_read": price.free_read or None,
        }


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one month costs under one load.

    Attributes:
        load: The load.
        region: Whose prices these are.
        stack_region: Where the stack is: another one if it has no prices here.
        lines: What costs, dearest first.
        llm_usd: What the language model costs beside, in USD, if it does not think.
        llm_usd_at_most: The same if it thinks as long as it may in each call.
        model: Which model.
        not_counted: What is declared and not in it.
    """

    load: Load
    region: str
    stack_region: str
    lines: tuple[Line, ...]
    llm_usd: float
    llm_usd_at_most: float
    model: Price
    not_counted: tuple[str, ...]

    @property
    def usd(self) -> float:
        """The sum at list prices, in USD, without the language model."""
        return sum(line.usd for line in self.lines)

    @property
    def usd_after_free(self) -> float:
        """The same after what is free in each month."""
        return sum(line.usd_after_free for line in self.lines)

    @property
    def unconfirmed_usd(self) -> float:
        """What part of the sum rests on prices that no source confirms, in USD."""
        return sum(line.usd for line in self.lines if not line.is_confirmed)

    def as_json(self) -> dict[str, Any]:
        """Give the estimate for ``--json`` and the plan file."""
        return {
            "users": self.load.users,
            "region": self.region,
            "stack_region": self.stack_region,
            "prices_as_of": AS_OF,
            "usd": round(self.usd, 2),
            "usd_after_free": round(self.usd_after_free, 2),
            "unconfirmed_usd": round(self.unconfirmed_usd, 2),
            "llm_usd": round(self.llm_usd, 2),
            "llm_usd_at_most": round(self.llm_usd_at_most, 2),
            "llm_model": self.model.model,
            "llm_price_read": self.model.read or None,
            "lines": [line.as_json() for line in self.lines],
            "not_counted": list(self.not_counted),
            "not_included": list(NOT_INCLUDED),
        }


def estimate(resources: Resources, load: Load, region: str) -> Estimate:
    """Estimate a month.

    Args:
        resources: What the program declares, recorded as of an update.
        load: What the stack has to carry.
        region: AWS region; one without prices here is taken as `FALLBACK_REGION`.
    """
    month = quantities.of(resources, load)
    priced = region if region in PRICED_REGIONS else FALLBACK_REGION
    lines = [Line(quantity=each, region=priced) for each in month.quantities]
    lines.sort(key=lambda line: -line.usd)
    model = next(each for each in PRICES if each.model == DEFAULT_MODEL)
    return Estimate(
        load=load,
        region=priced,
        stack_region=region,
        lines=tuple(lines),
        llm_usd=llm_usd(load, model),
        llm_usd_at_most=llm_usd(load, model, thinking=loads.THINKING_TOKENS_MAX),
        model=model,
        not_counted=tuple(month.not_counted),
    )


def for_all_loads(resources: Resources, region: str) -> list[Estimate]:
    """Estimate a month for each number of users that the plan speaks of."""
    return [estimate(resources, load, region) for load in LOADS]


def llm_usd(load: Load, model: Price, *, thinking: int = 0) -> float:
    """Give what a language model costs for the answers and the extractions.

    Args:
        load: What is asked of it.
        model: Its price.
        thinking: Tokens that it thinks in each call before it writes.
    """
    calls = (
        (load.llm_requests, loads.ANSWER),
        (load.extractions, loads.EXTRACTION),
    )
    return sum(
        count
        * (
            tokens.prompt * model.input_usd
            + (tokens.answer + thinking) * model.output_usd
        )
        / 1_000_000
        for count, tokens in calls
    )
