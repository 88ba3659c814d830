"""Verify the EventBridge schedules: they exist as declared, and fire."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from deploy.checklist import Result, Status
from infra.catalog.schedules import SCHEDULES, Schedule
from infra.naming import physical_name

if TYPE_CHECKING:
    from deploy.emulator.live import Look

GRACE = timedelta(seconds=120)
"""How late a run may be: the flexible window, a cold start and the way to the log."""

ALIAS = "live"

MEND = "./bootstrap deploy --only infrastructure"
LOG = "./bootstrap local.logs --part emulator"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What there is of one schedule.

    Attributes:
        state: ``ENABLED`` or ``DISABLED``.
        expression: ``rate(...)`` or ``cron(...)``.
        target: ARN that it invokes.
        created_at: When it was created or last changed.
        fired_at: Last run that the function logged since then; ``None`` if none.
    """

    state: str
    expression: str
    target: str
    created_at: datetime
    fired_at: datetime | None


def verify(emulator: "Look", stack: str, now: datetime) -> Iterator[Result]:
    """Judge every declared schedule.

    Args:
        emulator: Looks at the emulator without boto3, whose import takes 0.5 s.
        stack: Name of the stack.
        now: The current time, in UTC.
    """
    for declared in SCHEDULES:
        yield judge(declared, look(emulator, stack, declared, now), now)


def look(
    emulator: "Look", stack: str, declared: Schedule, now: datetime
) -> Seen | None:
    """Look one schedule up; ``None`` if it does not exist."""
    path = f"/schedules/{physical_name(stack, declared.name)}"
    answer = emulator.get("scheduler", path)
    if not answer.found:
        return None
    found = answer.json()
    created = datetime.fromtimestamp(found["LastModificationDate"], UTC)
    return Seen(
        state=found["State"],
        expression=found["ScheduleExpression"],
        target=found["Target"]["Arn"],
        created_at=created,
        fired_at=_last_run(emulator, stack, declared, since(declared, created, now)),
    )


def since(declared: Schedule, created: datetime, now: datetime) -> datetime:
    """Give from when on to read the log for runs.

    A month of minutely runs is a long log; a run older than this is overdue anyhow.
    """
    return max(created, now - 3 * timedelta(seconds=declared.period_s) - GRACE)


def _last_run(
    emulator: "Look", stack: str, declared: Schedule, begin: datetime
) -> datetime | None:
    """Find the last run that the function logged with the schedule's name."""
    function = physical_name(stack, declared.service.replace("_", "-"))
    wanted: dict[str, object] = {
        "logGroupName": f"/aws/lambda/{function}",
        "startTime": int(begin.timestamp() * 1000),
        "filterPattern": f'"{declared.name}"',
    }
    times: list[int] = []
    while True:
        page = emulator.call("logs", "Logs_20140328.FilterLogEvents", **wanted).json()
        times += [event["timestamp"] for event in page.get("events", [])]
        if not page.get("nextToken"):
            break
        wanted["nextToken"] = page["nextToken"]
    return datetime.fromtimestamp(max(times) / 1000, UTC) if times else None


def judge(
    declared: Schedule,
    seen: Seen | None,
    now: datetime,
    *,
    mend: str = MEND,
    log: str = LOG,
) -> Result:
    """Compare a schedule with its declaration and its last run with its period.

    Args:
        declared: The schedule as declared.
        seen: What there is of it; ``None`` for nothing.
        now: The current time, in UTC.
        mend: The command that brings it to its declaration.
        log: The command that shows why it did not run.
    """
    check_id = f"schedules.{declared.name}"
    if seen is None:
        return Result(
            id=check_id,
            title="not installed: nothing invokes the service by itself",
            status=Status.FAIL,
            evidence={"declared": declared.expression},
            remedy=MEND,
        )
    evidence: dict[str, object] = {
        "declared": declared.expression,
        "installed": seen.expression,
        "state": seen.state,
        "target": re.sub(r":\d{12}:", ":<account>:", seen.target),
        "created_at": seen.created_at.isoformat(timespec="seconds"),
        "fired_at": seen.fired_at and seen.fired_at.isoformat(timespec="seconds"),
    }
    wrong = _differences(declared, seen)
    if wrong:
        return Result(
            id=check_id,
            title=f"differs from the catalog: {'; '.join(wrong)}",
            status=Status.FAIL,
            evidence=evidence,
            remedy=mend,
        )
    due = _due(check_id, declared, seen, now, evidence)
    return replace(due, remedy=log) if due.status is Status.FAIL else due


def _differences(declared: Schedule, seen: Seen) -> list[str]:
    """List what is not as declared."""
    wrong = []
    if seen.expression != declared.expression:
        wrong.append(f"{seen.expression} instead of {declared.expression}")
    if seen.state != "ENABLED":
        wrong.append(f"state {seen.state}")
    if not seen.target.endswith(f":{ALIAS}"):
        wrong.append(f"invokes {seen.target}, not the alias {ALIAS}")
    return wrong


def _due(
    check_id: str,
    declared: Schedule,
    seen: Seen,
    now: datetime,
    evidence: dict[str, object],
) -> Result:
    """Tell a run that is on time from one that is not due yet and from a late one."""
    period = timedelta(seconds=declared.period_s)
    due = (seen.fired_at or seen.created_at) + period
    when = due.strftime("%Y-%m-%d %H:%M:%S UTC")
    if now > due + GRACE:
        return Result(
            id=check_id,
            title=f"{declared.expression}: overdue, was due at {when}",
            status=Status.FAIL,
            evidence=evidence,
        )
    if seen.fired_at is None:
        return Result(
            id=check_id,
            title=f"{declared.expression}: first run due at {when}",
            status=Status.PENDING,
            evidence=evidence,
        )
    fired = seen.fired_at.strftime("%H:%M:%S UTC")
    return Result(
        id=check_id,
        title=f"{declared.expression}: ran at {fired}, next at {when}",
        status=Status.PASS,
        evidence=evidence,
    )
