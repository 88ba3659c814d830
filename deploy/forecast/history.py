"""What the hourly snapshots say of the past, by day; read in two queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg
from psycopg.rows import dict_row

from deploy.errors import DeployError
from deploy.forecast.series import Series

Connection = psycopg.Connection[tuple[object, ...]]

DAYS_MIN = 7
"""Days that a forecast takes, with a snapshot on five of them at least: of fewer days
nobody can tell the rhythm of a week from growth."""

SEEN_MIN = 5
HISTORY_DAYS = 400
"""As long as `kiloscale.snapshot_health` keeps them."""

DAILY = """
select (taken_at at time zone 'UTC')::date as day,
       count(*) as snapshots,
       (percentile_disc(0.5) within group (order by database_bytes))::float8 as bytes,
       min(taken_at) as first_at,
       max(taken_at) as last_at
  from kiloscale.health_snapshots
 where taken_at > now() - make_interval(days => %(days)s)
 group by 1
 order by 1
"""

# The newest snapshot of each day. `folded` has each table with its partitions under one
# name; `tables`, all that older snapshots have, the twenty largest partitions.
PARTS = """
with newest as (
    select distinct on (1) (taken_at at time zone 'UTC')::date as day, detail
      from kiloscale.health_snapshots
     where taken_at > now() - make_interval(days => %(days)s)
       and jsonb_typeof(detail -> 'tables') = 'array'
     order by 1, taken_at desc
)
select n.day, p.part, sum(t.bytes)::float8 as bytes
  from newest n
 cross join lateral (
    select f.key as name, (f.value ->> 'bytes')::bigint as bytes
      from jsonb_each(n.detail -> 'folded') f
     union all
    select l ->> 'table', (l ->> 'bytes')::bigint
      from jsonb_array_elements(n.detail -> 'tables') l
     where n.detail -> 'folded' is null
 ) t
  join (values %(parts)s) p (part, pattern) on t.name ~ p.pattern
 group by 1, 2
 order by 1
"""

PATTERNS = {
    "messages": r"^(public|kiloscale)\.messages(_p.*|_h?[0-9]+)?$",
    "archive": r"^kiloscale\.messages_archive",
    "memories": r"^(public\.)?user_memory$",
    "logs": r"^(public|kiloscale)\.edge_function_logs",
}
"""Parts of the database, by the names of their tables, partitions included."""

NOW = """
select to_regclass('kiloscale.health_snapshots') is not null as has_snapshots,
       pg_database_size(current_database())::float8 as bytes,
       now() as now
"""


@dataclass(frozen=True, kw_only=True)
class History:
    """What is known of one quantity.

    Attributes:
        series: By day; the last day is today.
        first_day: Day of the first value.
        now: Value of this moment.
        snapshots: How many values were read.
        newest_at: When the newest was taken; ``None`` if there is none.
        lacks: What is missing for a forecast; empty if nothing is.
    """

    series: Series
    first_day: date
    now: float
    snapshots: int
    newest_at: datetime | None
    lacks: str = ""

    @property
    def last_day(self) -> date:
        """The day from which the forecast goes on."""
        return self.first_day + timedelta(days=self.series.days - 1)

    @property
    def missing_days(self) -> int:
        """Days without a value."""
        return int((~self.series.seen).sum())

    def day(self, days_from_now: int) -> date:
        """Give the date of a day of the forecast."""
        return self.last_day + timedelta(days=days_from_now)


def database(connection: Connection) -> History:
    """Read the history of the database's size.

    Raises:
        DeployError: The database has no snapshots' table.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        [present] = cursor.execute(NOW).fetchall()
        if not present["has_snapshots"]:
            raise DeployError(
                "the database has no kiloscale.health_snapshots: the migrations are"
                " not applied, so nobody has recorded its size",
                remedy="./bootstrap deploy --only migrations,crons",
            )
        rows = cursor.execute(DAILY, {"days": HISTORY_DAYS}).fetchall()
    values = {row["day"]: row["bytes"] for row in rows}
    count = sum(row["snapshots"] for row in rows)
    newest = rows[-1]["last_at"] if rows else None
    today = present["now"].astimezone(UTC).date()
    # Of today the size of this moment: the forecast goes on from there.
    values[today] = present["bytes"]
    since = rows[0]["first_at"] if rows else None
    hours = (present["now"] - since).total_seconds() / 3600 if since else 0.0
    return History(
        series=by_day(values, today),
        first_day=min(values),
        now=present["bytes"],
        snapshots=count,
        newest_at=newest,
        lacks=lacking(hours, len(rows)),
    )


def parts(connection: Connection) -> dict[str, History]:
    """Read the history of the parts of the database that the snapshots list."""
    values = ", ".join(["(%s, %s)"] * len(PATTERNS))
    query = PARTS.replace("%(parts)s", values).replace("%(days)s", str(HISTORY_DAYS))
    named = [text for pair in PATTERNS.items() for text in pair]
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query.encode(), named).fetchall()
    found: dict[str, dict[date, float]] = {}
    for row in rows:
        found.setdefault(row["part"], {})[row["day"]] = row["bytes"]
    return {name: _part(found[name]) for name in PATTERNS if found.get(name)}


def by_day(values: Mapping[date, float], until: date) -> Series:
    """Lay values out by day, up to a day that has one."""
    first = min(values)
    laid = np.full((until - first).days + 1, np.nan)
    for day, value in values.items():
        laid[(day - first).days] = value
    return Series(values=laid, first_weekday=first.weekday())


def lacking(hours: float, days: int) -> str:
    """Say what is missing for a forecast; nothing if it is enough.

    >>> lacking(26, 2)
    'too little: 26 h of 168 h needed'
    >>> lacking(200, 2)
    'too little: snapshots on 2 of 5 days needed'
    """
    if hours < DAYS_MIN * 24:
        return f"too little: {hours:.0f} h of {DAYS_MIN * 24} h needed"
    if days < SEEN_MIN:
        return f"too little: snapshots on {days} of {SEEN_MIN} days needed"
    return ""


def _part(values: Mapping[date, float]) -> History:
    """Make the history of a part."""
    days: Sequence[date] = sorted(values)
    hours = 24.0 * (days[-1] - days[0]).days
    return History(
        series=by_day(values, days[-1]),
        first_day=days[0],
        now=values[days[-1]],
        snapshots=len(values),
        newest_at=None,
        lacks=lacking(hours, len(days)),
    )
