"""The two or three inputs of a resource that a person asks about first."""

from collections import Counter
from collections.abc import Callable, Sequence

from infra.policies.resources import Registered, Resources

DAY_S = 86_400

Highlight = Callable[[Registered], str]


def _function(each: Registered) -> str:
    architecture = "/".join(each.get("architectures") or [])
    text = (
        f"{each.get('memorySize'):.0f} MiB, {each.get('timeout'):.0f} s,"
        f" {each.get('runtime')} {architecture}"
    )
    reserved = each.get("reservedConcurrentExecutions")
    return text if reserved is None else f"{text}, {reserved:.0f} at most at a time"


def _url(each: Registered) -> str:
    return "public URL" if each.get("authorizationType") == "NONE" else "URL with IAM"


def _queue(each: Registered) -> str:
    days = float(each.get("messageRetentionSeconds") or 0) / DAY_S
    if not each.inputs.get("redrivePolicy"):
        return f"dead letters kept {days:g} days"
    hidden = float(each.get("visibilityTimeoutSeconds") or 0)
    return f"messages hidden {hidden:.0f} s, kept {days:g} days"


def _consumer(each: Registered) -> str:
    most = (each.get("scalingConfig") or {}).get("maximumConcurrency")
    text = f"batches of {each.get('batchSize'):.0f}"
    return f"{text}, {most:.0f} at most at a time" if most else text


def _key(each: Registered) -> str:
    rotates = "rotates" if each.get("enableKeyRotation") else "does not rotate"
    return f"{rotates}, {each.get('deletionWindowInDays'):.0f} days until deleted"


def _aliases(each: Registered) -> str:
    return ", ".join(each.get("aliases") or []) or "CloudFront's own name"


def _input(name: str, text: str = "{}") -> Highlight:
    def highlight(each: Registered) -> str:
        value = each.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return text.format(value)

    return highlight


HIGHLIGHTS: dict[str, Highlight] = {
    "aws:lambda/function:Function": _function,
    "aws:lambda/functionUrl:FunctionUrl": _url,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _consumer,
    "aws:cloudwatch/logGroup:LogGroup": _input("retentionInDays", "logs {} days"),
    "aws:sqs/queue:Queue": _queue,
    "aws:scheduler/schedule:Schedule": _input("scheduleExpression"),
    "aws:kms/key:Key": _key,
    "aws:sns/topicSubscription:TopicSubscription": _input("protocol", "tells {}"),
    "pulumi-python:dynamic/kiloscale:PgCronJob": _input("schedule"),
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": _input("hostname"),
    "cloudflare:index/dnsRecord:DnsRecord": _input("name"),
    "aws:cloudfront/distribution:Distribution": _aliases,
}
"""By type token, in the order in which they are shown."""

COUNTED = {"aws:cloudwatch/metricAlarm:MetricAlarm": "alarms"}
"""Types of which only the number is of interest."""


def of(resources: Sequence[Registered]) -> list[str]:
    """Give what matters of the resources of one component."""
    order = list(HIGHLIGHTS)
    shown = [each for each in resources if each.type in HIGHLIGHTS]
    shown.sort(key=lambda each: (order.index(each.type), each.name))
    texts = [HIGHLIGHTS[each.type](each) for each in shown]
    counts = Counter(each.type for each in resources)
    texts += [
        f"{counts[kind]} {word}" for kind, word in COUNTED.items() if counts[kind]
    ]
    return list(dict.fromkeys(texts)) or sorted(
        {short(each.type) for each in resources}
    )


def short(kind: str) -> str:
    """Name a type for a person.

    >>> short("aws:lambda/function:Function")
    'lambda.Function'
    >>> short("kiloscale:infra:WorkQueue")
    'WorkQueue'
    >>> short("cloudflare:index/workersScript:WorkersScript")
    'cloudflare.WorkersScript'
    """
    package, module, name = kind.split(":")
    if package == "kiloscale":
        return name
    if package == "pulumi-python":
        return f"pg_cron.{name}"
    area = module.partition("/")[0]
    return f"{package if area == 'index' else area}.{name}"


def kinds(resources: Resources) -> str:
    """Count the resources by kind, the most frequent first."""
    counts = Counter(short(each.type) for each in resources)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {kind}" for kind, count in ordered)
