"""The forecast as a plot of characters: history, interval, limits."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from deploy.forecast.outlook import Outlook
from deploy.forecast.series import Floats
from deploy.forecast.words import amount

WIDTH, HEIGHT = 78, 14
"""Columns and rows of the field; with the scale it is 91 columns wide."""

LABEL = 10


@dataclass(frozen=True, kw_only=True)
class Signs:
    """Characters of the plot."""

    past: str
    tops: str
    band: str
    middle: str
    limit: str
    alert: str
    today: str


UNICODE = Signs(
    past="█", tops=" ▁▂▃▄▅▆▇", band="░", middle="▓", limit="━", alert="╌", today="│"
)
ASCII = Signs(past="#", tops=" ", band=".", middle="o", limit="=", alert="-", today="|")


def drawn(outlook: Outlook, *, unicode: bool) -> list[str]:
    """Draw a quantity over time.

    Args:
        outlook: With futures.
        unicode: Whether the terminal shows more than ASCII.

    Returns:
        Lines; none without futures.
    """
    if outlook.paths is None:
        return []
    signs = UNICODE if unicode else ASCII
    past, fan = _columns(outlook)
    top = _top(outlook, past, fan)
    field = [[" "] * WIDTH for _ in range(HEIGHT)]
    _rule(field, outlook.limit.alert_at / top, signs.alert)
    _rule(field, outlook.limit.limit / top, signs.limit)
    for line in field:
        if line[len(past)] == " ":
            line[len(past)] = signs.today
    for column, value in enumerate(past):
        if not np.isnan(value):
            whole = _height(value / top)
            for row in range(whole):
                field[row][column] = signs.past
            rest = int((value / top * HEIGHT - whole) * len(signs.tops))
            sign = signs.tops[max(min(rest, len(signs.tops) - 1), 0)]
            field[whole][column] = field[whole][column] if sign == " " else sign
    for column, (low, middle, high) in enumerate(fan.T, start=len(past) + 1):
        for row in range(_height(low / top), _height(high / top) + 1):
            field[row][column] = signs.band
        field[_height(middle / top)][column] = signs.middle
    return [*_labelled(field, outlook, top, signs), *_legend(outlook, past, signs)]


def _columns(outlook: Outlook) -> tuple[Floats, Floats]:
    """Share the columns between past and future by their days."""
    fan = outlook.fan
    days = len(outlook.past)
    width = WIDTH - 1
    left = int(np.clip(round(width * days / (days + fan.shape[1])), 8, width - 12))
    edges = np.linspace(0, days, left + 1)
    past = np.full(left, np.nan)
    for column in range(left):
        first = int(edges[column])
        found = outlook.past[first : max(int(edges[column + 1]), first + 1)]
        if not np.isnan(found).all():
            past[column] = np.nanmean(found)
    at = np.linspace(0, fan.shape[1] - 1, width - left).round().astype(int)
    return past, fan[:, at]


def _top(outlook: Outlook, past: Floats, fan: Floats) -> float:
    """Choose the highest value that is shown: the limit, if it is not far above."""
    highest = max(float(np.nanmax(past)), float(fan[2].max()))
    quota = outlook.limit
    for bound in (quota.limit, quota.alert_at):
        if bound <= 3 * highest:
            return 1.04 * max(bound, min(highest, 1.5 * bound))
    return 1.04 * highest


def _height(share: float) -> int:
    """Give the row of a value, from below; what is higher is at the top."""
    return int(np.clip(share * HEIGHT, 0, HEIGHT - 1))


def _rule(field: list[list[str]], share: float, sign: str) -> None:
    """Draw a limit, where it is in the field."""
    if share <= 1:
        field[_height(share)] = [sign] * WIDTH


def _labelled(
    field: list[list[str]], outlook: Outlook, top: float, signs: Signs
) -> list[str]:
    """Write the field from above, with a scale and the names of the limits."""
    unit = outlook.limit.unit
    names = {
        _height(bound / top): (name, sign)
        for bound, name, sign in (
            (outlook.limit.alert_at, " alert ", signs.alert),
            (outlook.limit.limit, " limit ", signs.limit),
        )
        if bound <= top
    }
    lines = []
    for row in reversed(range(HEIGHT)):
        text = "".join(field[row])
        label = ""
        if row in names:
            name, sign = names[row]
            text = text.replace(sign * (len(name) + 2), sign + name + sign, 1)
            is_limit = name == " limit "
            value = outlook.limit.limit if is_limit else outlook.limit.alert_at
            label = amount(value, unit)
        elif row in (0, HEIGHT // 2):
            label = amount((row + 0.5) / HEIGHT * top if row else 0, unit)
        lines.append(f"{label:>{LABEL}} {text.rstrip()}")
    return lines


def _legend(outlook: Outlook, past: Floats, signs: Signs) -> list[str]:
    """Write the days below, and what the signs mean."""
    history = outlook.history
    first, last = history.first_day, history.day(outlook.fan.shape[1])
    line = _dates(first, history.last_day, last, len(past))
    told = (
        f"{signs.past} measured  {signs.middle} most likely"
        f"  {signs.band} 90 % of the futures"
    )
    return [f"{'':>{LABEL}} {line}", f"{'':>{LABEL}} {told}"]


def _dates(first: date, today: date, last: date, column: int) -> str:
    """Write three days below their columns, the first only if there is room."""
    middle = max(column - 5, 0)
    line = [" "] * WIDTH
    for start, day in ((0, first), (middle, today), (WIDTH - 10, last)):
        is_free = start != 0 or middle > 11
        if (is_free or day == today) and (start == WIDTH - 10 or start < WIDTH - 21):
            line[start : start + 10] = day.isoformat()
    return "".join(line).rstrip()
