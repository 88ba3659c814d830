"""Rules on expressions of time: AWS and pg_cron refuse a wrong one, nothing else does.

The emulator and the CloudFormation schemas accept what looks like an expression.
"""

import re
from calendar import month_abbr
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from infra.policies.resources import Finding, Resources, Rule, is_known

RATE = re.compile(
    r"rate\((?:1 (?:minute|hour|day)|(?!1 )[1-9]\d* (?:minutes|hours|days))\)"
)
"""A rate of 1 takes the singular (EventBridge Scheduler user guide, "Schedule
types")."""

MONTHS = {name.upper(): number for number, name in enumerate(month_abbr) if name}
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a cron expression.

    Attributes:
        name: What it counts.
        low: Its least number.
        high: Its largest number.
        names: Names that stand for numbers.
        special: Pattern of what else it may be.
    """

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)
    special: str = r"(?!)"


SCHEDULER = (
    Field(name="minutes", low=0, high=59),
    Field(name="hours", low=0, high=23),
    Field(
        name="day of month",
        low=1,
        high=31,
        special=r"\?|L|LW|(?:[1-9]|[12]\d|3[01])W",
    ),
    Field(name="month", low=1, high=12, names=MONTHS),
    Field(
        name="day of week",
        low=1,
        high=7,
        names={day: number for number, day in enumerate(DAYS, 1)},
        special=r"\?|L|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:L|#[1-5])",
    ),
    Field(name="year", low=1970, high=2199),
)
"""EventBridge Scheduler user guide, "Cron-based schedules"."""

PG_CRON = (
    Field(name="minutes", low=0, high=59),
    Field(name="hours", low=0, high=23),
    Field(name="day of month", low=1, high=31, special=r"\$"),
    Field(name="month", low=1, high=12, names=MONTHS),
    Field(
        name="day of week",
        low=0,
        high=7,
        names={day: number for number, day in enumerate(DAYS)},
    ),
)
"""README of pg_cron: ``$`` is the last day of a month."""

SECONDS = re.compile(r"(?:[1-9]|[1-5]\d) seconds")


def schedules_are_valid(resources: Resources) -> Iterator[Finding]:
    """Find schedules that AWS refuses; the emulator accepts them."""
    for schedule in resources.of("scheduler/schedule:Schedule"):
        text = schedule.get("scheduleExpression")
        if is_known(text) and (wrong := scheduler_problem(str(text))):
            what = f"{text}: {wrong}; AWS refuses it"
            yield schedule.finding(schedules_are_valid, what)


def pg_cron_jobs_are_valid(resources: Resources) -> Iterator[Finding]:
    """Find database jobs whose schedule pg_cron refuses."""
    for job in resources:
        if not job.type.endswith("kiloscale:PgCronJob"):
            continue
        text = job.get("schedule")
        if is_known(text) and (wrong := pg_cron_problem(str(text))):
            what = f"{text}: {wrong}; cron.schedule refuses it"
            yield job.finding(pg_cron_jobs_are_valid, what)


def scheduler_problem(text: str) -> str | None:
    """Say what is wrong with an expression of EventBridge Scheduler.

    >>> scheduler_problem("cron(0 2 * * ? *)")
    >>> scheduler_problem("cron(0 2 * * * *)")
    'of day of month and day of week exactly one must be ?'
    """
    if text.startswith("rate("):
        good = RATE.fullmatch(text)
        return None if good else "a rate is rate(1 hour) or rate(2 hours)"
    if text.startswith("at("):
        return _at_problem(text)
    inside = re.fullmatch(r"cron\((.*)\)", text)
    if not inside:
        return "neither rate(1 hour), at(2030-01-01T00:00:00) nor cron(6 fields)"
    wrong = _fields_problem(inside[1], SCHEDULER)
    if wrong:
        return wrong
    fields = inside[1].split()
    if (fields[2] == "?") == (fields[4] == "?"):
        return "of day of month and day of week exactly one must be ?"
    return None


def pg_cron_problem(text: str) -> str | None:
    """Say what is wrong with a schedule of pg_cron.

    >>> pg_cron_problem("30 seconds")
    >>> pg_cron_problem("0 24 * * *")
    'hours: 24 is not from 0 to 23'
    """
    return None if SECONDS.fullmatch(text) else _fields_problem(text, PG_CRON)


def _at_problem(text: str) -> str | None:
    """Say what is wrong with a single point in time."""
    try:
        datetime.strptime(text, "at(%Y-%m-%dT%H:%M:%S)")  # noqa: DTZ007  # only checked
    except ValueError:
        return "not of the form at(2030-01-01T00:00:00)"
    return None


def _fields_problem(text: str, fields: tuple[Field, ...]) -> str | None:
    """Say what is wrong with the fields of a cron expression."""
    given = text.split()
    if len(given) != len(fields):
        return f"has {len(given)} fields and needs {len(fields)}"
    for value, known in zip(given, fields, strict=True):
        for item in value.split(","):
            if wrong := _item_problem(item, known):
                return f"{known.name}: {wrong}"
    return None


def _item_problem(item: str, known: Field) -> str | None:
    """Say what is wrong with one item of a field's list."""
    if re.fullmatch(known.special, item, re.IGNORECASE):
        return None
    span, slash, step = item.partition("/")
    if slash and not (step.isdigit() and 1 <= int(step) <= known.high):
        return f"{item} has no step from 1 to {known.high}"
    if span == "*":
        return None
    ends = [known.names.get(end.upper(), end) for end in span.split("-")]
    for end in ends:
        if not str(end).isdigit() or not known.low <= int(end) <= known.high:
            return f"{end} is not from {known.low} to {known.high}"
    if len(ends) > 2 or (len(ends) == 2 and int(ends[0]) > int(ends[1])):
        return f"{item} is no range"
    return None


RULES: tuple[Rule, ...] = (schedules_are_valid, pg_cron_jobs_are_valid)
