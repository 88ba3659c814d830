"""One list price, and where it was read: what `infra.catalog.prices` is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EU, US = "eu-central-1", "us-east-1"
PRICED_REGIONS = (EU, US)

FALLBACK_REGION = US
"""Whose prices are taken for a region that is not listed here."""

EVERYWHERE = "*"
"""Stands for all regions: the provider asks the same in each."""


@dataclass(frozen=True, kw_only=True)
class UnitPrice:
    """Price of one thing that is counted.

    Attributes:
        service: The provider's product, e.g. ``Lambda``.
        what: What is counted, e.g. ``requests``.
        per: How many of them the price is for.
        usd: Price of ``per`` of them by region, in USD; `EVERYWHERE` is all regions.
        free: How many are free in each month for ever, not only in the first year, in
            the whole account.
        page: The provider's page that has the price of today.
        read: Where the price was read, by region as in ``usd``, with the date where the
            source has one; a region that is missing is unconfirmed.
        free_read: Where the free part was read; empty if it is unconfirmed.
    """

    service: str
    what: str
    per: int
    usd: Mapping[str, float]
    free: float = 0
    page: str
    read: Mapping[str, str] = field(default_factory=dict)
    free_read: str = ""

    def in_region(self, region: str) -> float:
        """Give the price in a region, or in the one that stands for it."""
        if EVERYWHERE in self.usd:
            return self.usd[EVERYWHERE]
        return self.usd.get(region, self.usd[FALLBACK_REGION])

    def read_for(self, region: str) -> str | None:
        """Say where the price of a region was read; ``None`` if nowhere."""
        return self.read.get(EVERYWHERE) or self.read.get(region)

    def is_confirmed(self, region: str) -> bool:
        """Say whether a source has both the price of a region and the free part."""
        return bool(self.read_for(region)) and bool(self.free_read or not self.free)
