"""Verify the alarms: each exists as declared and tells the topic; say which ring."""

from collections.abc import Mapping
from typing import Any

from deploy.checklist import Result, Status
from deploy.sizes import alarms_of
from infra.catalog.alarms import ALARMS, Alarm
from infra.metrics import TOPIC, dimensions, namespace
from infra.naming import physical_name

RINGS, SILENT, NO_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"

Found = Mapping[str, Mapping[str, Any]]
"""What DescribeAlarms gives, by physical name."""

MEND = "./bootstrap local.stop && ./bootstrap deploy"
"""What somebody changed by hand, only a new emulator forgets."""

LOOK_AGAIN = "./bootstrap deploy --only monitoring,alarms --evidence"
"""Measures anew, so that what has passed stops ringing."""


def declared(found: Found, stack: str, *, mend: str = MEND) -> Result:
    """Compare every alarm with the catalog.

    Args:
        found: The alarms that there are.
        stack: Name of the stack.
        mend: The command that brings them to what is declared.
    """
    wrong = {}
    catalog = alarms_of(stack)
    for alarm in catalog:
        differs = differences(alarm, found.get(physical_name(stack, alarm.name)), stack)
        if differs:
            wrong[alarm.name] = differs
    listed = "; ".join(f"{name}: {', '.join(what)}" for name, what in wrong.items())
    return Result(
        id="alarms.declared",
        title=f"{len(wrong)} of {len(catalog)} differ from the catalog: {listed}"
        if wrong
        else f"all {len(catalog)} exist as declared and tell the topic {TOPIC}",
        status=Status.FAIL if wrong else Status.PASS,
        evidence={
            "rings_if": {alarm.name: condition(alarm, stack) for alarm in catalog},
            "differs": wrong,
        },
        remedy=mend if wrong else None,
    )


def states(found: Found, stack: str) -> Result:
    """Say which alarms ring, which do not, and which have no data."""
    seen = {alarm.name: found[physical_name(stack, alarm.name)] for alarm in ALARMS}
    by_state = {
        state: [name for name, each in seen.items() if each["StateValue"] == state]
        for state in (RINGS, SILENT, NO_DATA)
    }
    rings = [f"{name} ({seen[name]['StateReason']})" for name in by_state[RINGS]]
    rest = f"{len(by_state[SILENT])} OK, {len(by_state[NO_DATA])} without data"
    return Result(
        id="alarms.states",
        title=f"{len(rings)} ring: {', '.join(rings)}; {rest}"
        if rings
        else f"none rings: {rest}",
        status=Status.WARN if rings else Status.PASS,
        evidence={
            "states": {
                name: {"state": each["StateValue"], "reason": each["StateReason"]}
                for name, each in seen.items()
            },
            "means": {name: _summary(name) for name in by_state[RINGS]},
        },
        remedy=LOOK_AGAIN if rings else None,
    )


def condition(alarm: Alarm, stack: str) -> str:
    """Say in one line when an alarm rings, e.g. for a receipt."""
    ((key, value),) = dimensions(alarm, stack).items()
    return (
        f"{alarm.statistic} of {namespace(alarm, stack)} {alarm.metric}"
        f" ({key} {value}) > {alarm.threshold} in {alarm.periods_to_alarm} of"
        f" {alarm.periods} x {alarm.period_s} s; no data is {alarm.missing}"
    )


def differences(alarm: Alarm, found: Mapping[str, Any] | None, stack: str) -> list[str]:
    """List what is not as declared; the whole alarm may be missing."""
    if found is None:
        return ["does not exist"]
    wrong = [
        f"{key} is {found.get(key)} instead of {value}"
        for key, value in _expected(alarm, stack).items()
        if found.get(key) != value
    ]
    topic = f":{physical_name(stack, TOPIC)}"
    for key in ("AlarmActions", "OKActions"):
        actions = found.get(key) or []
        if len(actions) != 1 or not actions[0].endswith(topic):
            wrong.append(f"{key} does not name the topic {TOPIC} alone")
    return wrong


def _expected(alarm: Alarm, stack: str) -> dict[str, object]:
    """Give what DescribeAlarms must answer."""
    return {
        "Namespace": namespace(alarm, stack),
        "MetricName": alarm.metric,
        "Dimensions": [
            {"Name": key, "Value": value}
            for key, value in dimensions(alarm, stack).items()
        ],
        "Statistic": alarm.statistic,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": float(alarm.threshold),
        "Period": alarm.period_s,
        "EvaluationPeriods": alarm.periods,
        "DatapointsToAlarm": alarm.periods_to_alarm,
        "TreatMissingData": alarm.missing,
        "ActionsEnabled": True,
    }


def _summary(name: str) -> str:
    """Give what an alarm means and what to do."""
    return next(alarm.summary for alarm in ALARMS if alarm.name == name)
