"""Rules on queues, schedules and versions: what is accepted must arrive."""

import json
from collections.abc import Iterator

from infra.policies.resources import (
    Finding,
    Registered,
    Resources,
    Rule,
    is_known,
    may,
)
from infra.policies.wiring import function_of, name_of_role, role_name

# Not those of the components: a rule must not follow what it checks.
POLL_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
VISIBILITY_TIMEOUTS = 6

DEFAULT_S = 345_600
"""How long SQS keeps a message unless told: 4 days (SetQueueAttributes)."""


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
        function = function_of(resources, mapping)
        if function is None:
            continue
        role = role_name(resources, function)
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
        function = function_of(resources, mapping)
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
        role = role_name(resources, function)
        if not target or not may(resources, role, "sqs:SendMessage", target):
            what = f"role {role} lacks sqs:SendMessage on the destination {target}"
            yield config.finding(failures_may_be_reported, what)


def schedules_reach_their_target(resources: Resources) -> Iterator[Finding]:
    """Find schedules that may not invoke, or lose what they cannot deliver."""
    for schedule in resources.of("scheduler/schedule:Schedule"):
        target = schedule.get("target")
        if not is_known(target):
            continue
        role = name_of_role(resources, target["roleArn"])
        dead = (target.get("deadLetterConfig") or {}).get("arn")
        if not dead or not may(resources, role, "sqs:SendMessage", dead):
            what = "no dead-letter queue that its role may send to"
            yield schedule.finding(schedules_reach_their_target, what)
        if not may(resources, role, "lambda:InvokeFunction", target["arn"]):
            what = f"role {role} lacks lambda:InvokeFunction on {target['arn']}"
            yield schedule.finding(schedules_reach_their_target, what)


def dead_letters_outlive_their_queue(resources: Resources) -> Iterator[Finding]:
    """Find dead letters that expire before the queue's own messages would."""
    for queue, dead in _with_dead_letters(resources):
        kept, own = (each.get("messageRetentionSeconds") for each in (dead, queue))
        # SQS counts a dead letter's age from when it was first sent.
        if is_known([kept, own]) and (kept or DEFAULT_S) < (own or DEFAULT_S):
            what = f"keeps dead letters {kept or DEFAULT_S:.0f} s and its queue longer"
            yield dead.finding(dead_letters_outlive_their_queue, what)


def dead_letters_admit_their_queue(resources: Resources) -> Iterator[Finding]:
    """Find dead-letter queues that any queue of the account may fill, or ours not."""
    kind = "sqs/redriveAllowPolicy:RedriveAllowPolicy"
    for queue, dead in _with_dead_letters(resources):
        allowed = [
            json.loads(each.get("redriveAllowPolicy"))
            for each in resources.of(kind)
            if each.get("queueUrl") == dead.outputs.get("url")
            and is_known(each.get("redriveAllowPolicy"))
        ]
        if not any(
            queue.outputs.get("arn") in each.get("sourceQueueArns", [])
            for each in allowed
        ):
            what = f"no redriveAllowPolicy names {queue.name}: a redrive is refused"
            yield dead.finding(dead_letters_admit_their_queue, what)


def _with_dead_letters(
    resources: Resources,
) -> Iterator[tuple[Registered, Registered]]:
    """Give each queue with its dead-letter queue, where both are known."""
    for queue in resources.of("sqs/queue:Queue"):
        redrive = queue.get("redrivePolicy")
        if not redrive or not is_known(redrive):
            continue
        arn = json.loads(redrive).get("deadLetterTargetArn")
        if dead := resources.find("sqs/queue:Queue", arn=arn):
            yield queue, dead


def functions_are_published(resources: Resources) -> Iterator[Finding]:
    """Find functions that cannot be rolled back."""
    aliased = {each.get("functionName") for each in resources.of("lambda/alias:Alias")}
    for function in resources.of("lambda/function:Function"):
        if not function.get("publish") or function.get("name") not in aliased:
            what = "not published behind an alias: there is nothing to roll back to"
            yield function.finding(functions_are_published, what)


RULES: tuple[Rule, ...] = (
    queues_have_dead_letters,
    consumers_may_poll,
    consumers_report_each_message,
    messages_stay_hidden_while_worked_on,
    failures_may_be_reported,
    schedules_reach_their_target,
    dead_letters_outlive_their_queue,
    dead_letters_admit_their_queue,
    functions_are_published,
)
