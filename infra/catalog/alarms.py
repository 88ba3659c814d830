"""The alarms: what is watched, above which value it rings, and what silence means.

Each compares one metric with one threshold. Rates by metric math would be finer on
errors, but nothing short of AWS evaluates them, so they could not be proved.
"""

from dataclasses import dataclass
from typing import Literal

from infra.catalog.limits import (
    DATABASE_SIZE,
    HOUR_S,
    INVOCATIONS,
    REALTIME_CONNECTIONS,
)
from infra.catalog.queues import QUEUES
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES

Missing = Literal["breaching", "notBreaching", "missing"]
"""What a period without data counts as; ``missing`` leads to INSUFFICIENT_DATA."""

FIVE_MINUTES_S = 300

WINDOW_S_MAX = 86_400
"""Periods times their length for periods below an hour (PutMetricAlarm, "Period")."""

OUTBOX_AGE_S_MAX = 900
"""The relay sends after 60 s and then each minute: a row of 15 minutes has failed
several times. The same as in ``functions/health_check/health.py``."""

ERRORS_OF_CALLED = 5
"""Errors in 5 minutes that requests and messages may cause: each is tried again."""

ERRORS_OF_SCHEDULED = 1
"""Two in 5 minutes are a run and its one retry: nothing else does that work."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One metric alarm; it rings above its threshold.

    Attributes:
        name: Kebab-case name; the physical name has the project and stack before it.
        summary: What it means and what to do; sent with each notification.
        metric: Name of the metric.
        namespace: Its CloudWatch namespace; empty is the stack's own.
        dimension: Name of its one dimension.
        watched: Kebab-case name of the resource that the dimension names; empty is
            the stack itself.
        statistic: ``Maximum`` or ``Sum`` of a period.
        threshold: Rings above it; in the metric's unit.
        period_s: Length of a period, in seconds.
        periods: The last periods that are looked at.
        periods_to_alarm: How many of them must be above the threshold.
        missing: What a period without data counts as.
    """

    name: str
    summary: str
    metric: str
    namespace: str = ""
    dimension: str = "Stack"
    watched: str = ""
    statistic: Literal["Maximum", "Sum"] = "Maximum"
    threshold: int
    period_s: int = HOUR_S
    periods: int = 1
    periods_to_alarm: int = 1
    missing: Missing

    def __post_init__(self) -> None:
        """Refuse what PutMetricAlarm would refuse, or read in another way.

        Raises:
            ValueError: A value is out of its range; names the alarm and the range.
        """
        if self.period_s < 60 or self.period_s % 60:
            raise ValueError(
                f"alarm {self.name}: period_s must be a multiple of 60, got"
                f" {self.period_s}"
            )
        if self.periods * self.period_s > WINDOW_S_MAX:
            raise ValueError(
                f"alarm {self.name}: {self.periods} periods of {self.period_s} s are"
                f" more than {WINDOW_S_MAX} s"
            )
        if not 1 <= self.periods_to_alarm <= self.periods:
            raise ValueError(
                f"alarm {self.name}: periods_to_alarm must be between 1 and"
                f" {self.periods}, got {self.periods_to_alarm}"
            )


DATABASE_BYTES = Alarm(
    name="database-size",
    summary="The database is above 75 % of its plan. Archive or delete, or take a"
    " larger plan. Without data: the health check cannot reach the database.",
    metric="DatabaseBytes",
    threshold=DATABASE_SIZE.alert_at,
    # The health check leaves the gauge out only if the database does not answer it.
    missing="breaching",
)
MONTH_TO_DATE_INVOCATIONS = Alarm(
    name="invocations-month",
    summary="The functions ran more often this month than 75 % of the plan. Look for"
    " a loop or a retry storm. Without data: the health check does not run.",
    # No alarm can look back a month (7 days at most): the health check adds them up.
    metric="MonthToDateInvocations",
    threshold=INVOCATIONS.alert_at,
    # It is published at each run, also if the database is away: silence means that the
    # health check is dead, and nobody else would say so. The alarm of a new stack can
    # therefore ring until the first run, on AWS for up to an hour.
    missing="breaching",
    # The hourly runs drift: an hour may have none, and its neighbour two.
    periods=2,
)
REALTIME = Alarm(
    name="realtime-connections",
    summary="Realtime connections are above 80 % of the plan.",
    metric="RealtimeConnections",
    threshold=REALTIME_CONNECTIONS.alert_at,
    # Supabase has no API that counts them, so nobody publishes the gauge until the app
    # does: INSUFFICIENT_DATA says that it is not watched, where OK would be untrue.
    missing="missing",
)
OUTBOX_AGE = Alarm(
    name="outbox-age",
    summary="Accepted work waits for more than 15 minutes. Look at the log of"
    " relay-outbox and at last_error in kiloscale.outbox.",
    metric="OutboxOldestSeconds",
    threshold=OUTBOX_AGE_S_MAX,
    # Without it `database-size` rings: the one database has both.
    missing="missing",
)
CRON_FAILURES = Alarm(
    name="cron-failures",
    summary="The last run of a pg_cron job failed. Run ./bootstrap verify-crons.",
    metric="CronFailures",
    threshold=0,
    # As above; and a database without pg_cron never has it.
    missing="missing",
)

GAUGES = (
    DATABASE_BYTES,
    MONTH_TO_DATE_INVOCATIONS,
    REALTIME,
    OUTBOX_AGE,
    CRON_FAILURES,
)

_SCHEDULED = {schedule.service for schedule in SCHEDULES}
_QUEUES = [queue.name for queue in QUEUES] + [each.name for each in SCHEDULES]

ERRORS = tuple(
    Alarm(
        name=f"{service.name}-errors",
        summary=f"Invocations of {service.name} fail. Look at its log.",
        metric="Errors",
        namespace="AWS/Lambda",
        dimension="FunctionName",
        watched=service.name,
        statistic="Sum",
        threshold=ERRORS_OF_SCHEDULED
        if service.folder in _SCHEDULED
        else ERRORS_OF_CALLED,
        period_s=FIVE_MINUTES_S,
        # Lambda writes nothing where nobody calls; that the scheduled functions run is
        # what `invocations-month` watches.
        missing="notBreaching",
    )
    for service in SERVICES
)
ANSWERS_5XX = tuple(
    Alarm(
        name=f"{service.name}-answers-5xx",
        summary=f"{service.name} answers with 5xx. Look at its log; 503 says that the"
        " database is away.",
        # A function that catches its error and answers 500 or 503 is no error to
        # Lambda (developer guide, "Monitoring Lambda function URLs").
        metric="Url5xxCount",
        namespace="AWS/Lambda",
        dimension="FunctionName",
        watched=service.name,
        statistic="Sum",
        threshold=ERRORS_OF_CALLED,
        period_s=FIVE_MINUTES_S,
        missing="notBreaching",
    )
    for service in SERVICES
    if service.route is not None
)
DEAD_LETTERS = tuple(
    Alarm(
        name=f"{queue}-dead-letters",
        summary=f"Work of {queue} failed for good and lies in its dead-letter queue."
        " Mend the cause, then start a redrive.",
        metric="ApproximateNumberOfMessagesVisible",
        namespace="AWS/SQS",
        dimension="QueueName",
        watched=f"{queue}-dead-letters",
        threshold=0,
        period_s=FIVE_MINUTES_S,
        # SQS writes nothing about a queue that was empty and unused for 6 hours.
        missing="notBreaching",
    )
    for queue in _QUEUES
)

ALARMS: tuple[Alarm, ...] = (*GAUGES, *ERRORS, *ANSWERS_5XX, *DEAD_LETTERS)
