"""The alarms and charts with the thresholds of a stack's own plan."""

from dataclasses import replace

from infra.catalog.alarms import (
    ALARMS,
    DATABASE_BYTES,
    MONTH_TO_DATE_INVOCATIONS,
    REALTIME,
    Alarm,
)
from infra.catalog.charts import ROWS, Chart
from infra.catalog.limits import (
    DATABASE_SIZE,
    INVOCATIONS,
    REALTIME_CONNECTIONS,
    PlanLimit,
)

WATCHED_LIMITS = {
    DATABASE_BYTES.name: DATABASE_SIZE.name,
    MONTH_TO_DATE_INVOCATIONS.name: INVOCATIONS.name,
    REALTIME.name: REALTIME_CONNECTIONS.name,
}
"""Alarms that ring at the ``alert_at`` of a limit, and the limit of each."""


def alarms_at(limits: tuple[PlanLimit, ...]) -> tuple[Alarm, ...]:
    """Give the alarms, with the thresholds of a stack's limits."""
    return tuple(_of_alarm(each, limits) for each in ALARMS)


def rows_at(limits: tuple[PlanLimit, ...]) -> tuple[tuple[Chart, ...], ...]:
    """Give the rows of charts, with the thresholds of a stack's limits."""
    drawn = {each.metric: each.threshold for each in alarms_at(limits)}
    return tuple(
        tuple(
            chart
            if chart.threshold is None
            else replace(chart, threshold=drawn[chart.series[0].metric])
            for chart in row
        )
        for row in ROWS
    )


def _of_alarm(alarm: Alarm, limits: tuple[PlanLimit, ...]) -> Alarm:
    """Give an alarm the threshold of the limit that it watches, if it watches one."""
    alert_at = {each.name: each.alert_at for each in limits}
    watched = WATCHED_LIMITS.get(alarm.name)
    return alarm if watched is None else replace(alarm, threshold=alert_at[watched])
