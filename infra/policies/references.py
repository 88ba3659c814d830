"""Rules on references: each names a resource of this stack, and of the right kind."""

import json
from collections.abc import Iterator
from typing import Any

from infra.policies.resources import (
    Finding,
    Registered,
    Resources,
    Rule,
    is_known,
    is_secret,
)

ALIAS, FUNCTION = "lambda/alias:Alias", "lambda/function:Function"
QUEUE, TOPIC = "sqs/queue:Queue", "sns/topic:Topic"
KEY, ROLE = "kms/key:Key", "iam/role:Role"
SCHEDULE = "scheduler/schedule:Schedule"
MAPPING = "lambda/eventSourceMapping:EventSourceMapping"
FAILURES = "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"

REFERENCES = (
    (FUNCTION, "role", ROLE, "arn"),
    (FUNCTION, "kmsKeyArn", KEY, "arn"),
    (ALIAS, "functionName", FUNCTION, "name"),
    ("lambda/functionUrl:FunctionUrl", "functionName", FUNCTION, "name"),
    ("lambda/permission:Permission", "function", FUNCTION, "name"),
    (FAILURES, "functionName", FUNCTION, "name"),
    (FAILURES, "destinationConfig.onFailure.destination", QUEUE, "arn"),
    (MAPPING, "eventSourceArn", QUEUE, "arn"),
    # An alias, as everything that invokes: else there is no release to roll back.
    (MAPPING, "functionName", ALIAS, "arn"),
    (SCHEDULE, "target.arn", ALIAS, "arn"),
    (SCHEDULE, "target.roleArn", ROLE, "arn"),
    (SCHEDULE, "target.deadLetterConfig.arn", QUEUE, "arn"),
    ("iam/rolePolicy:RolePolicy", "role", ROLE, "name"),
    (QUEUE, "redrivePolicy.deadLetterTargetArn", QUEUE, "arn"),
    (
        "sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "redriveAllowPolicy.sourceQueueArns",
        QUEUE,
        "arn",
    ),
    (TOPIC, "kmsMasterKeyId", KEY, "arn"),
    ("sns/topicPolicy:TopicPolicy", "arn", TOPIC, "arn"),
    ("sns/topicSubscription:TopicSubscription", "topic", TOPIC, "arn"),
    ("cloudwatch/metricAlarm:MetricAlarm", "alarmActions", TOPIC, "arn"),
    ("cloudwatch/metricAlarm:MetricAlarm", "okActions", TOPIC, "arn"),
)
"""Type, path of an input, the type that it names, and by which property."""


def references_are_of_this_stack(resources: Resources) -> Iterator[Finding]:
    """Find ARNs and names of what is not there, or is something else."""
    for kind, path, wanted, by in REFERENCES:
        there = {each.outputs.get(by) for each in resources.of(wanted)}
        for resource in resources.of(kind):
            for value in _at(resource, path):
                if value not in there:
                    what = f"{path} is {value}: no {_short(wanted)} of the stack"
                    yield resource.finding(references_are_of_this_stack, what)


def _at(resource: Registered, path: str) -> Iterator[str]:
    """Give what stands at a path, out of JSON and of lists, as far as it is known."""
    first, *rest = path.split(".")
    value: Any = resource.get(first)
    for part in rest:
        if isinstance(value, str):
            value = json.loads(value)
        if is_secret(value):
            value = value["value"]
        value = value.get(part) if isinstance(value, dict) else None
    for item in value if isinstance(value, list) else [value]:
        if item and is_known(item):
            yield item


def _short(kind: str) -> str:
    """Name a type as people do.

    >>> _short("sqs/queue:Queue")
    'sqs.Queue'
    """
    module, _, name = kind.partition(":")
    return f"{module.partition('/')[0]}.{name}"


RULES: tuple[Rule, ...] = (references_are_of_this_stack,)
