"""The report as a page for a browser: tables, no script, no style sheet."""

import html
from typing import Any

from functions.health_check.health import Report
from functions.health_check.metric import Metric

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width">'
    "<title>{title}</title></head><body>"
)


def render(report: Report) -> bytes:
    """Write the page."""
    title = html.escape(f"{report.stack}: {report.status}")
    alerts = "".join(
        f"<li>{html.escape(f'{alert.metric}: {alert.message}')}</li>"
        for alert in report.metrics["alerts"]
    )
    rows = "".join(
        _row(name, metric)
        for name, metric in report.metrics.items()
        if isinstance(metric, Metric)
    )
    checked_at = report.checked_at.isoformat(timespec="seconds")
    return (
        _HEAD.format(title=title)
        + f"<h1>{title}</h1><p>checked at {checked_at}</p>"
        + (f"<ul>{alerts}</ul>" if alerts else "<p>no alerts</p>")
        + '<table border="1" cellpadding="4"><thead><tr><th>metric</th><th>value</th>'
        + "<th>alert above</th><th>limit</th></tr></thead>"
        + f"<tbody>{rows}</tbody></table></body></html>"
    ).encode()


def _row(name: str, metric: Metric) -> str:
    """Write one line of the table."""
    if metric.error:
        value = html.escape(f"failed: {metric.error}")
    elif metric.value is None:
        value = html.escape(f"not known: {metric.reason}")
    else:
        value = _cell(metric.value)
    cells = (html.escape(name), value, _cell(metric.alert_at), _cell(metric.limit))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _cell(value: Any) -> str:
    """Write a value: digits in groups, a list of rows as a table in the table."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _table(value)
    if isinstance(value, dict):
        return _table([value])
    if isinstance(value, list):
        return html.escape(", ".join(str(one) for one in value)) or "none"
    return html.escape(str(value))


def _table(rows: list[dict[str, Any]]) -> str:
    """Write rows with the same keys as a table."""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in rows[0])
    lines = (
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
