"""What is assumed of caches and providers, each with its source."""

from dataclasses import dataclass

from infra.catalog.cdn import DAY_S, HOUR_S, WEEK_S
from infra.catalog.cdn_modes import (
    CACHE_RULES,
    CLOUDFRONT,
    WORKER_CACHE,
    WORKER_CACHE_API,
)

MODES = (WORKER_CACHE, WORKER_CACHE_API, CACHE_RULES, CLOUDFRONT)
TIERED = frozenset({WORKER_CACHE, CACHE_RULES})
"""Modes in which one copy serves all data centers: Workers Cache, and Cache Rules with
Smart Tiered Cache (docs/cdn.md). CloudFront's regional caches are left out."""

REVALIDATING = frozenset({WORKER_CACHE})
"""Modes in which an expired copy is served while a new one is fetched."""

RASTERS = frozenset({"generated-images", "website-images", "report-images"})
"""Rules whose images are compressed; an SVG is text and stays as it is."""

UPLOAD_CACHE_CONTROL_S = HOUR_S
"""Lifetime that supabase-js and storage3 write where the app names none ("3600")."""

BROWSER_KEEPS_S = 3 * DAY_S
"""A browser drops what it did not use for so long: an assumption, since phones have
small caches and tell nobody."""

SMART_CHANGE_S = 60
"""Supabase's Smart CDN may answer with the old object for so long (its docs, "Smart
CDN")."""

PURGE_S = 120
"""After an overwrite ``cdn.watch`` has the copies purged within 2 minutes."""

COMPRESSED_SHARE = 0.5
"""Bytes that compression leaves of a raster image: the scaling plan's estimate ("50 %
bandwidth savings"), below what WebP saves of PNGs."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the CDN is set up.

    Attributes:
        mode: One of `MODES`.
        smart: Whether Supabase's own CDN is the Smart CDN (Pro and Team), which keeps
            objects until they change; else they expire as their uploads say.
        upload_s: Lifetime that the app's uploads name, in seconds; 0 for ``no-cache``.
        capacity: Bytes that a data center keeps; ``None`` without a bound.
        idle_s: A CDN drops copies that nobody asks for so long; ``None`` for never.
        watched: Whether overwritten images are purged (``cdn.watch``).
    """

    mode: str = WORKER_CACHE
    smart: bool = True
    upload_s: int = UPLOAD_CACHE_CONTROL_S
    capacity: int | None = None
    idle_s: float | None = None
    watched: bool = True

    @property
    def is_tiered(self) -> bool:
        """Whether one copy serves all data centers."""
        return self.mode in TIERED


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What is compared.

    Attributes:
        name: For tables and JSON.
        title: What it is, for people.
        has_cdn: Whether requests go through the CDN.
        left: Share of a raster image's bytes that compression leaves.
        upload_s: Lifetime that uploads name, where it is not that of the settings.
    """

    name: str
    title: str
    has_cdn: bool = False
    left: float = 1.0
    upload_s: int | None = None


def variants(left: float = COMPRESSED_SHARE) -> tuple[Variant, ...]:
    """Give what is compared, today first."""
    return (
        Variant(name="today", title="as today"),
        Variant(name="headers", title="cacheControl of a week", upload_s=WEEK_S),
        Variant(name="cdn", title="CDN", has_cdn=True),
        Variant(name="compression", title="compression", left=left),
        Variant(name="both", title="CDN and compression", has_cdn=True, left=left),
    )
