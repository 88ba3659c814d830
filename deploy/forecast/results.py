"""What a forecast found, as results of checks."""

from datetime import UTC, datetime

from deploy.checklist import Result, Status, skipped
from deploy.forecast.asking import Asked
from deploy.forecast.dates import When
from deploy.forecast.history import DAYS_MIN, History
from deploy.forecast.outlook import Outlook
from deploy.forecast.words import amount, date_of, ranged, signed, when

STALE_H = 3.0
"""Snapshots are hourly: after so long the job does not run."""

FAR = 4
"""A horizon of more histories than this is a guess, and the report says so."""

VERIFY = "./bootstrap verify-crons"


def past(outlook: Outlook, asked: Asked) -> Result:
    """Say what the forecast of the database rests on."""
    history = outlook.history
    if not history.snapshots:
        return _no_snapshot()
    told = [f"{history.snapshots:,} snapshots over {history.series.days} days"]
    if history.missing_days:
        told.append(f"{history.missing_days} days have none")
    if outlook.steps:
        day, size = max(outlook.steps, key=lambda each: abs(each[1]))
        more = f" and {len(outlook.steps) - 1} more" if len(outlook.steps) > 1 else ""
        on = history.day(day - history.series.days + 1).isoformat()
        told.append(f"a step of {signed(size)} on {on}{more}")
    age_h = _age_h(history)
    is_stale = age_h is not None and age_h > STALE_H
    if is_stale:
        told.append(f"the newest is {age_h:.0f} h old")
    is_far = asked.horizon > FAR * history.series.days
    if is_far and not history.lacks:
        told.append(f"{asked.horizon} days ahead are a guess")
    return Result(
        id="history.snapshots",
        title="; ".join(told),
        status=Status.WARN
        if is_stale or (is_far and not history.lacks)
        else Status.PASS,
        evidence={
            "snapshots": history.snapshots,
            "days": history.series.days,
            "days_without": history.missing_days,
            "newest_age_h": age_h and round(age_h, 2),
            "steps": [
                {
                    "on": history.day(day - history.series.days + 1).isoformat(),
                    "bytes": round(size),
                }
                for day, size in outlook.steps
            ],
        },
        remedy=VERIFY if is_stale else None,
    )


def _no_snapshot() -> Result:
    """Say that there is no history yet."""
    return Result(
        id="history.snapshots",
        title="no snapshot yet: the job snapshot-health takes one each hour",
        status=Status.PENDING,
        evidence={"snapshots": 0},
        remedy=VERIFY,
    )


def _age_h(history: History) -> float | None:
    """Give the age of the newest snapshot, in hours."""
    if history.newest_at is None:
        return None
    return (datetime.now(UTC) - history.newest_at).total_seconds() / 3600


def growth(name: str, outlook: Outlook) -> Result:
    """Say how fast something grows, and how large it will be."""
    unit = outlook.limit.unit
    if outlook.paths is None:
        return skipped(f"growth.{name}", outlook.history.lacks)
    fan = outlook.fan
    days = [each for each in (30, 90, 365) if each <= fan.shape[1]]
    first = days[0] if days else fan.shape[1]
    low, middle, high = (
        (fan[row, first - 1] - outlook.now) / first for row in range(3)
    )
    shown = days[1] if len(days) > 1 else first
    at = fan[:, shown - 1]
    title = (
        f"{amount(outlook.now, unit)}; grows by {ranged(low, middle, high, unit)}"
        f" a day\nin {shown} days {ranged(at[0], at[1], at[2], unit)}"
    )
    return Result(
        id=f"growth.{name}",
        title=title,
        status=Status.PASS,
        evidence={
            "now": round(outlook.now),
            "unit": unit,
            "per_day": round(middle, 1),
            "per_day_low": round(low, 1),
            "per_day_high": round(high, 1),
            "interval": 0.9,
            "days": _by_day(outlook),
        },
    )


def _by_day(outlook: Outlook) -> list[dict[str, object]]:
    """Give the forecast by day."""
    return [
        {
            "on": outlook.history.day(each + 1).isoformat(),
            "low": round(low),
            "likely": round(middle),
            "high": round(high),
        }
        for each, (low, middle, high) in enumerate(outlook.fan.T)
    ]


def limit(outlook: Outlook, asked: Asked) -> Result:
    """Say when a limit is reached, and when its alert is."""
    quota = outlook.limit
    ident = f"limits.{quota.name}"
    unit = quota.unit
    if outlook.alert is None or outlook.full is None:
        return _without_dates(outlook, ident)
    ends = (
        ("alert at", quota.alert_at, outlook.alert),
        ("limit of", quota.limit, outlook.full),
    )
    share = outlook.now / quota.limit
    lines = [f"{amount(outlook.now, unit)} of {amount(quota.limit, unit)}, {share:.0%}"]
    for name, value, found in ends:
        told = when(outlook.history, found, asked.horizon)
        lines.append(f"{name} {amount(value, unit):>9}: {told}")
    return Result(
        id=ident,
        title="\n".join(lines),
        status=verdict(outlook.alert, outlook.full, asked.within),
        evidence={
            "now": round(outlook.now),
            "limit": quota.limit,
            "alert_at": quota.alert_at,
            "unit": unit,
            "within_days": asked.within,
            "horizon_days": asked.horizon,
            "alert_reached": dated(outlook.history, outlook.alert),
            "limit_reached": dated(outlook.history, outlook.full),
        },
    )


def _without_dates(outlook: Outlook, ident: str) -> Result:
    """Say what is known of a limit without a forecast."""
    quota = outlook.limit
    is_full, is_over = outlook.now >= quota.limit, outlook.now >= quota.alert_at
    so_far = (
        f"{amount(outlook.now, quota.unit)} of {amount(quota.limit, quota.unit)},"
        f" {outlook.now / quota.limit:.0%}"
    )
    status = Status.FAIL if is_full else Status.WARN if is_over else Status.SKIPPED
    return Result(
        id=ident,
        title=f"{so_far}\nno forecast: {outlook.history.lacks}; an hourly snapshot a"
        f" week long is enough, {DAYS_MIN} days after the first deploy",
        status=status,
        evidence={
            "now": round(outlook.now),
            "limit": quota.limit,
            "alert_at": quota.alert_at,
            "unit": quota.unit,
            "reason": outlook.history.lacks,
        },
        remedy=VERIFY,
    )


def verdict(alert: When, full: When, within: int) -> Status:
    """Judge the dates of a limit.

    Returns:
        ``FAIL`` if the limit is most likely reached within so many days; ``WARN`` if it
        may be, with a chance of one in twenty, or if the alert most likely is.
    """
    if full.likely is not None and full.likely <= within:
        return Status.FAIL
    may = full.early is not None and full.early <= within
    rings = alert.likely is not None and alert.likely <= within
    return Status.WARN if may or rings else Status.PASS


def dated(history: History, found: When) -> dict[str, object]:
    """Give when something is reached, for ``--json``; null is beyond the horizon."""

    def day(days: int | None) -> str | None:
        return None if days is None else date_of(history, days)

    return {
        "not_before": day(found.early),
        "most_likely": day(found.likely),
        "not_after": day(found.late),
        "share_within_horizon": round(found.share, 4),
    }
