"""CloudWatch: invocations of the month, hits of caches, and the stack's gauges."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.health_check import cache_counts
from functions.health_check.metric import Metric, failed, unknown

DAY_S = 86_400
CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5

_NOT_AWS = ("NoRegionError", "NoCredentialsError", "ModuleNotFoundError")
"""What botocore, or its absence, says where there is no AWS."""

UNITS = {
    "DatabaseBytes": "Bytes",
    "MonthToDateInvocations": "Count",
    "RealtimeConnections": "Count",
    "OutboxOldestSeconds": "Seconds",
    "CronFailures": "Count",
}


class CloudWatch:
    """Reads and writes metrics; the client is made at the first use."""

    def __init__(self) -> None:
        self._client: Any = None

    def invocations(self, now: datetime) -> Metric:
        """Add up the invocations of all functions of account and region.

        No alarm can look back a month (the longest window is 7 days), so they are
        read here and published as a gauge.

        Args:
            now: The present, in UTC.
        """
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        query = {
            "Id": "invocations",
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Invocations"},
                "Period": DAY_S,
                "Stat": "Sum",
            },
        }
        try:
            answer = self._cloudwatch().get_metric_data(
                MetricDataQueries=[query], StartTime=first, EndTime=now
            )
            values = answer["MetricDataResults"][0]["Values"]
        except Exception as error:  # a part of the report that says what failed
            return self._absent(error)
        if not values:
            return unknown(
                "CloudWatch has no data of AWS/Lambda Invocations this month"
            )
        return Metric(value=int(sum(values)))

    def caches(self, namespace: str, stack: str, now: datetime) -> Metric:
        """Give the hit ratios of the services' caches in the last 24 h.

        They live in other processes, which log their counts as metrics.

        Args:
            namespace: CloudWatch namespace; empty where there are no metrics.
            stack: Value of the dimension ``Stack``.
            now: The present, in UTC.
        """
        if not namespace:
            return unknown("METRICS_NAMESPACE is not set")
        try:
            answer = self._cloudwatch().get_metric_data(
                MetricDataQueries=[cache_counts.query(namespace, stack)],
                StartTime=now - timedelta(hours=cache_counts.HOURS),
                EndTime=now,
            )
            found = cache_counts.ratios(answer["MetricDataResults"])
        except Exception as error:  # a part of the report that says what failed
            return self._absent(error)
        if not found:
            return unknown("CloudWatch has no counts of caches of the last 24 h")
        return Metric(value=found)

    def publish(
        self, namespace: str, stack: str, gauges: Mapping[str, float]
    ) -> Metric:
        """Publish the gauges that are known.

        Args:
            namespace: CloudWatch namespace; empty publishes nothing.
            stack: Value of the dimension ``Stack``.
            gauges: Values by name, see `UNITS`.

        Returns:
            The names of the published gauges.
        """
        if not namespace:
            return unknown("METRICS_NAMESPACE is not set")
        dimensions = [{"Name": "Stack", "Value": stack}]
        data = [
            {
                "MetricName": name,
                "Dimensions": dimensions,
                "Value": float(value),
                "Unit": UNITS[name],
            }
            for name, value in gauges.items()
        ]
        try:
            if data:
                self._cloudwatch().put_metric_data(Namespace=namespace, MetricData=data)
        except Exception as error:  # a part of the report that says what failed
            return self._absent(error)
        return Metric(value=list(gauges))

    def _cloudwatch(self) -> Any:
        """Make the client once."""
        if self._client is None:
            from functions.shared.aws import client

            self._client = client(
                "cloudwatch",
                connect_timeout_s=CONNECT_TIMEOUT_S,
                read_timeout_s=READ_TIMEOUT_S,
            )
        return self._client

    def _absent(self, error: Exception) -> Metric:
        """Tell a place without AWS from an AWS that failed."""
        if type(error).__name__ in _NOT_AWS:
            return unknown(f"not on AWS: {type(error).__name__}")
        return failed(error)
