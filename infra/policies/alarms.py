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

CLOUDWATCH = "cloudwatch.amazonaws.com"
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
    policies = list(resources.of("sns/topicPolicy:TopicPolicy"))
    for topic in resources.of("sns/topic:Topic"):
        arn = topic.outputs.get("arn")
        if any(policy.is_unknown("arn") for policy in policies):
            continue
        ours = [policy for policy in policies if policy.get("arn") == arn]
        found = [each for policy in ours for each in statements(policy)]
        if not any(_admits_our_alarms(each, {"sns:Publish"}) for each in found):
            what = "no policy lets the stack's alarms publish: none is ever heard"
            yield topic.finding(topics_admit_only_our_alarms, what)
        for each in found:
            if not _admits_our_alarms(each, set()):
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
        elif not _encrypts_for_alarms(resources, key):
            what = f"the policy of its key does not let {CLOUDWATCH} encrypt"
            yield topic.finding(topics_are_encrypted_with_a_key_for_alarms, what)


def _encrypts_for_alarms(resources: Resources, key: Registered) -> bool:
    """Whether a key's policy admits the stack's alarms; yes if it is unknown."""
    for policy in resources.of("kms/keyPolicy:KeyPolicy"):
        if policy.get("keyId") != key.outputs.get("keyId"):
            continue
        if policy.is_unknown("policy"):
            return True
        if any(_admits_our_alarms(each, KEY_ACTIONS) for each in statements(policy)):
            return True
    return False


def _admits_our_alarms(statement: dict[str, Any], actions: set[str]) -> bool:
    """Whether a statement admits alarms of one stack, and to all of these actions."""
    conditions = statement.get("Condition", {}).values()
    keys = {key for condition in conditions for key in condition}
    return (
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": CLOUDWATCH}
        and actions <= set(several(statement["Action"]))
        and keys >= OF_ONE_STACK
    )


RULES: tuple[Rule, ...] = (
    alarms_have_actions,
    alarms_say_what_silence_means,
    topics_admit_only_our_alarms,
    topics_are_encrypted_with_a_key_for_alarms,
)
