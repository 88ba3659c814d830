"""Measure everything, compare it with the limits, say what is close."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import msgspec
import psycopg

from functions.health_check import queries
from functions.health_check.cloudwatch import CloudWatch
from functions.health_check.metric import Metric, failed, unknown
from functions.health_check.settings import Quota, Settings
from functions.shared.database import Connection, Database

logger = logging.getLogger(__name__)

CONNECTIONS_SHARE_MAX = 0.8
OUTBOX_OLDEST_MAX_S = 900
"""Above these a person should look: the relay sends after 60 s and each minute, so a
row of 15 minutes has failed several times."""

FORECAST_MAX_DAYS = 3_650


class Alert(msgspec.Struct, frozen=True):
    """A metric that is above its threshold."""

    metric: str
    message: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The health of a stack.

    Attributes:
        status: ``degraded`` if a part could not be measured, else ``alert`` if a
            threshold is exceeded, else ``ok``.
        stack: The stack's name.
        checked_at: When, in UTC.
        metrics: Metrics by name; ``alerts`` is the list of `Alert`.
        published: Names of the gauges that went to CloudWatch.
    """

    status: Literal["ok", "alert", "degraded"]
    stack: str
    checked_at: datetime
    metrics: dict[str, Any]
    published: Metric


def check(
    database: Database,
    cloudwatch: CloudWatch,
    settings: Settings,
    now: datetime | None = None,
) -> Report:
    """Measure, publish the gauges, and report.

    Args:
        database: What to measure.
        cloudwatch: Where the invocations are counted and the gauges go.
        settings: Limits, stack and namespace.
        now: The present, in UTC; a test may set it.
    """
    now = now or datetime.now(UTC)
    metrics = _measure(database)
    metrics["invocations_month"] = cloudwatch.invocations(now)
    metrics["caches"] = cloudwatch.caches(
        settings.metrics_namespace, settings.stack, now
    )
    metrics["realtime_connections"] = unknown(
        "Supabase shows them in its dashboard; no API counts them for this key"
    )
    _add_limits(metrics, settings, now)
    published = cloudwatch.publish(
        settings.metrics_namespace, settings.stack, gauges(metrics)
    )
    alerts = [*over_quota(metrics), *out_of_order(metrics)]
    errors = {name: metric.error for name, metric in metrics.items() if metric.error}
    if published.error:
        errors["published"] = published.error
    if errors:
        logger.error("health is not known in full", extra={"fields": errors})
    return Report(
        status="degraded" if errors else ("alert" if alerts else "ok"),
        stack=settings.stack,
        checked_at=now,
        metrics={**metrics, "alerts": alerts},
        published=published,
    )


def _add_limits(metrics: dict[str, Metric], settings: Settings, now: datetime) -> None:
    """Put the plan's limits beside the values, and the day when one is reached."""
    quotas = {
        "database_bytes": settings.database_bytes,
        "invocations_month": settings.invocations_month,
        "realtime_connections": settings.realtime_connections,
    }
    for name, quota in quotas.items():
        metrics[name] = msgspec.structs.replace(
            metrics[name], limit=quota.limit, alert_at=quota.alert_at
        )
    metrics["growth"] = forecast(
        metrics["growth"], metrics["database_bytes"], settings.database_bytes, now
    )


def _measure(database: Database) -> dict[str, Metric]:
    """Run each query by itself, so that one that fails fails alone."""
    metrics: dict[str, Metric] = {}

    def each(connection: Connection) -> None:
        for name, query in queries.METRICS.items():
            try:
                metrics[name] = query(connection)
            except psycopg.Error as error:
                if connection.broken:
                    raise
                metrics[name] = failed(error)

    try:
        database.run(each, repeatable=True)
    except psycopg.OperationalError as error:
        for name in queries.METRICS:
            metrics.setdefault(name, failed(error))
    return metrics


def forecast(growth: Metric, size: Metric, quota: Quota, now: datetime) -> Metric:
    """Add to the growth the day on which the database reaches its limit.

    Returns:
        The growth with ``limit_reached_on``: a date, or ``None`` if the database does
        not grow, or not to its limit within ten years.
    """
    if growth.value is None or size.value is None:
        return growth
    per_day = growth.value["bytes_per_day"]
    day: date | None = None
    if per_day > 0:
        days = max(quota.limit - size.value, 0) / per_day
        if days <= FORECAST_MAX_DAYS:
            day = (now + timedelta(days=days)).date()
    return Metric(value={**growth.value, "limit_reached_on": day})


def gauges(metrics: Mapping[str, Metric]) -> dict[str, float]:
    """Give the gauges whose values are known; the others must not look like a zero."""
    outbox, crons = metrics["outbox"].value, metrics["crons"].value
    values = {
        "DatabaseBytes": metrics["database_bytes"].value,
        "MonthToDateInvocations": metrics["invocations_month"].value,
        "RealtimeConnections": metrics["realtime_connections"].value,
        "OutboxOldestSeconds": outbox["oldest_s"] if outbox else None,
        "CronFailures": len(crons["failed"]) if crons else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def over_quota(metrics: Mapping[str, Metric]) -> list[Alert]:
    """List the values above the plan's thresholds."""
    return [
        Alert(name, f"{metric.value} is above {metric.alert_at} of {metric.limit}")
        for name, metric in metrics.items()
        if metric.alert_at is not None
        and metric.value is not None
        and metric.value > metric.alert_at
    ]


def out_of_order(metrics: Mapping[str, Metric]) -> list[Alert]:
    """List what should never be, whatever the plan."""
    found = []
    used = metrics["connections"].value
    if used and used["total"] > CONNECTIONS_SHARE_MAX * used["max"]:
        message = f"{used['total']} of {used['max']} connections are in use"
        found.append(Alert("connections", message))
    waiting = metrics["outbox"].value
    if waiting and waiting["dead"]:
        message = f"{waiting['dead']} rows are dead: their sends had no effect"
        found.append(Alert("outbox", message))
    if waiting and waiting["oldest_s"] > OUTBOX_OLDEST_MAX_S:
        message = f"the oldest row waits for {waiting['oldest_s']} s"
        found.append(Alert("outbox", message))
    jobs = metrics["crons"].value
    if jobs and jobs["failed"]:
        message = f"the last run failed of {', '.join(jobs['failed'])}"
        found.append(Alert("crons", message))
    if invalid := metrics["invalid_indexes"].value:
        found.append(Alert("invalid_indexes", f"invalid: {', '.join(invalid)}"))
    return found
