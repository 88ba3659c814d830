"""Sizes, counts and durations, written for a person."""

from datetime import timedelta

KIB = 1024
DAY_S = 86_400


def size(count: float) -> str:
    """Write a number of bytes.

    >>> size(812), size(8192), size(125_304_832), size(-3_500_000_000)
    ('812 B', '8.0 KiB', '120 MiB', '-3.3 GiB')
    """
    sign, count = ("-" if count < 0 else ""), abs(count)
    unit = "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if count < KIB:
            break
        count, unit = count / KIB, larger
    number = f"{count:.0f}" if unit == "B" or count >= 10 else f"{count:.1f}"
    return f"{sign}{number} {unit}"


def number(count: float) -> str:
    """Write a count.

    >>> number(999), number(30_000), number(1_998_396)
    ('999', '30,000', '2.0 M')
    """
    return f"{count / 1e6:.1f} M" if count >= 1_000_000 else f"{count:,.0f}"


def duration(time: timedelta) -> str:
    """Write a duration by its largest unit.

    >>> duration(timedelta(days=12, hours=3)), duration(timedelta(minutes=7))
    ('12 d', '7 min')
    """
    seconds = time.total_seconds()
    for unit, length in (("d", DAY_S), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (unit == "min" and seconds >= length):
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
