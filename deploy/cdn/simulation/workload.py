"""The made workload's numbers: the scaling plan's 600 MB a day, by assumption.

The plan says how much Supabase sends a day and nothing else. Everything here that has
no source is an assumption; replay a log of your own (``--log``) to be sure.
"""

from dataclasses import dataclass

MB_DAY = 600.0
"""What Supabase sends a day today, in MB (scaling plan, "CDN Setup")."""

VIEWERS = 1_000
"""Users of the scaling plan's first step."""

WARM_DAYS = 7
"""Before what is counted: one edge lifetime, so that the caches are as in the long
run."""

HOURS = (
    *(2, 1, 1, 1, 1, 2, 4, 7, 10, 11, 11, 11),
    *(10, 10, 11, 11, 10, 10, 11, 13, 14, 12, 8, 5),
)
"""Weight of each hour of the day: a quiet night, a busy evening."""

WEEKEND = 0.7
"""Views of a Saturday or Sunday, as a share of another day's."""

PLACES = {"FRA": 0.38, "AMS": 0.2, "CDG": 0.16, "LHR": 0.12, "IAD": 0.09, "SIN": 0.05}
"""Share of the viewers by data center: an app of one continent with some elsewhere."""

VIEWER_ZIPF = 0.7
"""Exponent of how unequally the viewers look: a tenth of them does 40 % of it."""

TRACKED = 0.02
"""Share of views whose address has tracking parameters, e.g. ``?utm_source=``."""

BUSTED = 0.003
"""Share of views with a parameter that is new each time, e.g. ``?t=1700000000``."""

VERSIONED = 0.3
"""Share of views of website images by ``?v=``."""

BOTS = 0.03
"""Share of requests by bots: any object is as good as another, and nothing is kept."""

MISSES = 0.012
"""Share of requests for objects that are not there; Supabase says 400."""

HEADS, RANGES = 0.006, 0.004
"""Share of requests for the headers alone, and for a part."""

OVERWRITES = 0.004
"""Share of the present website and report images that are overwritten in a day."""

MISSING_BYTES = 68
"""Body of Supabase's answer where an object is missing."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of images.

    Attributes:
        name: Of the rule.
        bucket: Where they are.
        suffix: End of their names.
        median: Bytes of half of them, or fewer.
        sigma: Of the sizes' lognormal distribution.
        views: A day.
        new: Made a day.
        present: There at the beginning.
        half_life_days: After so long an image is asked for half as often.
        own: Share of the views by whoever made the image.
        zipf: Exponent of the popularity.
    """

    name: str
    bucket: str
    suffix: str
    median: int
    sigma: float
    views: float
    new: float
    present: int
    half_life_days: float
    own: float
    zipf: float = 0.6


KINDS = (
    Kind(
        name="generated-images",
        bucket="generated-images",
        suffix=".png",
        median=620_000,
        sigma=0.45,
        views=715,
        new=85,
        present=1_500,
        half_life_days=3,
        own=0.4,
    ),
    Kind(
        name="website-images",
        bucket="website-images",
        suffix=".jpg",
        median=85_000,
        sigma=0.6,
        views=2_100,
        new=4,
        present=180,
        half_life_days=90,
        own=0.0,
    ),
    Kind(
        name="report-images",
        bucket="report-images",
        suffix=".png",
        median=190_000,
        sigma=0.5,
        views=360,
        new=22,
        present=500,
        half_life_days=5,
        own=0.3,
    ),
    Kind(
        name="chart-svgs",
        bucket="report-images",
        suffix=".svg",
        median=24_000,
        sigma=0.5,
        views=560,
        new=45,
        present=900,
        half_life_days=4,
        own=0.3,
    ),
)
"""Sizes are those of 1,024 pixel PNGs, web photographs and charts. Every second
generated image is looked at by others than its maker."""
