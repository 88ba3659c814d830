"""Makes an alarm ring by one value that is too high, and stop by the true one."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from deploy.alarms import NO_DATA, RINGS, SILENT, Found
from deploy.checklist import Result, Status
from deploy.emulator.alarms import DESCRIBE
from deploy.emulator.clients import client
from deploy.emulator.configuration import WEBHOOK
from deploy.emulator.live import Look
from deploy.errors import DeployError
from deploy.local.facts import LocalStack
from deploy.sizes import alarms_of
from deploy.smoke.gateway import Gateway
from infra.catalog.alarms import CRON_FAILURES, DATABASE_BYTES, OUTBOX_AGE, Alarm
from infra.catalog.services import HEALTH_CHECK
from infra.metrics import dimensions, namespace
from infra.naming import physical_name

PROVABLE = (CRON_FAILURES, OUTBOX_AGE, DATABASE_BYTES)
"""Gauges that each health check publishes, so that the true value comes by itself."""

LEAVES_S = 3.0
"""The value is dated so that it leaves the alarm's window after this time, in seconds.
Enough for the emulator to judge it; a value of this moment would ring for an hour."""

WAIT_S = 10.0
"""How long a state or a notification may take; it takes 0.1 s."""

POLL_S = 0.05

RECORDS_MAX = 100
"""The most that one DescribeAlarms gives; a test keeps the catalog below it."""

Seen = TypeVar("Seen")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What came of one change of an alarm's state.

    Attributes:
        wanted: The state that it should take.
        state: The state that it took, with the reason.
        state_ms: When it was seen there, in milliseconds; so for the next.
        told: The notification that the webhook received, or ``None``.
        told_ms: When it was there.
    """

    wanted: str
    state: Mapping[str, str]
    state_ms: float
    told: Mapping[str, Any] | None
    told_ms: float

    @property
    def is_done(self) -> bool:
        """Whether the state was taken and the webhook was told."""
        return self.state["value"] == self.wanted and self.told is not None

    def title(self, alarm: Alarm, cause: str) -> str:
        """Say it in one line."""
        if self.is_done:
            return (
                f"{alarm.name}: {self.wanted} {self.state_ms:.0f} ms after {cause},"
                f" and the webhook is told after {self.told_ms:.0f} ms"
            )
        state = self.state["value"]
        expected = "" if state == self.wanted else f" instead of {self.wanted}"
        heard = "was told" if self.told else "was told nothing"
        return (
            f"{alarm.name}: {WAIT_S:.0f} s after {cause} it is {state}{expected},"
            f" and the webhook {heard}"
        )


def look(stack: LocalStack) -> Found:
    """Give all alarms of the stack, by physical name; boto3 is not needed."""
    emulator = Look(stack)
    try:
        answer = emulator.call(
            "monitoring",
            DESCRIBE,
            AlarmNamePrefix=physical_name("local", ""),
            MaxRecords=RECORDS_MAX,
        )
    finally:
        emulator.close()
    return {each["AlarmName"]: each for each in answer.json()["MetricAlarms"]}


def choose(found: Found) -> Alarm | None:
    """Choose an alarm that is OK: one that rings for a reason is not proved by ours."""
    catalog = {alarm.name: alarm for alarm in alarms_of("local")}
    for alarm in (catalog[each.name] for each in PROVABLE):
        if found[physical_name("local", alarm.name)]["StateValue"] == SILENT:
            return alarm
    return None


def prove(
    stack: LocalStack, alarm: Alarm, progress: Callable[[str], None]
) -> Iterator[Result]:
    """Make an alarm ring, then let the health check publish the true value.

    A run that ends in between leaves it ringing until the next health check.
    """
    known = {each["MessageId"] for each in notifications(stack)}
    leaves_at = time.time() + LEAVES_S
    value = alarm.threshold + 1
    put(stack, alarm, value, leaves_at - alarm.periods * alarm.period_s)
    cause = f"{alarm.metric} {value}"
    rings = _follow(stack, alarm, RINGS, known)
    yield _result("alarms.fires", rings, rings.title(alarm, cause), alarm)

    progress("letting the alarm recover")
    time.sleep(max(0.0, leaves_at - time.time()) + POLL_S)
    with Gateway(stack) as gateway:
        gateway.request(HEALTH_CHECK, token=stack.internal_api_key)
    stops = _follow(stack, alarm, SILENT, known)
    title = stops.title(alarm, "the health check")
    yield _result("alarms.recovers", stops, title, alarm)


def put(stack: LocalStack, alarm: Alarm, value: float, at: float) -> None:
    """Put one value of an alarm's metric, at a time in seconds since 1970."""
    datum = {
        "MetricName": alarm.metric,
        "Dimensions": [
            {"Name": key, "Value": each}
            for key, each in dimensions(alarm, "local").items()
        ],
        "Timestamp": datetime.fromtimestamp(at, UTC),
        "Value": float(value),
    }
    client(stack, "cloudwatch").put_metric_data(
        Namespace=namespace(alarm, "local"), MetricData=[datum]
    )


def notifications(stack: LocalStack) -> list[dict[str, Any]]:
    """Read what the stand-in's webhook received lately.

    Raises:
        DeployError: The stand-in does not answer, or is older than its webhook.
    """
    url = f"{stack.supabase_url}{WEBHOOK}/_received"
    try:
        answer = httpx.get(url, trust_env=False).raise_for_status()
    except httpx.HTTPError as exc:
        raise DeployError(
            f"{url}: the webhook of the stand-in does not answer ({exc!r})",
            remedy="./bootstrap local.stop && ./bootstrap deploy",
        ) from exc
    received: list[dict[str, Any]] = answer.json()["notifications"]
    return received


def _follow(stack: LocalStack, alarm: Alarm, wanted: str, known: set[str]) -> Change:
    """Wait until an alarm has a state and the webhook was told of it."""
    started = time.perf_counter()

    def state() -> dict[str, str]:
        found = look(stack).get(physical_name("local", alarm.name), {})
        value = found.get("StateValue", NO_DATA)
        return {"value": value, "reason": found.get("StateReason", "")}

    seen = _wait(state, lambda each: each["value"] == wanted)
    seen_ms = (time.perf_counter() - started) * 1000
    told = _wait(lambda: _told(stack, alarm, wanted, known), bool)
    told_ms = (time.perf_counter() - started) * 1000
    return Change(
        wanted=wanted, state=seen, state_ms=seen_ms, told=told, told_ms=told_ms
    )


def _told(
    stack: LocalStack, alarm: Alarm, wanted: str, known: set[str]
) -> dict[str, Any] | None:
    """Find the notification of one change, among those that are new."""
    name = physical_name("local", alarm.name)
    for each in notifications(stack):
        message = json.loads(each["Message"]) if each["MessageId"] not in known else {}
        if (message.get("AlarmName"), message.get("NewStateValue")) == (name, wanted):
            return {"subject": each.get("Subject"), "id": each["MessageId"]}
    return None


def _wait(ask: Callable[[], Seen], is_enough: Callable[[Seen], bool]) -> Seen:
    """Ask until the answer is enough, or for the longest time; give the last one."""
    deadline = time.monotonic() + WAIT_S
    while not is_enough(seen := ask()) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return seen


def _result(check_id: str, change: Change, title: str, alarm: Alarm) -> Result:
    """Report one change of state."""
    return Result(
        id=check_id,
        title=title,
        status=Status.PASS if change.is_done else Status.FAIL,
        evidence={
            "metric": f"{namespace(alarm, 'local')} {alarm.metric}",
            "dimensions": dimensions(alarm, "local"),
            "threshold": alarm.threshold,
            "state": dict(change.state),
            "notification": change.told,
        },
        remedy=None if change.is_done else "./bootstrap local.logs --part emulator",
    )
