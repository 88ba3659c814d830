"""Rules on alarms: that somebody can hear them."""

import json
from collections.abc import Iterator
from typing import Any

from infra.policies.resources import (
    Finding,
    Registered,
    Resources,
    Rule,
    is_known,
    several,
    statements,
)

CLOUDWATCH, BUDGETS = "cloudwatch.amazonaws.com", "budgets.amazonaws.com"
KEY_ACTIONS = {"kms:Decrypt", "kms:GenerateDataKey*"}
"""What a service needs to publish to an encrypted topic (Amazon SNS developer guide,
"Key management")."""

OF_ONE_STACK = {"aws:SourceAccount", "aws:SourceArn"}
"""Condition keys without which other accounts' alarms would be admitted too."""


def alarms_have_actions(resources: Resources) -> Iterator[Finding]:
    """Find alarms that nobody is told of, or whose end nobody is told of."""
    for alarm in resources.of("cloudwatch/metricAlarm:MetricAlarm"):
        for key in ("alarmActions", "okActions"):
            if not alarm.is_unknown(key) and not alarm.get(key):
                yield alarm.finding(alarms_have_actions, f"no {key}: nobody is told")


def alarms_say_what_silence_means(resources: Resources) -> Iterator[Finding]:
    """Find alarms that leave the treatment of missing data to a default."""
    for alarm in resources.of("cloudwatch/metricAlarm:MetricAlarm"):
        if not alarm.get("treatMissingData"):
            what = "no treatMissingData: decide what a metric without data means"
            yield alarm.finding(alarms_say_what_silence_means, what)


def topics_admit_only_our_alarms(resources: Resources) -> Iterator[Finding]:
    """Find topics to which alarms cannot publish, or too many can."""
    for topic in resources.of("sns/topic:Topic"):
        found = _policy_of(resources, topic)
        if found is None:
            continue
        if not any(_admits(each, CLOUDWATCH, {"sns:Publish"}) for each in found):
            what = "no policy lets the stack's alarms publish: none is ever heard"
            yield topic.finding(topics_admit_only_our_alarms, what)
        for each in found:
            if not any(_admits(each, who, set()) for who in (CLOUDWATCH, BUDGETS)):
                what = f"{json.dumps(each['Principal'])} may {each['Action']}"
                yield topic.finding(topics_admit_only_our_alarms, what)


def topics_are_encrypted_with_a_key_for_alarms(
    resources: Resources,
) -> Iterator[Finding]:
    """Find topics in plain text, or with a key that alarms may not use."""
    for topic in resources.of("sns/topic:Topic"):
        key_arn = topic.get("kmsMasterKeyId")
        if not is_known(key_arn):
            continue
        key = resources.find("kms/key:Key", arn=key_arn)
        if not key_arn or not key:
            what = "not encrypted with a key of the stack; AWS's own admits no alarm"
            yield topic.finding(topics_are_encrypted_with_a_key_for_alarms, what)
        elif not _encrypts_for(CLOUDWATCH, resources, key):
            what = f"the policy of its key does not let {CLOUDWATCH} encrypt"
            yield topic.finding(topics_are_encrypted_with_a_key_for_alarms, what)


def budgets_are_heard(resources: Resources) -> Iterator[Finding]:
    """Find budgets that tell nobody, or a topic that does not admit them."""
    for budget in resources.of("budgets/budget:Budget"):
        told = budget.get("notifications") or []
        if not is_known(told):
            continue
        if not told:
            yield budget.finding(budgets_are_heard, "no notifications: nobody is told")
        for each in told:
            topics = each.get("subscriberSnsTopicArns") or []
            if not topics and not each.get("subscriberEmailAddresses"):
                what = f"nobody is told at {each['threshold']:.0f} %"
                yield budget.finding(budgets_are_heard, what)
        arns = {a for each in told for a in each.get("subscriberSnsTopicArns") or []}
        for arn in sorted(arns):
            if why := _unheard(resources, arn):
                yield budget.finding(budgets_are_heard, why)


def _unheard(resources: Resources, topic_arn: str) -> str | None:
    """Say why a budget's notification would not pass a topic; ``None`` if it would."""
    topic = resources.find("sns/topic:Topic", arn=topic_arn)
    if topic is None:
        return f"tells {topic_arn}, which the stack does not declare"
    found = _policy_of(resources, topic)
    if found is None:
        return None
    if not any(_admits(each, BUDGETS, {"sns:Publish"}) for each in found):
        return f"{topic.name} does not let {BUDGETS} publish: nothing is ever heard"
    key = resources.find("kms/key:Key", arn=topic.get("kmsMasterKeyId"))
    if key is not None and not _encrypts_for(BUDGETS, resources, key):
        return f"the key of {topic.name} does not let {BUDGETS} encrypt"
    return None


def _policy_of(resources: Resources, topic: Registered) -> list[dict[str, Any]] | None:
    """Give the statements of a topic's policy; ``None`` while that is unknown."""
    policies = list(resources.of("sns/topicPolicy:TopicPolicy"))
    if any(policy.is_unknown("arn") for policy in policies):
        return None
    ours = [each for each in policies if each.get("arn") == topic.outputs.get("arn")]
    return [each for policy in ours for each in statements(policy)]


def _encrypts_for(service: str, resources: Resources, key: Registered) -> bool:
    """Whether a key's policy admits a service; yes if it is unknown."""
    for policy in resources.of("kms/keyPolicy:KeyPolicy"):
        if policy.get("keyId") != key.outputs.get("keyId"):
            continue
        if policy.is_unknown("policy"):
            return True
        if any(_admits(each, service, KEY_ACTIONS) for each in statements(policy)):
            return True
    return False


def _admits(statement: dict[str, Any], service: str, actions: set[str]) -> bool:
    """Whether a statement admits a service for us alone, to all of these actions."""
    conditions = statement.get("Condition", {}).values()
    keys = {key for condition in conditions for key in condition}
    return (
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": service}
        and actions <= set(several(statement["Action"]))
        and keys >= OF_ONE_STACK
    )


RULES: tuple[Rule, ...] = (
    alarms_have_actions,
    alarms_say_what_silence_means,
    topics_admit_only_our_alarms,
    topics_are_encrypted_with_a_key_for_alarms,
    budgets_are_heard,
)
