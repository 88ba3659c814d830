"""The front of the functions: which names it answers for, and who else does."""

from infra.catalog.services import SERVICES, Service

BASE = "/functions/v1"
"""Path below which the front, the function URLs and Supabase have the functions."""

SHARED = ("chat-send",)
"""Names that the app's present functions have as well. Only their requests are shared
out; what the app has no function for is ours at any share."""

PRESENT_TIMEOUT_S = 155
"""Longest wait for the present functions: Supabase ends a request at 150 s (Supabase
docs, "Edge Functions", "Limits")."""

MARGIN_S = 5
"""What the front waits longer than a function may run, so that its answer wins."""


def public_services() -> dict[str, Service]:
    """Give the services with a route, by the last part of its path."""
    return {
        service.route[1].removeprefix(f"{BASE}/"): service
        for service in SERVICES
        if service.route
    }


def timeouts_s() -> dict[str, int]:
    """Give how long the front waits for an answer, by name of ours and ``present``."""
    waits = {
        name: service.timeout_s + MARGIN_S
        for name, service in public_services().items()
    }
    return {**waits, "present": PRESENT_TIMEOUT_S}
