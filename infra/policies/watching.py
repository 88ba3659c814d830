"""Rules on what is watched: everything that can fail, and nothing that is not there."""

from collections.abc import Iterator, Mapping

from infra.policies.resources import Finding, Registered, Resources, Rule, is_known

ALARM = "cloudwatch/metricAlarm:MetricAlarm"

GAUGES = frozenset(
    {
        "CronFailures",
        "DatabaseBytes",
        "MonthToDateInvocations",
        "OutboxOldestSeconds",
        "RealtimeConnections",
    }
)
"""What `functions/health_check` publishes. Not from the catalog: a rule must not follow
what it checks. A test compares it with the function."""

OURS = "Kiloscale/"

METRICS: Mapping[str, tuple[str, frozenset[str]]] = {
    "AWS/Lambda": (
        "FunctionName",
        frozenset(
            {
                "ConcurrentExecutions",
                "Duration",
                "Errors",
                "Invocations",
                "Throttles",
                "Url4xxCount",
                "Url5xxCount",
                "UrlRequestCount",
                "UrlRequestLatency",
                "AsyncEventAge",
                "AsyncEventsDropped",
                "DeadLetterErrors",
                "DestinationDeliveryFailures",
            }
        ),
    ),
    "AWS/SQS": (
        "QueueName",
        frozenset(
            {
                "ApproximateAgeOfOldestMessage",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesVisible",
                "NumberOfMessagesDeleted",
                "NumberOfMessagesReceived",
                "NumberOfMessagesSent",
            }
        ),
    ),
    "AWS/CloudFront": (
        "DistributionId",
        frozenset(
            {
                "4xxErrorRate",
                "5xxErrorRate",
                "BytesDownloaded",
                "BytesUploaded",
                "CacheHitRate",
                "OriginLatency",
                "Requests",
                "TotalErrorRate",
            }
        ),
    ),
}
"""The dimension and the metrics of a namespace, as the services' guides list them."""

WINDOW_S_MAX = 86_400
LONG_WINDOW_S_MAX = 7 * 86_400
"""What periods may span together: a day, and a week from periods of an hour on
(PutMetricAlarm, "EvaluationPeriods")."""


def functions_have_an_errors_alarm(resources: Resources) -> Iterator[Finding]:
    """Find functions that may fail unheard."""
    for function in resources.of("lambda/function:Function"):
        wanted = {"FunctionName": function.get("name")}
        if not _is_watched(resources, "AWS/Lambda", "Errors", wanted):
            what = "no alarm on its Errors: it may fail unheard"
            yield function.finding(functions_have_an_errors_alarm, what)


def public_urls_have_an_alarm(resources: Resources) -> Iterator[Finding]:
    """Find public functions that may answer with 5xx unheard."""
    for url in resources.of("lambda/functionUrl:FunctionUrl"):
        wanted = {"FunctionName": url.get("functionName")}
        known = is_known(wanted)
        if known and not _is_watched(resources, "AWS/Lambda", "Url5xxCount", wanted):
            what = "no alarm on Url5xxCount: an answer of 5xx is no error to Lambda"
            yield url.finding(public_urls_have_an_alarm, what)


def dead_letters_have_an_alarm(resources: Resources) -> Iterator[Finding]:
    """Find dead-letter queues that may fill unseen."""
    for queue in resources.of("sqs/queue:Queue"):
        name = str(queue.get("name"))
        if not name.endswith("-dead-letters"):
            continue
        metric = "ApproximateNumberOfMessagesVisible"
        if not _is_watched(resources, "AWS/SQS", metric, {"QueueName": name}):
            what = f"no alarm on its {metric}: work is lost unseen after 14 days"
            yield queue.finding(dead_letters_have_an_alarm, what)


def alarms_watch_what_exists(resources: Resources) -> Iterator[Finding]:
    """Find alarms on a metric that never has data."""
    there = {
        "FunctionName": {
            e.get("name") for e in resources.of("lambda/function:Function")
        },
        "QueueName": {e.get("name") for e in resources.of("sqs/queue:Queue")},
    }
    for alarm in resources.of(ALARM):
        namespace, metric = str(alarm.get("namespace")), alarm.get("metricName")
        dimensions = alarm.get("dimensions") or {}
        if not metric or not is_known(dimensions):
            continue
        if namespace.startswith(OURS):
            wrong = _gauge_problem(namespace, metric, dimensions)
        else:
            wrong = _metric_problem(namespace, metric, dimensions, there)
        if wrong:
            what = f"{wrong}: the metric never has data"
            yield alarm.finding(alarms_watch_what_exists, what)


def alarms_can_be_evaluated(resources: Resources) -> Iterator[Finding]:
    """Find alarms whose periods PutMetricAlarm refuses."""
    for alarm in resources.of(ALARM):
        period, periods = alarm.get("period"), alarm.get("evaluationPeriods")
        if not period or not periods or not is_known([period, periods]):
            continue
        longest = LONG_WINDOW_S_MAX if period >= 3_600 else WINDOW_S_MAX
        needed = alarm.get("datapointsToAlarm") or periods
        if period not in {10, 20, 30} and period % 60:
            what = f"period {period:.0f}: 10, 20, 30 or a multiple of 60"
            yield alarm.finding(alarms_can_be_evaluated, what)
        if period * periods > longest:
            what = f"{periods:.0f} periods of {period:.0f} s are above {longest} s"
            yield alarm.finding(alarms_can_be_evaluated, what)
        if needed > periods:
            what = f"datapointsToAlarm {needed:.0f} of {periods:.0f}: it never rings"
            yield alarm.finding(alarms_can_be_evaluated, what)


def _gauge_problem(
    namespace: str, metric: str, dimensions: Mapping[str, str]
) -> str | None:
    """Say why a gauge of ours does not exist."""
    if metric not in GAUGES:
        return f"nobody publishes {metric}"
    if dimensions != {"Stack": namespace.removeprefix(OURS)}:
        return f"{namespace} {metric} has other dimensions than {dimensions}"
    return None


def _metric_problem(
    namespace: str,
    metric: str,
    dimensions: Mapping[str, str],
    there: Mapping[str, set[object]],
) -> str | None:
    """Say why a metric of AWS does not exist."""
    if namespace not in METRICS:
        return f"namespace {namespace} is not among {', '.join(METRICS)}"
    dimension, metrics = METRICS[namespace]
    if metric not in metrics:
        return f"{namespace} has no {metric}"
    if dimension not in dimensions:
        return f"{namespace} {metric} needs the dimension {dimension}"
    value = dimensions[dimension]
    if dimension in there and value not in there[dimension]:
        return f"{dimension} {value} is not of this stack"
    return None


def _is_watched(
    resources: Resources, namespace: str, metric: str, dimensions: Mapping[str, object]
) -> bool:
    """Whether an alarm watches a metric."""
    return any(_watches(e, namespace, metric, dimensions) for e in resources.of(ALARM))


def _watches(
    alarm: Registered, namespace: str, metric: str, dimensions: Mapping[str, object]
) -> bool:
    """Whether this alarm does."""
    return (
        alarm.get("namespace") == namespace
        and alarm.get("metricName") == metric
        and alarm.get("dimensions") == dimensions
        and alarm.get("actionsEnabled") is not False
    )


RULES: tuple[Rule, ...] = (
    functions_have_an_errors_alarm,
    public_urls_have_an_alarm,
    dead_letters_have_an_alarm,
    alarms_watch_what_exists,
    alarms_can_be_evaluated,
)
