"""When a pg_cron schedule is due.

pg_cron reads its five fields as Vixie cron does, and so does cronsim: where both
day-of-month and day-of-week are restricted, a day that matches either is due. pg_cron
writes ``$`` for the last day of a month, and accepts a schedule that is never due, such
as ``0 4 31 2 *``.
"""

import re
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

NOT_OF_PG_CRON = re.compile(r"(^|[\s,-])\d*L(W|\b)|#")
"""The last day, the last weekday and the n-th weekday: cronsim's alone."""


class ScheduleError(ValueError):
    """A schedule is none that pg_cron could read."""


def next_due(
    schedule: str, after: datetime, zone: ZoneInfo, count: int = 3
) -> list[datetime]:
    """Give the next times at which a schedule is due, in UTC.

    Args:
        schedule: As in ``cron.job.schedule``.
        after: Aware time; times after it are given.
        zone: Time zone in which pg_cron reads the schedule.
        count: How many times to give.

    Returns:
        Ascending; empty if the schedule is never due.

    Raises:
        ScheduleError: The schedule cannot be read.
    """
    return _walk(schedule, after, zone, count, backwards=False)


def previous_due(schedule: str, before: datetime, zone: ZoneInfo) -> datetime | None:
    """Give the last time before ``before`` at which a schedule was due, in UTC.

    Returns:
        ``None`` if the schedule is never due.

    Raises:
        ScheduleError: The schedule cannot be read.
    """
    times = _walk(schedule, before, zone, 1, backwards=True)
    return times[0] if times else None


def problem(schedule: str, now: datetime) -> str | None:
    """Say what is wrong with a schedule that is to be declared, or ``None``.

    Args:
        schedule: As it would stand in ``cron.job.schedule``.
        now: Aware time after which it must be due at some time.
    """
    fields = SHORTHANDS.get(schedule.strip(), schedule).split()
    if len(fields) != 5 or NOT_OF_PG_CRON.search(schedule):
        return f"must be five fields that pg_cron reads, e.g. 0 2 * * *, got {schedule}"
    try:
        due = next_due(schedule, now, ZoneInfo("UTC"), count=1)
    except ScheduleError as error:
        return str(error)
    return None if due else f"{schedule} is never due: no month has such a day"


def _walk(
    schedule: str, start: datetime, zone: ZoneInfo, count: int, *, backwards: bool
) -> list[datetime]:
    """Take the first due times from a start, in one direction."""
    expression = SHORTHANDS.get(schedule.strip(), schedule).replace("$", "L")
    try:
        times = CronSim(expression, start.astimezone(zone), backwards)
        return [due.astimezone(UTC) for due in islice(times, count)]
    except CronSimError as error:
        if _is_readable_in_some_month(expression, start):
            return []
        raise ScheduleError(f"{schedule!r} is not a cron schedule: {error}") from error


def _is_readable_in_some_month(expression: str, start: datetime) -> bool:
    """Whether only the month keeps the day of a schedule from ever coming."""
    fields = expression.split()
    if len(fields) != 5 or fields[3] == "*":
        return False
    fields[3] = "*"
    try:
        CronSim(" ".join(fields), start)
    except CronSimError:
        return False
    return True
