"""The charts of the dashboard: what to look at when something feels wrong.

A row answers one question: is a limit close, do the functions work, does work wait.
"""

from dataclasses import dataclass
from typing import Literal

from infra.catalog.alarms import (
    CRON_FAILURES,
    DATABASE_BYTES,
    MONTH_TO_DATE_INVOCATIONS,
    OUTBOX_AGE,
    REALTIME,
    Alarm,
)
from infra.catalog.queues import QUEUES
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES

Statistic = Literal["Maximum", "Sum", "p95"]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart.

    Attributes:
        metric: Name of the metric.
        namespace: Its CloudWatch namespace; empty is the stack's own.
        dimension: Name of its one dimension.
        watched: Kebab-case name of the resource that the dimension names; empty is
            the stack itself.
        statistic: How the data of a period become one value.
    """

    metric: str
    namespace: str = ""
    dimension: str = "Stack"
    watched: str = ""
    statistic: Statistic = "Maximum"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart.

    Attributes:
        title: What it shows, with the unit.
        series: Its lines.
        threshold: Drawn as a line: above it an alarm rings; ``None`` for none.
        period_s: Length of a period, in seconds.
    """

    title: str
    series: tuple[Series, ...]
    threshold: int | None = None
    period_s: int = 300


def _of_gauge(title: str, alarm: Alarm) -> Chart:
    """Chart what an alarm watches, with its threshold."""
    series = Series(metric=alarm.metric, statistic="Maximum")
    return Chart(
        title=title,
        series=(series,),
        threshold=alarm.threshold,
        period_s=alarm.period_s,
    )


def _of_services(title: str, metric: str, statistic: Statistic) -> Chart:
    """Chart a metric of Lambda, a line for each function."""
    return Chart(
        title=title,
        series=tuple(
            Series(
                metric=metric,
                namespace="AWS/Lambda",
                dimension="FunctionName",
                watched=service.name,
                statistic=statistic,
            )
            for service in SERVICES
        ),
    )


def _of_queues(title: str, metric: str, names: tuple[str, ...]) -> Chart:
    """Chart a metric of SQS, a line for each queue."""
    return Chart(
        title=title,
        series=tuple(
            Series(
                metric=metric, namespace="AWS/SQS", dimension="QueueName", watched=name
            )
            for name in names
        ),
    )


_WORK = tuple(queue.name for queue in QUEUES)
_DEAD = tuple(f"{name}-dead-letters" for name in _WORK) + tuple(
    f"{schedule.name}-dead-letters" for schedule in SCHEDULES
)

ROWS: tuple[tuple[Chart, ...], ...] = (
    (
        _of_gauge("Database size (bytes)", DATABASE_BYTES),
        _of_gauge("Invocations this month", MONTH_TO_DATE_INVOCATIONS),
        _of_gauge("Realtime connections", REALTIME),
    ),
    (
        _of_services("Invocations", "Invocations", "Sum"),
        _of_services("Errors", "Errors", "Sum"),
        _of_services("Duration p95 (ms)", "Duration", "p95"),
    ),
    (
        _of_services("Concurrent executions", "ConcurrentExecutions", "Maximum"),
        _of_services("Throttled invocations", "Throttles", "Sum"),
        _of_gauge("Failed pg_cron jobs", CRON_FAILURES),
    ),
    (
        _of_gauge("Oldest outbox row (s)", OUTBOX_AGE),
        _of_queues("Oldest message (s)", "ApproximateAgeOfOldestMessage", _WORK),
        _of_queues("Dead letters", "ApproximateNumberOfMessagesVisible", _DEAD),
    ),
)
