"""The EventBridge schedules that invoke a service without a request."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One EventBridge Scheduler schedule, in UTC.

    Attributes:
        name: Kebab-case name; the physical name has the project and stack before it.
        service: Folder of the invoked service below ``functions/``.
        expression: ``rate(...)`` or ``cron(...)`` in the form of EventBridge
            Scheduler: a rate of 1 takes the singular, ``rate(1 hour)``.
        period_s: The same as a number, in seconds, to tell whether a run is due.
    """

    name: str
    service: str
    expression: str
    period_s: int


HOURLY_HEALTH_CHECK = Schedule(
    name="health-check-hourly",
    service="health_check",
    expression="rate(1 hour)",
    period_s=3_600,
)
RELAY_EVERY_MINUTE = Schedule(
    name="relay-outbox-minutely",
    service="relay_outbox",
    expression="rate(1 minute)",
    period_s=60,
)

SCHEDULES: tuple[Schedule, ...] = (HOURLY_HEALTH_CHECK, RELAY_EVERY_MINUTE)
