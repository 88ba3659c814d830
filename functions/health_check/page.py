"""The report as a page for a browser: one table, no script, no style sheet."""

import html
from typing import Any

import msgspec

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
    cells = (name, _text(metric), metric.alert_at, metric.limit)
    written = ("" if cell is None else html.escape(_number(cell)) for cell in cells)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in written) + "</tr>"


def _text(metric: Metric) -> Any:
    """Give the value, or why there is none."""
    if metric.error:
        return f"failed: {metric.error}"
    if metric.value is None:
        return f"not known: {metric.reason}"
    return metric.value


def _number(cell: Any) -> str:
    """Group the digits of numbers; write anything else as JSON."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    return msgspec.json.encode(cell).decode()
