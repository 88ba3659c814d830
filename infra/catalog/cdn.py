"""What the CDN keeps of the public images, and for how long."""

from dataclasses import dataclass

HOUR_S = 3_600
DAY_S = 86_400
WEEK_S = 604_800

PUBLIC_PATH = "/storage/v1/object/public/"
"""Where Supabase Storage serves public buckets. Nothing else of a project may be
cached: signed URLs, the REST API and Auth answer each caller differently."""


@dataclass(frozen=True, kw_only=True)
class EdgeRule:
    """How long copies of some public objects are kept.

    Attributes:
        name: Kebab-case; responses carry it as ``x-cdn-rule``.
        bucket: The public bucket.
        suffix: End of the object's name in lower case, compared without regard to
            case; empty for every object of the bucket.
        edge_ttl_s: How long the CDN serves a copy, in seconds.
        browser_ttl_s: How long a browser does, in seconds. No purge reaches browsers.
    """

    name: str
    bucket: str
    suffix: str = ""
    edge_ttl_s: int
    browser_ttl_s: int

    @property
    def prefix(self) -> str:
        """Start of the paths of the bucket's objects.

        >>> CHART_SVGS.prefix
        '/storage/v1/object/public/report-images/'
        """
        return f"{PUBLIC_PATH}{self.bucket}/"

    @property
    def tags(self) -> tuple[str, ...]:
        """What a purge may name: this rule, or its whole bucket."""
        return (f"rule-{self.name}", f"bucket-{self.bucket}")


# Buckets and edge TTLs of the scaling plan ("CDN Setup"). Browsers keep less, since an
# object that is overwritten stays old in them whatever is purged.
CHART_SVGS = EdgeRule(
    name="chart-svgs",
    bucket="report-images",
    suffix=".svg",
    edge_ttl_s=DAY_S,
    browser_ttl_s=HOUR_S,
)
GENERATED_IMAGES = EdgeRule(
    name="generated-images",
    bucket="generated-images",
    edge_ttl_s=WEEK_S,
    browser_ttl_s=DAY_S,
)
WEBSITE_IMAGES = EdgeRule(
    name="website-images",
    bucket="website-images",
    edge_ttl_s=WEEK_S,
    browser_ttl_s=DAY_S,
)
REPORT_IMAGES = EdgeRule(
    name="report-images",
    bucket="report-images",
    edge_ttl_s=WEEK_S,
    browser_ttl_s=DAY_S,
)

EDGE_RULES: tuple[EdgeRule, ...] = (
    CHART_SVGS,
    GENERATED_IMAGES,
    WEBSITE_IMAGES,
    REPORT_IMAGES,
)
"""The first that matches counts, so a rule with a suffix stands before its bucket's."""

QUERY_PARAMETERS = ("v",)
"""Parameters that make a copy of its own, e.g. ``?v=2`` after an overwrite. With any
other each caller could fill the cache and the egress."""

NOT_FOUND_TTL_S = 60
"""How long the news that there is no such object is kept, in seconds."""

STALE_WHILE_REVALIDATE_S = HOUR_S
STALE_IF_ERROR_S = DAY_S
"""How long an expired copy is served while Supabase refuses or is away. It covers the
402 that every image answers once the egress quota is used up."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
)
"""Served with every object: on the app's own domain an SVG is a document, and whoever
may upload one could run scripts there."""

WORKER_COMPATIBILITY_DATE = "2026-04-01"
"""Behaviour of the Workers runtime that the Worker was tested with. The newest workerd
that runs on Node.js 20 (miniflare 4.20260426) refuses dates after 2026-05-03."""

CACHE_RULES_MAX_FREE = 10
"""Cache Rules of a zone on Cloudflare's Free plan (its docs, "Cache Rules")."""

EDGE_TTL_MIN_FREE_S = 7_200
"""Shortest edge TTL of a Cache Rule on the Free plan (Cloudflare cache docs, "Edge and
Browser Cache TTL", table "Edge Cache TTL")."""

WORKER_REQUESTS_PER_DAY_FREE = 100_000
"""Of an account on Workers Free, hits included (Workers docs, "Limits")."""

PUBLIC_BUCKETS: tuple[str, ...] = tuple(dict.fromkeys(r.bucket for r in EDGE_RULES))
"""The buckets that the CDN serves; their images are made smaller, too."""
