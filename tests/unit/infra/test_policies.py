# ruff: noqa: E501  # one fault a line reads as a table
import json
from dataclasses import replace

import pytest

from infra.policies import RULES, check
from infra.policies.resources import Finding, Resources


def broken(resources, kind, name, **inputs):
    """The same resources, with one input of one resource changed; None drops it."""
    changed = Resources()
    for each in resources:
        if (each.type, each.name) == (f"aws:{kind}", name):
            merged = {**each.inputs, **inputs}
            kept = {key: value for key, value in merged.items() if value is not None}
            changed.append(replace(each, inputs=kept))
        else:
            changed.append(each)
    return changed


def without(resources, kind, name):
    return Resources(
        each for each in resources if (each.type, each.name) != (f"aws:{kind}", name)
    )


def policy(action, resource, **more):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def rules_broken(resources) -> set[tuple[str, str]]:
    return {(finding.resource, finding.rule) for finding in check(resources)}


def test_an_update_breaks_no_rule(stack):
    assert check(stack[0]) == []


def test_a_preview_with_unknown_values_breaks_no_rule(preview):
    assert check(preview) == []


GROUP, KEY, QUEUE = "cloudwatch/logGroup:LogGroup", "kms/key:Key", "sqs/queue:Queue"
FUNCTION, RIGHTS = "lambda/function:Function", "iam/rolePolicy:RolePolicy"
MAPPING = "lambda/eventSourceMapping:EventSourceMapping"
PERMISSION, SCHEDULE = "lambda/permission:Permission", "scheduler/schedule:Schedule"
FAILURES = "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
PLAIN = {"variables": {"JWT_SECRET": "s" * 40}}
URL = {"variables": {"PRIMARY": "postgresql://u:p@host/db"}}
NO_GROUP = {"logFormat": "JSON", "logGroup": "/aws/lambda/other"}
PUT_METRIC = "cloudwatch:PutMetricData"
TRUST = json.dumps({"Statement": [{"Principal": {"AWS": "arn:aws:iam::1:root"}}]})

ALARM, TOPIC = "cloudwatch/metricAlarm:MetricAlarm", "sns/topic:Topic"
TOPIC_POLICY, KEY_POLICY = "sns/topicPolicy:TopicPolicy", "kms/keyPolicy:KeyPolicy"
ALARMS_ONLY = {"Principal": {"Service": "cloudwatch.amazonaws.com"}}
ANYBODY = policy("sns:Publish", "*", Principal="*")
ANY_ACCOUNT = policy("sns:Publish", "*", **ALARMS_ONLY)
READ_ONLY = policy("kms:Decrypt", "*", **ALARMS_ONLY)

BUDGET = "budgets/budget:Budget"
TOLD_ELSEWHERE = {
    "threshold": 80.0,
    "subscriberSnsTopicArns": ["arn:aws:sns:eu-central-1:123456789012:other"],
}
OF_US = {
    "Condition": {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*"},
    }
}
OURS_ONLY = policy("sns:Publish", "*", **ALARMS_ONLY, **OF_US)

FAULTS = [
    (PERMISSION, "chat-send-url-public", {"functionUrlAuthType": "AWS_IAM"}, "chat-send-url", "public_urls_have_both_permissions"),
    (PERMISSION, "chat-send-url-invoke", {"qualifier": "other"}, "chat-send-url", "public_urls_have_both_permissions"),
    (PERMISSION, "chat-send-url-invoke", {"invokedViaFunctionUrl": None}, "chat-send-url-invoke", "functions_are_open_only_by_url"),
    (RIGHTS, "chat-send-role-rights", {"policy": policy("sqs:*", "arn:aws:sqs:::q")}, "chat-send-role-rights", "no_action_has_a_wildcard"),
    (RIGHTS, "chat-send-role-rights", {"policy": policy(["sqs:SendMessage"], "*")}, "chat-send-role-rights", "any_resource_has_a_reason"),
    (RIGHTS, "health-check-role-rights", {"policy": policy(PUT_METRIC, "*")}, "health-check-role-rights", "any_resource_has_a_reason"),
    ("iam/role:Role", "chat-send-role", {"assumeRolePolicy": TRUST}, "chat-send-role", "roles_trust_services_only"),
    (ALARM, "alarms-outbox-age", {"alarmActions": None}, "alarms-outbox-age", "alarms_have_actions"),
    (ALARM, "alarms-outbox-age", {"okActions": []}, "alarms-outbox-age", "alarms_have_actions"),
    (ALARM, "alarms-outbox-age", {"treatMissingData": None}, "alarms-outbox-age", "alarms_say_what_silence_means"),
    (TOPIC_POLICY, "alarms-policy", {"policy": ANYBODY}, "alarms", "topics_admit_only_our_alarms"),
    (TOPIC_POLICY, "alarms-policy", {"policy": ANY_ACCOUNT}, "alarms", "topics_admit_only_our_alarms"),
    (TOPIC, "alarms", {"kmsMasterKeyId": None}, "alarms", "topics_are_encrypted_with_a_key_for_alarms"),
    (TOPIC, "alarms", {"kmsMasterKeyId": "alias/aws/sns"}, "alarms", "topics_are_encrypted_with_a_key_for_alarms"),
    (KEY_POLICY, "functions-policy", {"policy": READ_ONLY}, "alarms", "topics_are_encrypted_with_a_key_for_alarms"),
    (GROUP, "chat-send-logs", {"retentionInDays": None}, "chat-send-logs", "logs_expire"),
    (FUNCTION, "chat-send", {"loggingConfig": NO_GROUP}, "chat-send", "functions_log_into_a_group_of_ours"),
    (FUNCTION, "chat-send", {"kmsKeyArn": None}, "chat-send", "secrets_are_encrypted_with_our_key"),
    (FUNCTION, "chat-send", {"environment": PLAIN}, "chat-send", "secrets_are_secret"),
    (FUNCTION, "chat-send", {"environment": URL}, "chat-send", "secrets_are_secret"),
    (QUEUE, "llm-requests", {"sqsManagedSseEnabled": None}, "llm-requests", "queues_are_encrypted"),
    (KEY, "functions", {"enableKeyRotation": False}, "functions", "keys_rotate"),
    (QUEUE, "llm-requests", {"redrivePolicy": None}, "llm-requests", "queues_have_dead_letters"),
    (QUEUE, "llm-requests", {"visibilityTimeoutSeconds": 60.0}, "llm-requests", "messages_stay_hidden_while_worked_on"),
    (RIGHTS, "llm-requests-consumer-rights", {"policy": policy("sqs:ReceiveMessage", "arn:aws:sqs:::other")}, "llm-requests-consumer", "consumers_may_poll"),
    (MAPPING, "llm-requests-consumer", {"functionResponseTypes": None}, "llm-requests-consumer", "consumers_report_each_message"),
    (RIGHTS, "health-check-hourly-reporting", {"role": "kiloscale-test-chat-send"}, "health-check-hourly-failures", "failures_may_be_reported"),
    (FAILURES, "health-check-hourly-failures", {"destinationConfig": None}, "health-check-hourly-failures", "failures_may_be_reported"),
    (SCHEDULE, "health-check-hourly", {"scheduleExpression": "rate(1 hours)"}, "health-check-hourly", "schedules_are_valid"),
    (SCHEDULE, "health-check-hourly", {"scheduleExpression": "rate(2 hour)"}, "health-check-hourly", "schedules_are_valid"),
    (SCHEDULE, "health-check-hourly", {"scheduleExpression": "cron(0 * * * *)"}, "health-check-hourly", "schedules_are_valid"),
    (RIGHTS, "health-check-hourly-role-rights", {"policy": policy("sqs:SendMessage", "*")}, "health-check-hourly", "schedules_reach_their_target"),
    (BUDGET, "budget", {"notifications": []}, "budget", "budgets_are_heard"),
    (BUDGET, "budget", {"notifications": [{"threshold": 80.0}]}, "budget", "budgets_are_heard"),
    (BUDGET, "budget", {"notifications": [TOLD_ELSEWHERE]}, "budget", "budgets_are_heard"),
    (TOPIC_POLICY, "alarms-policy", {"policy": OURS_ONLY}, "budget", "budgets_are_heard"),
    (KEY_POLICY, "functions-policy", {"policy": READ_ONLY}, "budget", "budgets_are_heard"),
    ("ssm/parameter:Parameter", "secrets-digests", {"type": "String"}, "secrets-digests", "parameters_are_encrypted_with_our_key"),
    ("ssm/parameter:Parameter", "secrets-digests", {"keyId": "alias/aws/ssm"}, "secrets-digests", "parameters_are_encrypted_with_our_key"),
    ("ssm/parameter:Parameter", "secrets-digests", {"value": "{}"}, "secrets-digests", "parameters_are_secret"),
    (FUNCTION, "chat-send", {"publish": None}, "chat-send", "functions_are_published"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "inputs", "at", "rule"),
    FAULTS,
    ids=[f"{fault[4]}-{number}" for number, fault in enumerate(FAULTS)],
)
def test_a_fault_is_found_where_it_is(stack, kind, name, inputs, at, rule):
    resources = broken(stack[0], kind, name, **inputs)

    assert resources != stack[0]
    assert (at, rule) in rules_broken(resources)


@pytest.mark.parametrize(
    ("kind", "name", "at", "rule"),
    [
        (PERMISSION, "chat-send-url-public", "chat-send-url", "public_urls_have_both_permissions"),
        (PERMISSION, "chat-send-url-invoke", "chat-send-url", "public_urls_have_both_permissions"),
        (RIGHTS, "llm-requests-consumer-rights", "llm-requests-consumer", "consumers_may_poll"),
        (RIGHTS, "relay-outbox-minutely-role-rights", "relay-outbox-minutely", "schedules_reach_their_target"),
        (GROUP, "llm-handler-logs", "llm-handler", "functions_log_into_a_group_of_ours"),
        (TOPIC_POLICY, "alarms-policy", "alarms", "topics_admit_only_our_alarms"),
        (KEY_POLICY, "functions-policy", "alarms", "topics_are_encrypted_with_a_key_for_alarms"),
        ("lambda/alias:Alias", "chat-send-live", "chat-send", "functions_are_published"),
    ],
)  # fmt: skip
def test_what_is_missing_is_found(stack, kind, name, at, rule):
    assert (at, rule) in rules_broken(without(stack[0], kind, name))


def test_every_rule_has_a_fault_that_breaks_it():
    assert {fault[4] for fault in FAULTS} <= {rule.__name__ for rule in RULES}


def test_a_finding_says_what_follows(stack):
    resources = without(stack[0], PERMISSION, "chat-send-url-invoke")

    assert check(resources) == [
        Finding(
            resource="chat-send-url",
            rule="public_urls_have_both_permissions",
            what="no permission lambda:InvokeFunction with invokedViaFunctionUrl True:"
            " each call is refused",
        )
    ]
