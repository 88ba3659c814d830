"""The health report as a page."""

from datetime import UTC, datetime

from functions.health_check.health import Alert, Report
from functions.health_check.metric import Metric
from functions.health_check.page import render


def page(**metrics: object) -> str:
    report = Report(
        status="alert",
        stack="<b>",
        checked_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        metrics={"alerts": []} | metrics,
        published=Metric(value=[]),
    )
    return render(report).decode()


def test_a_value_stands_beside_its_limit_with_grouped_digits():
    written = page(
        database_bytes=Metric(value=1234567, limit=8000000, alert_at=6000000)
    )

    assert (
        "<tr><td>database_bytes</td><td>1,234,567</td><td>6,000,000</td>"
        "<td>8,000,000</td></tr>"
    ) in written


def test_what_is_not_known_says_why():
    written = page(
        a=Metric(value=None, reason="no data"), b=Metric(value=None, error="E")
    )

    assert "<td>not known: no data</td>" in written
    assert "<td>failed: E</td>" in written


def test_rows_are_a_table_of_their_own():
    written = page(
        tables=Metric(value=[{"name": "a", "rows": 1000}, {"name": "b", "rows": 2}]),
        invalid_indexes=Metric(value=[]),
    )

    assert (
        "<table><tr><th>name</th><th>rows</th></tr>"
        "<tr><td>a</td><td>1,000</td></tr><tr><td>b</td><td>2</td></tr></table>"
    ) in written
    assert "<td>invalid_indexes</td><td>none</td>" in written


def test_everything_is_escaped():
    written = page(alerts=[Alert("crons", "<script>")], x=Metric(value={"name": "<i>"}))

    assert "<script>" not in written
    assert "<i>" not in written
    assert "<b>" not in written
