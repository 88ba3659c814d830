"""Histories of what the snapshots do not hold: storage and invocations."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from psycopg.rows import dict_row

from deploy.forecast.history import HISTORY_DAYS, Connection, History, by_day, lacking

READABLE = """
select to_regclass('storage.objects') is not null as is_there,
       coalesce(has_table_privilege(to_regclass('storage.objects'), 'select'), false)
           as may_read
"""

# Objects that were deleted are in no history: an app that deletes many grew more slowly
# than this says.
OBJECTS = """
select greatest((o.created_at at time zone 'UTC')::date,
                (now() at time zone 'UTC')::date - %(days)s) as day,
       sum((o.metadata ->> 'size')::bigint)::float8 as bytes, count(*) as objects
  from storage.objects o
 group by 1
 order by 1
"""


class Unknown(Exception):  # noqa: N818 - it is no failure
    """A quantity has no history; the text says why."""


def storage(connection: Connection) -> History:
    """Read the objects of Supabase's storage by the day they were made.

    Raises:
        Unknown: There are none, or the role may not read them.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        [present] = cursor.execute(READABLE).fetchall()
        if not present["is_there"]:
            raise Unknown("this database has no storage.objects")
        if not present["may_read"]:
            raise Unknown("the role may not read storage.objects")
        rows = cursor.execute(OBJECTS, {"days": HISTORY_DAYS}).fetchall()
    if not rows:
        raise Unknown("no object is stored yet")
    today = datetime.now(UTC).date()
    made = {row["day"]: row["bytes"] or 0.0 for row in rows}
    days = (today - min(made)).days
    total = np.cumsum(
        [made.get(min(made) + timedelta(days=each), 0.0) for each in range(days + 1)]
    )
    values = {
        min(made) + timedelta(days=each): float(value)
        for each, value in enumerate(total)
    }
    return _history(values, today, sum(row["objects"] for row in rows))


def invocations(cloudwatch: Any) -> History:
    """Read the invocations of all functions of account and region, by day.

    Args:
        cloudwatch: Client of CloudWatch; it keeps daily sums for 455 days.

    Raises:
        Unknown: CloudWatch has none.
    """
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    query = {
        "Id": "invocations",
        "MetricStat": {
            "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Invocations"},
            "Period": 86_400,
            "Stat": "Sum",
        },
    }
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query],
        StartTime=until - timedelta(days=HISTORY_DAYS),
        EndTime=until,
        ScanBy="TimestampAscending",
    )
    [found] = answer["MetricDataResults"]
    values = {
        at.astimezone(UTC).date(): float(value)
        for at, value in zip(found["Timestamps"], found["Values"], strict=True)
    }
    if not values:
        raise Unknown("CloudWatch has no invocations yet")
    # Whole days only: today's sum is not complete.
    yesterday = (until - timedelta(days=1)).date()
    values.setdefault(yesterday, 0.0)
    return _history(values, yesterday, len(values))


def _history(values: dict[date, float], until: date, count: int) -> History:
    """Make a history of daily values."""
    days = (until - min(values)).days
    return History(
        series=by_day(values, until),
        first_day=min(values),
        now=values[until],
        snapshots=count,
        newest_at=None,
        lacks=lacking(24.0 * days, days + 1),
    )
