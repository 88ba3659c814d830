"""The dashboard shows metrics that something writes, at a place of their own."""

import json
from itertools import combinations

from infra.catalog.alarms import ALARMS
from infra.catalog.charts import ROWS


def widgets(stack):
    (dashboard,) = stack[0].of("cloudwatch/dashboard:Dashboard")
    return json.loads(dashboard.get("dashboardBody"))["widgets"]


def of(widget):
    """The data of a widget: namespace, metric, dimension, value."""
    return {tuple(each[:4]) for each in widget["properties"].get("metrics", [])}


def test_it_shows_every_alarm_and_its_data(stack):
    states, *charts = widgets(stack)
    resources = stack[0]
    watched = {
        (each.get("namespace"), each.get("metricName"), *dimension)
        for each in resources.of("cloudwatch/metricAlarm:MetricAlarm")
        for dimension in each.get("dimensions").items()
        # A function that answers 5xx has its errors beside it.
        if each.get("metricName") != "Url5xxCount"
    }
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:kiloscale-test-"

    assert states["properties"]["alarms"] == sorted(arn + a.name for a in ALARMS)
    assert watched <= set().union(*map(of, charts))


def test_a_limit_of_the_plan_is_drawn_where_its_alarm_rings(stack):
    thresholds = {
        chart["properties"]["title"]: chart["properties"]["annotations"]["horizontal"]
        for chart in widgets(stack)
        if "annotations" in chart["properties"]
    }

    assert thresholds["Database size (bytes)"][0]["value"] == 6 * 1024**3
    assert thresholds["Invocations this month"][0]["value"] == 750_000


def test_no_widget_covers_another(stack):
    def cells(widget):
        return {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }

    found = widgets(stack)

    assert len(found) == 1 + sum(map(len, ROWS))
    assert all(max(x for x, _ in cells(each)) < 24 for each in found)
    assert not any(cells(a) & cells(b) for a, b in combinations(found, 2))


def test_its_region_is_that_of_the_stack(stack):
    regions = {each["properties"].get("region") for each in widgets(stack)[1:]}

    assert regions == {"eu-central-1"}
