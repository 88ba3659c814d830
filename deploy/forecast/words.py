"""How numbers and days are written."""

from deploy.forecast.dates import When
from deploy.forecast.history import History

SCALES = ((1024.0**4, "TiB"), (1024.0**3, "GiB"), (1024.0**2, "MiB"), (1024.0, "KiB"))


def amount(value: float, unit: str = "bytes") -> str:
    """Write an amount with three digits.

    >>> amount(8 * 1024**3), amount(-4_500_000), amount(12), amount(750_000, "calls")
    ('8.00 GiB', '-4.29 MiB', '12 B', '750,000')
    """
    if unit != "bytes":
        return f"{value:,.0f}"
    for scale, name in SCALES:
        if abs(value) >= scale:
            number = value / scale
            digits = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
            return f"{number:.{digits}f} {name}"
    return f"{_plain(value, 0)} B"


def ranged(low: float, middle: float, high: float, unit: str = "bytes") -> str:
    """Write what is most likely, and the interval in the same scale.

    >>> ranged(5_000_000, 6_000_000, 8_000_000)
    '5.72 MiB (4.77 to 7.63)'
    >>> ranged(-3, 120, 1_400, "calls")
    '120 (-3 to 1,400)'
    """
    if unit != "bytes":
        return f"{middle:,.0f} ({low:,.0f} to {high:,.0f})"
    told = amount(middle)
    number, name = told.split()
    scale = next((size for size, each in SCALES if each == name), 1.0)
    digits = len(number.partition(".")[2])
    lower, higher = (_plain(each / scale, digits) for each in (low, high))
    return f"{told} ({lower} to {higher})"


def _plain(value: float, digits: int) -> str:
    """Write a number, without a minus before nothing."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def signed(value: float, unit: str = "bytes") -> str:
    """Write an amount with its sign.

    >>> signed(1024), signed(-1024)
    ('+1.00 KiB', '-1.00 KiB')
    """
    return f"{'+' if value >= 0 else ''}{amount(value, unit)}"


def date_of(history: History, days: int | None) -> str:
    """Write a day of the forecast; ``later`` is beyond the horizon."""
    return "later" if days is None else history.day(days).isoformat()


def when(history: History, found: When, horizon: int) -> str:
    """Write when something is reached, the interval of 90 % in brackets."""
    if found.likely == 0:
        return "reached"
    if found.early is None:
        return f"not within {horizon} days ({_percent(found.share)} likely)"
    early, late = (date_of(history, each) for each in (found.early, found.late))
    likely = (
        f"not within {horizon} days"
        if found.likely is None
        else date_of(history, found.likely)
    )
    return f"{likely} ({early} to {late})"


def _percent(share: float) -> str:
    """Write a small share.

    >>> _percent(0.0), _percent(0.004), _percent(0.03)
    ('under 1 %', 'under 1 %', '3 %')
    """
    return "under 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
