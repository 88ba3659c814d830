"""One measured value, or the reason why there is none."""

from typing import Any

import msgspec


class Metric(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was measured.

    Attributes:
        value: The value; ``None`` if it is not known, which is never a zero.
        reason: Why it is not known here, though nothing failed.
        error: What failed.
        limit: The plan's limit, where there is one.
        alert_at: The value above which to alert, likewise.
    """

    value: Any
    reason: str | None = None
    error: str | None = None
    limit: int | None = None
    alert_at: int | None = None


def unknown(reason: str) -> Metric:
    """Say why a value is not known here."""
    return Metric(value=None, reason=reason)


def failed(error: Exception) -> Metric:
    """Say what failed. The queries here read no row of a user that it could quote."""
    first_line = (str(error).strip().splitlines() or [""])[0]
    return Metric(value=None, error=f"{type(error).__name__}: {first_line[:200]}")
