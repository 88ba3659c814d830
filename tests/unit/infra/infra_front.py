"""The whole program, recorded with a front; once for each configuration."""

from functools import cache
from typing import Any

from infra_recording import config, record

from deploy.planning.recording import whole_program
from infra.policies.resources import Resources

CLOUDFRONT = (
    ("front", "cloudfront"),
    ("apiDomain", "api.example.com"),
    ("cutoverPercent", "5"),
    ("route53ZoneId", "Z0123456789ABC"),
)
WORKER = (
    ("front", "worker"),
    ("apiDomain", "api.example.com"),
    ("cutoverPercent", "5"),
    ("cloudflareAccountId", "a" * 32),
    ("cloudflareZoneId", "b" * 32),
)


@cache
def recorded(
    changes: tuple[tuple[str, str], ...], *, preview: bool = False
) -> tuple[Resources, dict[str, Any]]:
    """Record the program with some values; do not change what is given back."""
    return record(whole_program, values=config(**dict(changes)), preview=preview)
