"""Rules on queues, schedules and versions: what is accepted must arrive."""

import re
from collections.abc import Iterator

from infra.policies.resources import (
    Finding,
    Registered,
    Resources,
    Rule,
    is_known,
    may,
)

RATE = re.compile(
    r"rate\((?:1 (?:minute|hour|day)|(?!1 )[1-9]\d* (?:minutes|hours|days))\)"
)
CRON = re.compile(r"cron\((\S+ ){5}\S+\)")
"""EventBridge Scheduler user guide, "Schedule types": a rate of 1 takes the singular,
and a cron expression has six fields, the last of which is the year."""

# Not those of the components: a rule must not follow what it checks.
POLL_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
VISIBILITY_TIMEOUTS = 6


def queues_have_dead_letters(resources: Resources) -> Iterator[Finding]:
    """Find queues whose poisoned messages are delivered until they expire."""
    for queue in resources.of("sqs/queue:Queue"):
        # A dead-letter queue is told by its name: in a preview ARNs are unknown.
        is_dead_end = str(queue.get("name")).endswith("-dead-letters")
        if not is_dead_end and not queue.inputs.get("redrivePolicy"):
            yield queue.finding(queues_have_dead_letters, "no redrivePolicy")


def consumers_may_poll(resources: Resources) -> Iterator[Finding]:
    """Find mappings that AWS refuses, since the function's role may not poll."""
    for mapping in resources.of("lambda/eventSourceMapping:EventSourceMapping"):
        function = _function_of(resources, mapping)
        if function is None:
            continue
        role = _role_name(resources, function)
        source = mapping.get("eventSourceArn")
        for action in POLL_ACTIONS:
            if not may(resources, role, action, source):
                what = f"role {role} lacks {action} on {source}: the mapping is refused"
                yield mapping.finding(consumers_may_poll, what)


def consumers_report_each_message(resources: Resources) -> Iterator[Finding]:
    """Find mappings where one bad message fails its whole batch."""
    for mapping in resources.of("lambda/eventSourceMapping:EventSourceMapping"):
        if "ReportBatchItemFailures" not in (
            mapping.get("functionResponseTypes") or []
        ):
            what = "functionResponseTypes lacks ReportBatchItemFailures"
            yield mapping.finding(consumers_report_each_message, what)


def messages_stay_hidden_while_worked_on(resources: Resources) -> Iterator[Finding]:
    """Find queues that hand a message out again while it is worked on."""
    for mapping in resources.of("lambda/eventSourceMapping:EventSourceMapping"):
        function = _function_of(resources, mapping)
        queue = resources.find("sqs/queue:Queue", arn=mapping.get("eventSourceArn"))
        if function is None or queue is None:
            continue
        window = mapping.get("maximumBatchingWindowInSeconds") or 0
        needed = VISIBILITY_TIMEOUTS * function.get("timeout") + window
        if queue.get("visibilityTimeoutSeconds") < needed:
            what = f"visibilityTimeoutSeconds is below {needed:.0f}: duplicates"
            yield queue.finding(messages_stay_hidden_while_worked_on, what)


def failures_may_be_reported(resources: Resources) -> Iterator[Finding]:
    """Find destinations that AWS refuses, since the function's role may not send."""
    kind = "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
    for config in resources.of(kind):
        failure = (config.get("destinationConfig") or {}).get("onFailure") or {}
        target = failure.get("destination")
        function = resources.find(
            "lambda/function:Function", name=config.get("functionName")
        )
        if function is None or not is_known(target):
            continue
        role = _role_name(resources, function)
        if not target or not may(resources, role, "sqs:SendMessage", target):
            what = f"role {role} lacks sqs:SendMessage on the destination {target}"
            yield config.finding(failures_may_be_reported, what)


def schedules_are_valid(resources: Resources) -> Iterator[Finding]:
    """Find expressions that AWS refuses; the emulator accepts them."""
    for schedule in resources.of("scheduler/schedule:Schedule"):
        text = schedule.get("scheduleExpression")
        if is_known(text) and not (RATE.fullmatch(text) or CRON.fullmatch(text)):
            what = f"{text} is neither rate(1 hour), rate(2 hours) nor cron(6 fields)"
            yield schedule.finding(schedules_are_valid, what)


def schedules_reach_their_target(resources: Resources) -> Iterator[Finding]:
    """Find schedules that may not invoke, or lose what they cannot deliver."""
    for schedule in resources.of("scheduler/schedule:Schedule"):
        target = schedule.get("target")
        if not is_known(target):
            continue
        role = _name_of_role(resources, target["roleArn"])
        dead = (target.get("deadLetterConfig") or {}).get("arn")
        if not dead or not may(resources, role, "sqs:SendMessage", dead):
            what = "no dead-letter queue that its role may send to"
            yield schedule.finding(schedules_reach_their_target, what)
        if not may(resources, role, "lambda:InvokeFunction", target["arn"]):
            what = f"role {role} lacks lambda:InvokeFunction on {target['arn']}"
            yield schedule.finding(schedules_reach_their_target, what)


def functions_are_published(resources: Resources) -> Iterator[Finding]:
    """Find functions that cannot be rolled back."""
    aliased = {each.get("functionName") for each in resources.of("lambda/alias:Alias")}
    for function in resources.of("lambda/function:Function"):
        if not function.get("publish") or function.get("name") not in aliased:
            what = "not published behind an alias: there is nothing to roll back to"
            yield function.finding(functions_are_published, what)


def _function_of(resources: Resources, mapping: Registered) -> Registered | None:
    """Give the function behind a mapping's alias; ``None`` while it is unknown."""
    arn = mapping.get("functionName")
    alias = resources.find("lambda/alias:Alias", arn=arn) if is_known(arn) else None
    name = alias.get("functionName") if alias else None
    return resources.find("lambda/function:Function", name=name) if name else None


def _role_name(resources: Resources, function: Registered) -> object:
    """Give the name of a function's role."""
    return _name_of_role(resources, function.get("role"))


def _name_of_role(resources: Resources, arn: object) -> object:
    """Give the name of a role; ``None`` if it is not of this stack."""
    role = resources.find("iam/role:Role", arn=arn)
    return role.get("name") if role else None


RULES: tuple[Rule, ...] = (
    queues_have_dead_letters,
    consumers_may_poll,
    consumers_report_each_message,
    messages_stay_hidden_while_worked_on,
    failures_may_be_reported,
    schedules_are_valid,
    schedules_reach_their_target,
    functions_are_published,
)
