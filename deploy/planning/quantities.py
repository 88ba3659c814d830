"""How much of everything a stack uses in a month: its declared resources times a load.

Memory, architecture, schedules, retention and all counts are read off the recorded
resources; calls and durations come from `infra.catalog.loads`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.catalog import loads, prices
from infra.catalog.loads import MONTH_S, Load
from infra.catalog.schedules import SCHEDULES
from infra.catalog.unit_price import UnitPrice
from infra.policies.resources import Registered, Resources

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
CACHE = re.compile(r"CACHE_[A-Z_]+_S")
UNITS_S = {"minute": 60, "hour": 3_600, "day": 86_400}
OWN_NAMESPACE = "Kiloscale/"
FUNCTION = "lambda/function:Function"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
EDGE_FUNCTION = "aws:cloudfront/function:Function"
WORKER = "cloudflare:index/workersScript:WorkersScript"
FRONT = "api-front"
"""How the names of a front's resources begin; all else of the edge serves images."""

MIB_A_GB = 1_024
"""AWS's GB-second is of 1,024 MB."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """How much of one priced thing is used.

    Attributes:
        price: What it is, and what it costs.
        amount: How many, in a month.
        because: Where the amount comes from, in a few words.
    """

    price: UnitPrice
    amount: float
    because: str


@dataclass(kw_only=True)
class Month:
    """What one month takes.

    Attributes:
        quantities: What is counted.
        not_counted: What is declared and not in it, each with the reason.
    """

    quantities: list[Quantity] = field(default_factory=list)
    not_counted: list[str] = field(default_factory=list)

    def add(self, price: UnitPrice, amount: float, because: str) -> None:
        """Count something; nothing is not worth a line."""
        if amount:
            found = Quantity(price=price, amount=amount, because=because)
            self.quantities.append(found)


def of(resources: Resources, load: Load) -> Month:
    """Count what a stack uses in a month under a load."""
    month = Month()
    calls = _calls(resources, load, month)
    _functions(resources, calls, month)
    _queues(resources, load, month)
    _alarms(resources, load, month)
    _metrics(resources, calls, month)
    _logs(resources, calls, month)
    keys = len(list(resources.of("kms/key:Key")))
    month.add(prices.KMS_KEYS, keys, f"{keys} declared")
    parameters = len(list(resources.of("ssm/parameter:Parameter")))
    month.add(prices.PARAMETERS, parameters, f"{parameters} declared")
    _edge(resources, load, month)
    return month


def _calls(resources: Resources, load: Load, month: Month) -> Counter[str]:
    """Count the invocations of each function, by its name in the program."""
    calls: Counter[str] = Counter()
    names = {each.get("name"): each.name for each in resources.of(FUNCTION)}
    for each in resources.of(FUNCTION):
        use = loads.USES.get(each.name)
        if use is None:
            month.not_counted.append(f"calls of {each.name}: no load is known for it")
        else:
            calls[each.name] += load.of(use.cause)
    fired = 0
    for schedule in resources.of("scheduler/schedule:Schedule"):
        period_s = _period_s(schedule)
        target = str((schedule.get("target") or {}).get("arn")).split(":function:")
        function = names.get(target[-1].partition(":")[0])
        if period_s is None or function is None:
            month.not_counted.append(f"runs of schedule {schedule.name}")
            continue
        calls[function] += MONTH_S // period_s
        fired += MONTH_S // period_s
    month.add(prices.SCHEDULED, fired, "by the declared rates")
    return calls


def _period_s(schedule: Registered) -> int | None:
    """Give how often a schedule fires; ``None`` where its expression does not say."""
    if found := RATE.fullmatch(str(schedule.get("scheduleExpression"))):
        return int(found[1]) * UNITS_S[found[2]]
    known = {each.name: each.period_s for each in SCHEDULES}
    return known.get(schedule.name)


def _functions(resources: Resources, calls: Counter[str], month: Month) -> None:
    """Count requests and GB-seconds."""
    total = sum(calls.values())
    month.add(prices.LAMBDA_REQUESTS, total, "calls of all functions")
    for architecture, price in (
        ("arm64", prices.LAMBDA_GB_S_ARM),
        ("x86_64", prices.LAMBDA_GB_S_X86),
    ):
        gb_s = 0.0
        for each in resources.of(FUNCTION):
            named = each.get("architectures") or ["x86_64"]
            use = loads.USES.get(each.name)
            if use and named == [architecture]:
                gb = float(each.get("memorySize") or 128) / MIB_A_GB
                gb_s += calls[each.name] * use.duration_ms / 1_000 * gb
        month.add(price, gb_s, "calls x assumed durations x declared memory")


def _queues(resources: Resources, load: Load, month: Month) -> None:
    """Count the messages' requests, and Lambda's polls of empty queues."""
    consumers = len(list(resources.of("lambda/eventSourceMapping:EventSourceMapping")))
    if not consumers:
        return
    messages = (load.llm_requests + load.extractions) * loads.REQUESTS_A_MESSAGE
    polls = consumers * loads.POLLERS * MONTH_S // loads.POLL_S
    month.add(
        prices.SQS_REQUESTS,
        messages + polls,
        f"{messages:,} of messages, {polls:,} empty polls of {consumers} consumers",
    )


def _alarms(resources: Resources, load: Load, month: Month) -> None:
    """Count the metrics that alarms look at, and who is told."""
    metrics = sum(
        len([each for each in alarm.get("metricQueries") or [] if each.get("metric")])
        or 1
        for alarm in resources.of("cloudwatch/metricAlarm:MetricAlarm")
    )
    month.add(prices.ALARM_METRICS, metrics, "in the declared alarms")
    told = Counter(
        each.get("protocol")
        for each in resources.of("sns/topicSubscription:TopicSubscription")
    )
    because = f"{load.notifications} notifications, assumed"
    month.add(prices.SNS_EMAILS, told["email"] * load.notifications, because)
    month.add(prices.SNS_HTTPS, told["https"] * load.notifications, because)


def _metrics(resources: Resources, calls: Counter[str], month: Month) -> None:
    """Count the stack's own gauges, the dashboard, and what a health check reads."""
    own = {
        str(each.get("metricName"))
        for each in resources.of("cloudwatch/metricAlarm:MetricAlarm")
        if str(each.get("namespace")).startswith(OWN_NAMESPACE)
    }
    boards = list(resources.of("cloudwatch/dashboard:Dashboard"))
    drawn = {name for board in boards for name in _own_metrics(board)}
    gauges = len(own | drawn)
    caches = sum(_cache_metrics(each) for each in resources.of(FUNCTION))
    month.add(
        prices.CUSTOM_METRICS,
        gauges + caches,
        f"{gauges} gauges in alarms and dashboard, {caches} counts of caches",
    )
    month.add(prices.DASHBOARDS, len(boards), f"{len(boards)} declared")
    checks = calls["health-check"]
    month.add(
        prices.METRICS_READ,
        checks * loads.METRICS_READ_A_CHECK,
        f"{checks:,} health checks, {loads.METRICS_READ_A_CHECK} each, assumed",
    )


def _cache_metrics(function: Registered) -> int:
    """Count the metrics of a function's caches: hits and misses of each."""
    variables = (function.get("environment") or {}).get("variables") or {}
    if "METRICS_NAMESPACE" not in variables:
        return 0
    # How long an absent row is remembered is a setting of every cache, not one more.
    caches = [name for name in variables if CACHE.fullmatch(name)]
    return 2 * len([name for name in caches if name != "CACHE_ABSENT_S"])


def _own_metrics(board: Registered) -> Iterator[str]:
    """Give the names of the stack's own metrics that a dashboard draws."""
    pattern = re.compile(rf'\["{OWN_NAMESPACE}[^"]*", *"([^"]+)"')
    yield from pattern.findall(str(board.get("dashboardBody")))


def _logs(resources: Resources, calls: Counter[str], month: Month) -> None:
    """Count what is written to logs, and how much of it is there at a time."""
    written = sum(calls.values()) * loads.LOG_BYTES_A_CALL / 1e9
    groups = list(resources.of("cloudwatch/logGroup:LogGroup"))
    if not groups:
        return
    days = max(float(each.get("retentionInDays") or 3_653) for each in groups)
    month.add(
        prices.LOGS_GB_IN, written, f"{loads.LOG_BYTES_A_CALL:,} bytes a call, assumed"
    )
    kept = written * days / (MONTH_S / 86_400) * loads.LOG_COMPRESSION
    month.add(prices.LOGS_GB_KEPT, kept, f"{days:.0f} days, compressed")


def _edge(resources: Resources, load: Load, month: Month) -> None:
    """Count what CDN and front pass on, where the stack declares them."""
    served = {
        kind: [_served(each, load) for each in resources if each.type == kind]
        for kind in (DISTRIBUTION, EDGE_FUNCTION, WORKER)
    }
    because = "the plan's 600 MB of images a day, and the app's calls where a front is"
    month.add(prices.CLOUDFRONT_REQUESTS, sum(served[DISTRIBUTION]), because)
    images = any(each == load.edge_requests for each in served[DISTRIBUTION])
    month.add(prices.CLOUDFRONT_GB, load.edge_gb if images else 0, "images only")
    month.add(prices.CLOUDFRONT_FUNCTIONS, sum(served[EDGE_FUNCTION]), because)
    requests = sum(served[WORKER])
    month.add(prices.WORKERS_REQUESTS, requests, because)
    if requests * 86_400 / MONTH_S > prices.WORKERS_FREE_A_DAY:
        month.add(prices.WORKERS_PLAN, 1, "more than the free plan's requests")


def _served(resource: Registered, load: Load) -> int:
    """Give the requests of a part of the edge: a front's, or those for images."""
    is_front = resource.name.startswith(FRONT)
    return load.app_requests if is_front else load.edge_requests


def plain(amount: float) -> Any:
    """Give an amount as a whole number where it is one."""
    return int(amount) if float(amount).is_integer() else round(amount, 3)
