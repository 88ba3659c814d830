# ruff: noqa: E501  # one fault a line reads as a table
"""Faults in what the program declares, which a rule of `infra.policies` must find."""

import json
from typing import Any

from benchmarks.infra.faults import Fault, OutputFault, ResourceFault
from benchmarks.infra.program import SECRETS

ALARM, TOPIC = "cloudwatch/metricAlarm:MetricAlarm", "sns/topic:Topic"
ALIAS, FUNCTION = "lambda/alias:Alias", "lambda/function:Function"
FAILURES = "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
GROUP, KEY, QUEUE = "cloudwatch/logGroup:LogGroup", "kms/key:Key", "sqs/queue:Queue"
JOB = "pulumi-python:dynamic/kiloscale:PgCronJob"
KEY_POLICY, TOPIC_POLICY = "kms/keyPolicy:KeyPolicy", "sns/topicPolicy:TopicPolicy"
MAPPING = "lambda/eventSourceMapping:EventSourceMapping"
PERMISSION, SCHEDULE = "lambda/permission:Permission", "scheduler/schedule:Schedule"
REDRIVE = "sqs/redriveAllowPolicy:RedriveAllowPolicy"
ROLE, RIGHTS = "iam/role:Role", "iam/rolePolicy:RolePolicy"
SUBSCRIPTION, URL = (
    "sns/topicSubscription:TopicSubscription",
    "lambda/functionUrl:FunctionUrl",
)


def policy(action: object, resource: object, **more: object) -> str:
    """Write a policy of one statement; ``None`` as action leaves it out."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    kept = {key: value for key, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


def trust(service: str) -> str:
    """Write a trust policy."""
    return policy("sts:AssumeRole", None, Principal={"Service": service})


PLAIN = {"variables": {"JWT_SECRET": "s" * 40}}
WITH_PASSWORD = {"variables": {"PRIMARY": "postgresql://u:p@host/db"}}
NO_GROUP = {"logFormat": "JSON", "logGroup": "/aws/lambda/other"}
ACCOUNT_TRUST = json.dumps(
    {"Statement": [{"Principal": {"AWS": "arn:aws:iam::1:root"}}]}
)
ALARMS = {"Principal": {"Service": "cloudwatch.amazonaws.com"}}
OURS = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
ARN = "arn:aws:sqs:eu-central-1:123456789012:kiloscale-test-llm-requests"
FUNCTION_ARN = (
    "arn:aws:lambda:eu-central-1:123456789012:function:kiloscale-test-llm-handler"
)
ROLE_ARN = "arn:aws:iam::123456789012:role/kiloscale-test-health-check-hourly"
NO_LOGS = policy(
    "kms:Decrypt",
    "arn:aws:kms:eu-central-1:123456789012:key/0c2c8f36-0000-4000-8000-00000000000a",
)
MESSAGES = "ApproximateNumberOfMessagesVisible"


def _(
    name: str,
    kind: str,
    resource: str,
    inputs: dict[str, Any] | None,
    at: str,
    rule: str,
) -> Fault:
    """Write one row; no inputs leave the resource out, an empty ``at`` is itself."""
    return ResourceFault(
        name=name,
        layer="policies",
        expected=f"{at or resource}: {rule}: ",
        kind=kind,
        resource=resource,
        inputs=inputs or {},
        is_missing=inputs is None,
    )


ACCESS = (
    _("a public URL without InvokeFunctionUrl", PERMISSION, "chat-send-url-public", None, "chat-send-url", "public_urls_have_both_permissions"),
    _("a public URL without InvokeFunction", PERMISSION, "chat-send-url-invoke", None, "chat-send-url", "public_urls_have_both_permissions"),
    _("a URL permission for signed calls only", PERMISSION, "chat-send-url-public", {"functionUrlAuthType": "AWS_IAM"}, "chat-send-url", "public_urls_have_both_permissions"),
    _("a URL permission on another alias", PERMISSION, "chat-send-url-invoke", {"qualifier": "other"}, "chat-send-url", "public_urls_have_both_permissions"),
    _("anybody may invoke by the API", PERMISSION, "chat-send-url-invoke", {"invokedViaFunctionUrl": None}, "", "functions_are_open_only_by_url"),
    _("sqs:* in a role", RIGHTS, "chat-send-role-rights", {"policy": policy("sqs:*", ARN)}, "", "no_action_has_a_wildcard"),
    _("a right on every queue", RIGHTS, "chat-send-role-rights", {"policy": policy(["sqs:SendMessage"], "*")}, "", "any_resource_has_a_reason"),
    _("metrics into any namespace", RIGHTS, "health-check-role-rights", {"policy": policy("cloudwatch:PutMetricData", "*")}, "", "any_resource_has_a_reason"),
    _("a right on queues that begin alike", RIGHTS, "chat-send-role-rights", {"policy": policy("sqs:SendMessage", ARN[:-12] + "*")}, "", "rights_name_whole_resources"),
    _("a right on a queue of any region", RIGHTS, "chat-send-role-rights", {"policy": policy("sqs:SendMessage", "arn:aws:sqs:*:123456789012:q")}, "", "rights_name_whole_resources"),
    _("everything but deleting is allowed", RIGHTS, "chat-send-role-rights", {"policy": policy(None, ARN, NotAction="sqs:DeleteQueue")}, "", "policies_allow_what_they_name"),
    _("a managed policy on a role", ROLE, "chat-send-role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}, "", "roles_have_only_their_own_rights"),
    _("a role that an account may assume", ROLE, "chat-send-role", {"assumeRolePolicy": ACCOUNT_TRUST}, "", "roles_trust_services_only"),
    _("a function's role that Scheduler assumes", ROLE, "chat-send-role", {"assumeRolePolicy": trust("scheduler.amazonaws.com")}, "chat-send", "roles_are_assumed_by_their_user"),
    _("a schedule with a function's role", ROLE, "health-check-hourly-role", {"assumeRolePolicy": trust("lambda.amazonaws.com")}, "health-check-hourly", "roles_are_assumed_by_their_user"),
    _("a key that any account's alarms use", KEY_POLICY, "functions-policy", {"policy": policy("kms:Decrypt", "*", **ALARMS)}, "", "resource_policies_name_who_may"),
    _("a topic that anybody uses", TOPIC_POLICY, "alarms-policy", {"policy": policy("sns:Publish", "*", Principal="*")}, "", "resource_policies_name_who_may"),
    _("kms:* for a service", KEY_POLICY, "functions-policy", {"policy": policy("kms:*", "*", **ALARMS, Condition=OURS)}, "", "resource_policies_name_their_actions"),
    _("sns:* in a topic's policy", TOPIC_POLICY, "alarms-policy", {"policy": policy("sns:*", "*", **ALARMS, Condition=OURS)}, "", "resource_policies_name_their_actions"),
)  # fmt: skip

WATCHING = (
    _("an alarm that tells nobody", ALARM, "alarms-outbox-age", {"alarmActions": None}, "", "alarms_have_actions"),
    _("an alarm whose end is not told", ALARM, "alarms-outbox-age", {"okActions": []}, "", "alarms_have_actions"),
    _("missing data left to a default", ALARM, "alarms-outbox-age", {"treatMissingData": None}, "", "alarms_say_what_silence_means"),
    _("a topic that alarms may not publish to", TOPIC_POLICY, "alarms-policy", None, "alarms", "topics_admit_only_our_alarms"),
    _("a topic that anybody publishes to", TOPIC_POLICY, "alarms-policy", {"policy": policy("sns:Publish", "*", Principal="*")}, "alarms", "topics_admit_only_our_alarms"),
    _("a topic for every account's alarms", TOPIC_POLICY, "alarms-policy", {"policy": policy("sns:Publish", "*", **ALARMS)}, "alarms", "topics_admit_only_our_alarms"),
    _("a topic in plain text", TOPIC, "alarms", {"kmsMasterKeyId": None}, "", "topics_are_encrypted_with_a_key_for_alarms"),
    _("a topic with AWS's own key", TOPIC, "alarms", {"kmsMasterKeyId": "alias/aws/sns"}, "", "topics_are_encrypted_with_a_key_for_alarms"),
    _("a key that alarms may only read with", KEY_POLICY, "functions-policy", {"policy": policy("kms:Decrypt", "*", **ALARMS)}, "alarms", "topics_are_encrypted_with_a_key_for_alarms"),
    _("a key without a policy", KEY_POLICY, "functions-policy", None, "alarms", "topics_are_encrypted_with_a_key_for_alarms"),
    _("a function without an errors alarm", ALARM, "alarms-chat-send-errors", None, "chat-send", "functions_have_an_errors_alarm"),
    _("an errors alarm that is switched off", ALARM, "alarms-chat-send-errors", {"actionsEnabled": False}, "chat-send", "functions_have_an_errors_alarm"),
    _("a URL whose 5xx nobody hears", ALARM, "alarms-chat-send-answers-5xx", None, "chat-send-url", "public_urls_have_an_alarm"),
    _("dead letters that nobody sees", ALARM, "alarms-llm-requests-dead-letters", None, "llm-requests-dead-letters", "dead_letters_have_an_alarm"),
    _("an alarm on a misspelt function", ALARM, "alarms-chat-send-errors", {"dimensions": {"FunctionName": "kiloscale-test-chatsend"}}, "", "alarms_watch_what_exists"),
    _("an alarm with a misspelt dimension", ALARM, "alarms-llm-requests-dead-letters", {"dimensions": {"Queue": "kiloscale-test-llm-requests-dead-letters"}}, "", "alarms_watch_what_exists"),
    _("an alarm on a misspelt metric", ALARM, "alarms-chat-send-errors", {"metricName": "Error"}, "", "alarms_watch_what_exists"),
    _("an alarm on a gauge that nobody publishes", ALARM, "alarms-outbox-age", {"metricName": "OutboxAge"}, "", "alarms_watch_what_exists"),
    _("an alarm on another stack's gauges", ALARM, "alarms-outbox-age", {"namespace": "Kiloscale/production"}, "", "alarms_watch_what_exists"),
    _("an alarm in an unknown namespace", ALARM, "alarms-chat-send-errors", {"namespace": "AWS/lambda"}, "", "alarms_watch_what_exists"),
    _("a period of 90 s", ALARM, "alarms-outbox-age", {"period": 90.0}, "", "alarms_can_be_evaluated"),
    _("periods of more than a day", ALARM, "alarms-chat-send-errors", {"evaluationPeriods": 300.0}, "", "alarms_can_be_evaluated"),
    _("more datapoints than periods", ALARM, "alarms-outbox-age", {"datapointsToAlarm": 3.0}, "", "alarms_can_be_evaluated"),
)  # fmt: skip

DATA = (
    _("a log that is kept for ever", GROUP, "chat-send-logs", {"retentionInDays": None}, "", "logs_expire"),
    _("a log group that Lambda makes", GROUP, "llm-handler-logs", None, "llm-handler", "functions_log_into_a_group_of_ours"),
    _("a log group of another name", FUNCTION, "chat-send", {"loggingConfig": NO_GROUP}, "", "functions_log_into_a_group_of_ours"),
    _("secrets without a key of ours", FUNCTION, "chat-send", {"kmsKeyArn": None}, "", "secrets_are_encrypted_with_our_key"),
    _("a secret variable in plain text", FUNCTION, "chat-send", {"environment": PLAIN}, "", "secrets_are_secret"),
    _("a password within a plain URL", FUNCTION, "chat-send", {"environment": WITH_PASSWORD}, "", "secrets_are_secret"),
    _("a queue in plain text", QUEUE, "llm-requests", {"sqsManagedSseEnabled": None}, "", "queues_are_encrypted"),
    _("notifications over plain HTTP", SUBSCRIPTION, "alarms-webhook", {"protocol": "http", "endpoint": "http://hooks.example.com/x"}, "", "notifications_are_encrypted_on_their_way"),
    _("a subscription by a protocol that does not exist", SUBSCRIPTION, "alarms-email", {"protocol": "mail"}, "", "subscribers_can_be_reached"),
    _("a mail address without a host", SUBSCRIPTION, "alarms-email", {"endpoint": "ops"}, "", "subscribers_can_be_reached"),
    _("a key that never changes", KEY, "functions", {"enableKeyRotation": False}, "", "keys_rotate"),
    _("the JWT secret in a description", FUNCTION, "chat-send", {"description": f"signs with {SECRETS['jwtSecret']}"}, "", "no_input_has_a_secret_in_plain"),
    _("the database URL in a job", JOB, "snapshot-health", {"database": SECRETS["databaseUrl"]}, "", "no_input_has_a_secret_in_plain"),
    _("the webhook's address in plain text", SUBSCRIPTION, "alarms-webhook", {"endpoint": SECRETS["alertWebhook"]}, "", "no_input_has_a_secret_in_plain"),
    _("a pasted key of OpenAI in a schedule", SCHEDULE, "health-check-hourly", {"description": "sk-" + "a1" * 20}, "", "no_input_has_a_secret_in_plain"),
    _("an input named like a password", JOB, "snapshot-health", {"password": "hunter2"}, "", "no_input_has_a_secret_in_plain"),
    OutputFault(name="the service key in an output", layer="policies", expected="keys: no_output_has_a_secret: ", outputs={"keys": {"supabase": SECRETS["supabaseServiceKey"]}}),
    OutputFault(name="the database URL in an output", layer="policies", expected="databaseUrl: no_output_has_a_secret: ", outputs={"databaseUrl": SECRETS["databaseUrl"]}),
)  # fmt: skip

DELIVERY = (
    _("a queue without dead letters", QUEUE, "llm-requests", {"redrivePolicy": None}, "", "queues_have_dead_letters"),
    _("a visibility timeout of one consumer's run", QUEUE, "llm-requests", {"visibilityTimeoutSeconds": 60.0}, "", "messages_stay_hidden_while_worked_on"),
    _("a consumer that may not delete", RIGHTS, "llm-requests-consumer-rights", {"policy": policy("sqs:ReceiveMessage", ARN)}, "llm-requests-consumer", "consumers_may_poll"),
    _("a consumer without rights", RIGHTS, "llm-requests-consumer-rights", None, "llm-requests-consumer", "consumers_may_poll"),
    _("a consumer whose rights are denied", RIGHTS, "llm-requests-consumer-rights", {"policy": policy(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], ARN, Effect="Deny")}, "llm-requests-consumer", "consumers_may_poll"),
    _("one bad message fails its batch", MAPPING, "llm-requests-consumer", {"functionResponseTypes": None}, "", "consumers_report_each_message"),
    _("the right to report on another role", RIGHTS, "health-check-hourly-reporting", {"role": "kiloscale-test-chat-send"}, "health-check-hourly-failures", "failures_may_be_reported"),
    _("failed runs go nowhere", FAILURES, "health-check-hourly-failures", {"destinationConfig": None}, "", "failures_may_be_reported"),
    _("a schedule that may not invoke", RIGHTS, "health-check-hourly-role-rights", {"policy": policy("sqs:SendMessage", "*")}, "health-check-hourly", "schedules_reach_their_target"),
    _("a schedule's role without rights", RIGHTS, "relay-outbox-minutely-role-rights", None, "relay-outbox-minutely", "schedules_reach_their_target"),
    _("dead letters that expire first", QUEUE, "llm-requests-dead-letters", {"messageRetentionSeconds": 86_400.0}, "", "dead_letters_outlive_their_queue"),
    _("dead letters that no queue may fill", REDRIVE, "llm-requests-dead-letters-allow", None, "llm-requests-dead-letters", "dead_letters_admit_their_queue"),
    _("an unpublished function", FUNCTION, "chat-send", {"publish": None}, "", "functions_are_published"),
    _("a function without an alias", ALIAS, "chat-send-live", None, "chat-send", "functions_are_published"),
    _("rate(1 hours)", SCHEDULE, "health-check-hourly", {"scheduleExpression": "rate(1 hours)"}, "", "schedules_are_valid"),
    _("rate(2 hour)", SCHEDULE, "health-check-hourly", {"scheduleExpression": "rate(2 hour)"}, "", "schedules_are_valid"),
    _("rate(0 minutes)", SCHEDULE, "health-check-hourly", {"scheduleExpression": "rate(0 minutes)"}, "", "schedules_are_valid"),
    _("a cron expression of Unix", SCHEDULE, "health-check-hourly", {"scheduleExpression": "cron(0 * * * *)"}, "", "schedules_are_valid"),
    _("a cron expression without ?", SCHEDULE, "health-check-hourly", {"scheduleExpression": "cron(0 2 * * * *)"}, "", "schedules_are_valid"),
    _("a cron expression at hour 24", SCHEDULE, "health-check-hourly", {"scheduleExpression": "cron(0 24 * * ? *)"}, "", "schedules_are_valid"),
    _("a cron expression on day 0", SCHEDULE, "health-check-hourly", {"scheduleExpression": "cron(0 2 ? * 0 *)"}, "", "schedules_are_valid"),
    _("a database job at minute 60", JOB, "snapshot-health", {"schedule": "60 * * * *"}, "", "pg_cron_jobs_are_valid"),
    _("a database job with six fields", JOB, "snapshot-health", {"schedule": "0 5 * * * *"}, "", "pg_cron_jobs_are_valid"),
)  # fmt: skip

FUNCTIONS = (
    _("a runtime past its end", FUNCTION, "chat-send", {"runtime": "python3.9"}, "", "runtimes_are_supported"),
    _("a runtime of another language", FUNCTION, "chat-send", {"runtime": "nodejs22.x"}, "", "runtimes_are_supported"),
    _("another architecture than the zips'", FUNCTION, "llm-handler", {"architectures": ["x86_64"]}, "", "functions_share_one_build"),
    _("another Python than the zips'", FUNCTION, "llm-handler", {"runtime": "python3.12"}, "", "functions_share_one_build"),
    _("a handler in a folder that is not there", FUNCTION, "chat-send", {"handler": "functions.chat_sent.handler.handle"}, "", "handlers_exist"),
    _("a handler that its module lacks", FUNCTION, "chat-send", {"handler": "functions.chat_send.handler.main"}, "", "handlers_exist"),
    _("a variable too many", FUNCTION, "relay-outbox", {"environment": {"variables": dict.fromkeys(("DATABASE_URL", "QUEUE_URL_LLM", "QUEUE_URL_EXTRACTION", "SUPABASE_URL", "SUPABASE_SERVICE_KEY", "DEBUG"), "x")}}, "", "functions_have_their_settings"),
    _("a variable too few", FUNCTION, "relay-outbox", {"environment": {"variables": {"QUEUE_URL_LLM": "x"}}}, "", "functions_have_their_settings"),
    _("a role that may not use the key", RIGHTS, "chat-send-role-rights", {"policy": policy("sqs:SendMessage", ARN)}, "chat-send", "functions_may_read_their_environment"),
    _("a role that may not log", RIGHTS, "chat-send-role-rights", {"policy": NO_LOGS}, "chat-send", "functions_may_log"),
    _("a function that may not send", RIGHTS, "chat-send-role-rights", {"policy": NO_LOGS}, "chat-send", "functions_may_send_where_they_are_told"),
    _("a mapping without a bound", MAPPING, "llm-requests-consumer", {"scalingConfig": None}, "", "consumers_are_bounded"),
    _("a mapping that is off", MAPPING, "llm-requests-consumer", {"enabled": False}, "", "nothing_is_switched_off"),
    _("a function that answers 429 only", FUNCTION, "chat-send", {"reservedConcurrentExecutions": 0.0}, "", "nothing_is_switched_off"),
    _("a reservation below the queue's bound", FUNCTION, "llm-handler", {"reservedConcurrentExecutions": 2.0}, "", "reservations_do_not_throttle_consumers"),
    _("one public function without a bound", FUNCTION, "chat-send", {"reservedConcurrentExecutions": 40.0}, "read-history", "reservations_are_whole"),
    _("more invocations than the pooler has clients", FUNCTION, "chat-send", {"reservedConcurrentExecutions": 140.0}, "", "connections_fit_the_pooler"),
    _("more consumers than the pooler has clients", MAPPING, "llm-requests-consumer", {"scalingConfig": {"maximumConcurrency": 200.0}}, "llm-handler", "connections_fit_the_pooler"),
)  # fmt: skip

WIRING = (
    _("a mapping onto a topic", MAPPING, "llm-requests-consumer", {"eventSourceArn": "arn:aws:sns:eu-central-1:123456789012:kiloscale-test-alarms"}, "", "references_are_of_this_stack"),
    _("a mapping past the alias", MAPPING, "llm-requests-consumer", {"functionName": FUNCTION_ARN}, "", "references_are_of_this_stack"),
    _("a mapping onto another stack's queue", MAPPING, "llm-requests-consumer", {"eventSourceArn": ARN.replace("-test-", "-production-")}, "", "references_are_of_this_stack"),
    _("a role's name in place of its ARN", FUNCTION, "chat-send", {"role": "kiloscale-test-chat-send"}, "", "references_are_of_this_stack"),
    _("a key's id in place of its ARN", FUNCTION, "chat-send", {"kmsKeyArn": "0c2c8f36-0000-4000-8000-00000000000a"}, "", "references_are_of_this_stack"),
    _("an alarm that tells a queue", ALARM, "alarms-outbox-age", {"alarmActions": [ARN]}, "", "references_are_of_this_stack"),
    _("a schedule's dead letters in another account", SCHEDULE, "health-check-hourly", {"target": {"arn": f"{FUNCTION_ARN}:live", "roleArn": ROLE_ARN, "deadLetterConfig": {"arn": "arn:aws:sqs:eu-central-1:999999999999:q"}}}, "", "references_are_of_this_stack"),
    _("rights on a role that is not there", RIGHTS, "chat-send-role-rights", {"role": "kiloscale-test-chat"}, "", "references_are_of_this_stack"),
    _("an alias of another function", ALIAS, "chat-send-live", {"functionName": "chat-send"}, "", "references_are_of_this_stack"),
    _("a URL of a function that is gone", URL, "chat-send-url", {"functionName": "kiloscale-test-chat"}, "", "references_are_of_this_stack"),
    _("a name of 70 characters", FUNCTION, "chat-send", {"name": "kiloscale-" + "x" * 60}, "", "names_are_accepted"),
    _("a queue's name with a dot", QUEUE, "llm-requests", {"name": "kiloscale.llm"}, "", "names_are_accepted"),
    _("an alias that is a number", ALIAS, "chat-send-live", {"name": "7"}, "", "names_are_accepted"),
    _("two functions of one name", FUNCTION, "chat-send", {"name": "kiloscale-test-llm-handler"}, "", "names_are_unique"),
    _("a tag of AWS's own", QUEUE, "llm-requests", {"tags": {"aws:owner": "us"}}, "", "tags_are_accepted"),
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (*ACCESS, *WATCHING, *DATA, *DELIVERY, *FUNCTIONS, *WIRING)
