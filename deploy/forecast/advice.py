"""What would help, as results of checks."""

from collections.abc import Mapping, Sequence

from deploy.checklist import Result, Status, skipped
from deploy.forecast.choosing import RULE, Outcome, cheapest
from deploy.forecast.outlook import Outlook
from deploy.forecast.results import dated
from deploy.forecast.words import amount, when


def helps(outlook: Outlook, outcomes: Sequence[Outcome], horizon: int) -> list[Result]:
    """Say what each step would do about the database's size."""
    return [_step(outlook, each, horizon) for each in outcomes]


def _step(outlook: Outlook, outcome: Outcome, horizon: int) -> Result:
    """Say what one step would do."""
    lever = outcome.lever
    ident = f"helps.{lever.id}"
    if lever.unknown:
        return skipped(ident, f"{lever.does}: {lever.unknown}")
    if not lever.helps:
        return skipped(ident, f"{lever.does}: nothing to gain, {lever.basis}")
    freed = f"frees {amount(lever.bytes)}" if lever.bytes else ""
    takes = f"takes {amount(lever.takes)} first" if lever.takes else ""
    slows = f"slows growth by {amount(lever.per_day)} a day" if lever.per_day else ""
    cost = f"{lever.usd_month:.2f} USD a month" if lever.usd_month else "free of charge"
    parts = [each for each in (freed, takes, slows, cost) if each]
    loses = f"; loses {lever.loses}" if lever.loses else ""
    locks = f"; locks {lever.locks}" if lever.locks else ""
    title = f"{lever.does}\n{', '.join(parts)}{locks}{loses}"
    title += f"\nlimit then: {_gain(outlook, outcome, horizon)}"
    return Result(
        id=ident,
        title=title,
        status=Status.PASS,
        evidence=_evidence(outlook, outcome),
        remedy=lever.command or None,
    )


def _gain(outlook: Outlook, outcome: Outcome, horizon: int) -> str:
    """Write the day after a step, and how much later it is."""
    told = when(outlook.history, outcome.when, horizon)
    if outcome.is_beyond or outcome.gain_days == 0:
        return told
    return f"{told}, {outcome.gain_days} days later"


def _evidence(outlook: Outlook, outcome: Outcome) -> Mapping[str, object]:
    """Give all numbers of a step."""
    lever = outcome.lever
    return {
        "bytes": round(lever.bytes),
        "bytes_returned": round(lever.returned),
        "bytes_first": round(lever.takes),
        "bytes_per_day_less": round(lever.per_day),
        "limit": lever.limit,
        "usd_month": lever.usd_month,
        "loses": lever.loses or None,
        "locks": lever.locks or None,
        "basis": lever.basis,
        "limit_reached": dated(outlook.history, outcome.when),
        "gain_days": outcome.gain_days,
        "beyond_horizon": outcome.is_beyond,
        "is_enough": outcome.is_enough,
    }


def next_step(outlook: Outlook, outcomes: Sequence[Outcome], horizon: int) -> Result:
    """Name the cheapest step, or say that none is needed."""
    ident = "next.step"
    if outlook.full is None:
        return skipped(ident, f"no forecast: {outlook.history.lacks}")
    evidence: dict[str, object] = {"rule": RULE}
    if outlook.full.likely is None:
        return Result(
            id=ident,
            title=f"none is needed: the limit is most likely not reached within"
            f" {horizon} days",
            status=Status.PASS,
            evidence=evidence,
        )
    best = cheapest(outcomes)
    if best is None:
        return Result(
            id=ident,
            title="no single step that loses nothing moves the day by 30 days: a larger"
            " disk and fewer rows together",
            status=Status.WARN,
            evidence=evidence,
        )
    cost = f"{best.lever.usd_month:.2f} USD a month" if best.lever.usd_month else "free"
    return Result(
        id=ident,
        title=f"{best.lever.does}: {cost}, limit then {_gain(outlook, best, horizon)}",
        status=Status.PASS,
        evidence=evidence | {"step": best.lever.id, "usd_month": best.lever.usd_month},
        remedy=best.lever.command or None,
    )
