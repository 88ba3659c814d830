"""What is counted of a rule's requests in one variant."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

OTHER = "other"
"""Name for what no rule keeps: it goes to Supabase in each variant."""


@dataclass(kw_only=True, slots=True)
class Tally:
    """Counts of the days that are counted; sizes in bytes of bodies.

    Attributes:
        views: Requests of the log, or views.
        seen: What viewers got to see; the same in each variant with equal images.
        browser: Of it, from the browser's own cache, without a request or by a 304.
        edge: Of it, from copies of the CDN.
        passed: Of it, fetched for the viewer who asked.
        quiet: Views without a request.
        asked: Requests that the CDN answered, without redirections.
        hits: Of them, those that found a copy.
        redirects: Requests that the CDN sent to the one spelling of an address.
        origin_asked: Requests to Supabase.
        origin_cached: What Supabase sent from copies of its own CDN.
        origin_uncached: What it sent from storage.
        outdated: Views of an image that had been overwritten.
    """

    views: int = 0
    seen: int = 0
    browser: int = 0
    edge: int = 0
    passed: int = 0
    quiet: int = 0
    asked: int = 0
    hits: int = 0
    redirects: int = 0
    origin_asked: int = 0
    origin_cached: int = 0
    origin_uncached: int = 0
    outdated: int = 0

    @property
    def origin(self) -> int:
        """All that Supabase sent."""
        return self.origin_cached + self.origin_uncached

    @property
    def hit_rate(self) -> float | None:
        """Share of requests that found a copy; ``None`` without a CDN."""
        return self.hits / self.asked if self.asked else None


def total(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up."""
    found = Tally()
    for each in tallies:
        for name in fields(Tally):
            value = getattr(found, name.name) + getattr(each, name.name)
            setattr(found, name.name, value)
    return found


@dataclass(kw_only=True)
class Outcome:
    """A variant's counts by rule, `OTHER` for what no rule keeps."""

    rules: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))

    @property
    def images(self) -> Tally:
        """All rules together."""
        return total(each for name, each in self.rules.items() if name != OTHER)

    @property
    def all(self) -> Tally:
        """Everything together."""
        return total(self.rules.values())
