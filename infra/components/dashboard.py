"""The CloudWatch dashboard of a stack."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.catalog.charts import Chart, Series
from infra.naming import metrics_namespace, physical_name

COLUMNS = 24
"""Width of a dashboard, in units (CloudWatch API reference, "Dashboard body")."""

CHART_HEIGHT = 6
ALARMS_HEIGHT = 4


@dataclass(frozen=True, kw_only=True)
class DashboardArgs:
    """Inputs of `Dashboard`.

    Attributes:
        stack: Name of the stack.
        rows: The charts, row by row.
        alarms: The alarms whose states stand above the charts, by name in the catalog.
        topic_arn: ARN of their topic: region and account are theirs.
    """

    stack: str
    rows: Sequence[Sequence[Chart]]
    alarms: Sequence[str]
    topic_arn: pulumi.Output[str]


class Dashboard(pulumi.ComponentResource):
    """One page: the states of the alarms, and the metrics behind them.

    Attributes:
        name: Its physical name.
    """

    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: DashboardArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:Dashboard", name, None, opts)
        made = aws.cloudwatch.Dashboard(
            name,
            dashboard_name=physical_name(args.stack, "dashboard"),
            dashboard_body=args.topic_arn.apply(lambda arn: body(args, arn)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = made.dashboard_name
        self.register_outputs({"name": self.name})


def body(args: DashboardArgs, topic_arn: str) -> str:
    """Write the dashboard as CloudWatch's JSON.

    Args:
        args: What is on it.
        topic_arn: As in `DashboardArgs`, known now.
    """
    _, partition, _, region, account, _ = topic_arn.split(":")
    prefix = f"arn:{partition}:cloudwatch:{region}:{account}:alarm"
    alarms = [f"{prefix}:{physical_name(args.stack, each)}" for each in args.alarms]
    states = {
        "type": "alarm",
        **_place(0, 0, COLUMNS, ALARMS_HEIGHT),
        "properties": {"title": "Alarms", "alarms": alarms},
    }
    charts = [
        {
            "type": "metric",
            **_place(
                column * COLUMNS // len(row),
                ALARMS_HEIGHT + number * CHART_HEIGHT,
                COLUMNS // len(row),
                CHART_HEIGHT,
            ),
            "properties": _properties(chart, args.stack, region),
        }
        for number, row in enumerate(args.rows)
        for column, chart in enumerate(row)
    ]
    return json.dumps({"widgets": [states, *charts]})


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    """Give the place of a widget."""
    return {"x": x, "y": y, "width": width, "height": height}


def _properties(chart: Chart, stack: str, region: str) -> dict[str, Any]:
    """Write a chart as the properties of a metric widget."""
    lines: dict[str, Any] = {}
    if chart.threshold is not None:
        mark = {"label": "alarm above", "value": chart.threshold}
        lines["annotations"] = {"horizontal": [mark]}
    return {
        "title": chart.title,
        "region": region,
        "period": chart.period_s,
        "view": "timeSeries",
        "yAxis": {"left": {"min": 0}},
        "metrics": [_metric(series, stack) for series in chart.series],
        **lines,
    }


def _metric(series: Series, stack: str) -> list[object]:
    """Name the data of a line, as CloudWatch's array form has it."""
    return [
        series.namespace or metrics_namespace(stack),
        series.metric,
        series.dimension,
        physical_name(stack, series.watched) if series.watched else stack,
        {"stat": series.statistic, "label": series.watched or series.metric},
    ]
