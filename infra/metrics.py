"""The metrics that alarms watch, as CloudWatch names them in one stack."""

from infra.catalog.alarms import Alarm
from infra.naming import metrics_namespace, physical_name

TOPIC = "alarms"
"""Name of the topic that every alarm notifies."""


def namespace(alarm: Alarm, stack: str) -> str:
    """Give the namespace of an alarm's metric."""
    return alarm.namespace or metrics_namespace(stack)


def dimensions(alarm: Alarm, stack: str) -> dict[str, str]:
    """Give the dimensions of an alarm's metric.

    They must be exactly those of the data, or the alarm watches a metric that never
    has any.
    """
    value = physical_name(stack, alarm.watched) if alarm.watched else stack
    return {alarm.dimension: value}
