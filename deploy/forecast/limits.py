"""The limits that are forecast: the stack's own, or others to try."""

import re
from collections.abc import Sequence
from dataclasses import replace

from deploy.errors import UsageError
from infra.catalog.hosting import STORAGE_SIZE
from infra.catalog.limits import (
    DATABASE_SIZE,
    GIB,
    INVOCATIONS,
    REALTIME_CONNECTIONS,
    PlanLimit,
)

NAMES = (DATABASE_SIZE.name, STORAGE_SIZE.name, INVOCATIONS.name)
"""What ``--limit`` may name: what has a history."""

MAX = 10**15
UNITS = {
    "": 1,
    "kib": 1024,
    "mib": 1024**2,
    "gib": GIB,
    "tib": 1024**4,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
}
VALUE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)")


def of_stack(stack: str, given: Sequence[str] = ()) -> dict[str, PlanLimit]:
    """Give the limits of a stack by name.

    Args:
        stack: Its name.
        given: ``NAME=VALUE`` each, which are tried in place of the stack's own.

    Raises:
        UsageError: One cannot be read.
    """
    from deploy.sizes import size_of

    limits = {each.name: each for each in size_of(stack).limits}
    limits.setdefault(STORAGE_SIZE.name, STORAGE_SIZE)
    for text in given:
        name, value = parsed(text)
        usual = limits[name]
        alert_at = round(value * usual.alert_at / usual.limit)
        limits[name] = replace(usual, limit=value, alert_at=alert_at)
    return limits


def parsed(text: str) -> tuple[str, int]:
    """Read ``NAME=VALUE``.

    >>> parsed("database_bytes=16GiB")
    ('database_bytes', 17179869184)

    Raises:
        UsageError: The name is unknown, or the value is no number in its range.
    """
    name, _, value = (each.strip() for each in text.partition("="))
    if name == REALTIME_CONNECTIONS.name:
        raise _refused(text, "realtime connections have no history to forecast")
    if name not in NAMES:
        raise _refused(text, f"no limit named {name!r}; known: {', '.join(NAMES)}")
    found = VALUE.fullmatch(value)
    factor = UNITS.get(found[2].lower()) if found else None
    if not found or not factor:
        raise _refused(text, "the value must be a number, with GiB or GB for bytes")
    number = round(float(found[1]) * factor)
    if not 1 <= number <= MAX:
        raise _refused(text, f"the value must be from 1 to {MAX}, got {number}")
    return name, number


def _refused(text: str, why: str) -> UsageError:
    """Say what is wrong with a ``--limit``."""
    return UsageError(
        f"--limit {text}: {why}; nothing was read",
        remedy="./bootstrap db.forecast --limit database_bytes=16GiB",
    )
