# ruff: noqa: E501  # one fault a line reads as a table
"""Faults that other layers than the policies must see."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks.infra.faults import (
    CallFault,
    ConfigFault,
    Fault,
    ResourceFault,
    TypeFault,
)
from benchmarks.infra.policy_faults import (
    ALARM,
    ALIAS,
    FAILURES,
    FUNCTION,
    GROUP,
    KEY,
    MAPPING,
    PERMISSION,
    QUEUE,
    SCHEDULE,
    TOPIC,
    URL,
)
from infra.catalog.alarms import OUTBOX_AGE
from infra.catalog.queues import LLM_REQUESTS
from infra.catalog.services import CHAT_SEND
from infra.naming import physical_name


def _(
    name: str, kind: str, resource: str, inputs: Mapping[str, Any], expected: str
) -> Fault:
    """Write one row of what AWS's schemas refuse."""
    return ResourceFault(
        name=name, layer="cfn-lint", expected=expected, kind=kind, resource=resource, inputs=inputs
    )  # fmt: skip


CFN_LINT = (
    _("an architecture that does not exist", FUNCTION, "chat-send", {"architectures": ["arm65"]}, "'arm65' is not one of"),
    _("a timeout of 1,000 s", FUNCTION, "relay-outbox", {"timeout": 1000.0}, "1000 is greater than the maximum"),
    _("a runtime that does not exist", FUNCTION, "llm-handler", {"runtime": "python3.99"}, "'python3.99' is not one of"),
    _("memory below 128 MiB", FUNCTION, "read-history", {"memorySize": 64.0}, "64 is less than the minimum of 128"),
    _("a log format that does not exist", FUNCTION, "health-check", {"loggingConfig": {"logFormat": "XML"}}, "'XML' is not one of"),
    _("a role that is no ARN", FUNCTION, "extract-memory", {"role": "extract memory"}, "does not match"),
    _("one consumer at a time", MAPPING, "llm-requests-consumer", {"scalingConfig": {"maximumConcurrency": 1.0}}, "1 is less than the minimum of 2"),
    _("a batch of 20,000", MAPPING, "memory-extractions-consumer", {"batchSize": 20_000.0}, "20000 is greater than the maximum"),
    _("a response type that does not exist", MAPPING, "memory-extractions-consumer", {"functionResponseTypes": ["ReportItemFailures"]}, "'ReportItemFailures' is not one of"),
    _("a flexible window that does not exist", SCHEDULE, "health-check-hourly", {"flexibleTimeWindow": {"mode": "OFTEN"}}, "'OFTEN' is not one of"),
    _("200 retries of a delivery", SCHEDULE, "relay-outbox-minutely", {"target": {"arn": "arn:aws:lambda:eu-central-1:123456789012:function:f", "roleArn": "arn:aws:iam::123456789012:role/r", "retryPolicy": {"maximumRetryAttempts": 200.0}}}, "200 is greater than the maximum of 185"),
    _("a retention of 31 days", GROUP, "chat-send-logs", {"retentionInDays": 31.0}, "31 is not one of"),
    _("a comparison that does not exist", ALARM, "alarms-outbox-age", {"comparisonOperator": "Above"}, "'Above' is not one of"),
    _("a treatment that does not exist", ALARM, "alarms-cron-failures", {"treatMissingData": "ok"}, "'ok' is not one of"),
    _("a queue hidden for a day", QUEUE, "llm-requests", {"visibilityTimeoutSeconds": 86_400.0}, "86400 is greater than the maximum of 43200"),
    _("a poll of 30 s", QUEUE, "memory-extractions", {"receiveWaitTimeSeconds": 30.0}, "30 is greater than the maximum of 20"),
    _("a key destroyed in 3 days", KEY, "functions", {"deletionWindowInDays": 3.0}, "3 is less than the minimum of 7"),
    _("a URL with a misspelt mode", URL, "chat-send-url", {"authorizationType": "ANY"}, "'ANY' is not one of"),
    _("three retries of a run", FAILURES, "health-check-hourly-failures", {"maximumRetryAttempts": 3.0}, "3 is greater than the maximum of 2"),
    _("a permission that is no action", PERMISSION, "chat-send-url-public", {"action": "InvokeFunctionUrl"}, "does not match"),
    _("an alias without a version", ALIAS, "chat-send-live", {"functionVersion": None}, "'FunctionVersion' is a required property"),
    _("an argument that does not exist", FUNCTION, "chat-send", {"concurrency": 40.0}, "'Concurrency' was unexpected"),
    _("a topic with an argument too many", TOPIC, "alarms", {"encrypted": True}, "'Encrypted' was unexpected"),
)  # fmt: skip

INVARIANTS = (
    CallFault(name="a function with 64 MiB", layer="invariants", expected="service chat_send: memory_mib must be between 128 and 10240, got 64", call=lambda: replace(CHAT_SEND, memory_mib=64)),
    CallFault(name="a function that runs for an hour", layer="invariants", expected="service chat_send: timeout_s must be between 1 and 900, got 3600", call=lambda: replace(CHAT_SEND, timeout_s=3_600)),
    CallFault(name="a function that may never run", layer="invariants", expected="service chat_send: concurrency must be between 1 and 1000, got 0", call=lambda: replace(CHAT_SEND, concurrency=0)),
    CallFault(name="a queue with one consumer at a time", layer="invariants", expected="queue llm-requests: max_concurrency must be between 2 and 1000, got 1", call=lambda: replace(LLM_REQUESTS, max_concurrency=1)),
    CallFault(name="a batch of 100 without a window", layer="invariants", expected="queue llm-requests: batch_size 100 needs window_s >= 1", call=lambda: replace(LLM_REQUESTS, batch_size=100)),
    CallFault(name="messages kept for a month", layer="invariants", expected="queue llm-requests: retention_s must be between 60 and 1209600", call=lambda: replace(LLM_REQUESTS, retention_s=30 * 86_400)),
    CallFault(name="a period of 45 s", layer="invariants", expected="alarm outbox-age: period_s must be a multiple of 60, got 45", call=lambda: replace(OUTBOX_AGE, period_s=45)),
    CallFault(name="five datapoints of one period", layer="invariants", expected="alarm outbox-age: periods_to_alarm must be between 1 and 1, got 5", call=lambda: replace(OUTBOX_AGE, periods_to_alarm=5)),
    CallFault(name="two days of periods", layer="invariants", expected="alarm outbox-age: 48 periods of 3600 s are more than 86400 s", call=lambda: replace(OUTBOX_AGE, periods=48)),
    CallFault(name="a stack's name that makes names too long", layer="invariants", expected="AWS allows 64; choose a stack name that is", call=lambda: physical_name("p" * 50, "chat-send")),
)  # fmt: skip

CONFIG = (
    ConfigFault(name="no database", layer="config", expected="kiloscale:databaseUrl: missing", values={"databaseUrl": None}),
    ConfigFault(name="a database past the pooler", layer="config", expected="kiloscale:databaseUrl: ", values={"databaseUrl": "postgresql://postgres:pw@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"}),
    ConfigFault(name="a short JWT secret", layer="config", expected="kiloscale:jwtSecret: ", values={"jwtSecret": "short"}),
    ConfigFault(name="a secret in plain text", layer="config", expected="kiloscale:jwtSecret: stored in plain text", plain="jwtSecret"),
    ConfigFault(name="an unknown key", layer="config", expected="kiloscale:logRetentionDay: unknown", values={"logRetentionDay": "30"}),
    ConfigFault(name="a retention that CloudWatch refuses", layer="config", expected="kiloscale:logRetentionDays: must be one of", values={"logRetentionDays": "31"}),
    ConfigFault(name="Redis without an address", layer="config", expected="redisUrl", values={"limitStore": "redis"}),
    ConfigFault(name="a Supabase URL with a path", layer="config", expected="kiloscale:supabaseUrl: ", values={"supabaseUrl": "https://abc.supabase.co/rest/v1"}),
    ConfigFault(name="a webhook over plain HTTP", layer="config", expected="kiloscale:alertWebhook: ", values={"alertWebhook": "http://hooks.example.com/services/T0"}),
    ConfigFault(name="no key of a language model", layer="config", expected="kiloscale:geminiApiKey: needed, or openaiApiKey", values={"geminiApiKey": None}),
)  # fmt: skip

SERVICE = """\
import pulumi
import pulumi_aws as aws
from infra.components.dead_letter_queue import DeadLetterQueue, DeadLetterQueueArgs
from infra.components.encryption_key import EncryptionKey, EncryptionKeyArgs
from infra.catalog.alarms import Alarm
from infra.catalog.queues import Queue
from infra.grants import Grant
{line}
"""


def _typed(name: str, line: str, expected: str) -> Fault:
    """Write one row of what mypy refuses."""
    return TypeFault(
        name=name, layer="types", expected=expected, code=SERVICE.format(line=line)
    )


TYPES = (
    _typed("an unknown argument of a resource", "aws.sqs.Queue('q', fifo=True)", 'keyword argument "fifo"'),
    _typed("an argument of another type", "aws.lambda_.Alias('a', name='live', function_name='f', function_version=7)", '"Alias" matches argument types "str", "str", "str", "int"'),
    _typed("a missing argument of a component", "DeadLetterQueue('q')", '"args"'),
    _typed("an argument of a component by position", "DeadLetterQueueArgs('q')", "positional"),
    _typed("arguments of another component", "DeadLetterQueue('q', EncryptionKeyArgs(physical_name='k', stack='s'))", "EncryptionKeyArgs"),
    _typed("a treatment of silence that does not exist", "Alarm(name='a', summary='', metric='m', threshold=1, missing='ok')", '"missing"'),
    _typed("a number for a name", "Queue(name=1, topic='t', consumer='c')", '"name"'),
    _typed("a right on one text", "Grant(actions='sqs:SendMessage', resources=('*',))", '"actions"'),
    _typed("an output where a text must stand", "DeadLetterQueueArgs(physical_name=pulumi.Output.from_input('q'))", '"physical_name"'),
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (*TYPES, *INVARIANTS, *CONFIG, *CFN_LINT)
