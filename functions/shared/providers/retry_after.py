"""When a provider that is busy wants to be asked again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def header_s(headers: Mapping[str, str]) -> float:
    """Read ``Retry-After``, in seconds; 0 without one that can be read.

    Args:
        headers: Of the answer; a dict of httpx knows names in any case.
    """
    value = headers.get("retry-after", "").strip()
    seconds = _seconds(value)
    if seconds is not None or not value:
        return seconds or 0.0
    return _until(value)


def details_s(details: Any) -> float:
    """Read Google's ``RetryInfo`` from the body of an error, in seconds.

    >>> details_s({"error": {"details": [{"@type": RETRY_INFO, "retryDelay": "34s"}]}})
    34.0
    """
    body = details.get("error") if isinstance(details, dict) else None
    entries = body.get("details") if isinstance(body, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("@type") == RETRY_INFO:
            return _seconds(str(entry.get("retryDelay")).removesuffix("s")) or 0.0
    return 0.0


def _seconds(text: str) -> float | None:
    """Read a number of seconds, at least 0; ``None`` if it is none."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return max(seconds, 0.0) if isfinite(seconds) else None


def _until(date: str) -> float:
    """Give the time until an HTTP date, in seconds; 0 if it is none or past."""
    # Imported here, because only a date needs it: a cold start does not.
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    left = at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)
    return max(left.total_seconds(), 0.0)
