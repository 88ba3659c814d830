import json

import pulumi
import pytest

from infra.components.cron_schedule import CronSchedule, CronScheduleArgs
from infra.components.dead_letter_queue import DeadLetterQueue, DeadLetterQueueArgs
from infra.components.encryption_key import EncryptionKey, EncryptionKeyArgs
from infra.components.public_url import PublicUrl, PublicUrlArgs
from infra.components.python_service import (
    PythonService,
    PythonServiceArgs,
    release_together,
)
from infra.components.queue_consumer import QueueConsumer, QueueConsumerArgs
from infra.components.work_queue import WorkQueue, WorkQueueArgs
from infra.grants import Grant

FUNCTION = ("aws:lambda/function:Function", "greet")


def service(**changes) -> PythonService:
    values = {
        "physical_name": "kiloscale-test-greet",
        "archive": pulumi.FileArchive("../dist/greet.zip"),
        "handler": "functions.greet.handler.handle",
        "runtime": "python3.13",
        "architecture": "arm64",
        "memory_mib": 256,
        "timeout_s": 10,
        "environment": {"GREETING": "hello"},
        "key_arn": "arn:aws:kms:eu-central-1:123456789012:key/1",
        "grants": [],
        "log_retention_days": 7,
    }
    made = PythonService("greet", PythonServiceArgs(**{**values, **changes}))
    release_together([made])
    return made


def queue() -> WorkQueue:
    args = WorkQueueArgs(
        physical_name="kiloscale-test-jobs",
        visibility_timeout_s=60,
        max_receives=5,
        retention_s=3600,
    )
    return WorkQueue("jobs", args)


def test_a_service_is_published_and_encrypted_with_the_given_key(provision):
    function = provision(service)[FUNCTION].inputs

    assert function["publish"] is True
    assert function["kmsKeyArn"] == "arn:aws:kms:eu-central-1:123456789012:key/1"
    assert function["runtime"] == "python3.13"
    assert function["architectures"] == ["arm64"]
    assert "reservedConcurrentExecutions" not in function


def test_a_service_has_reserved_concurrency_if_asked(provision):
    function = provision(lambda: service(reserved_concurrency=40))[FUNCTION].inputs

    assert function["reservedConcurrentExecutions"] == 40


def test_a_service_may_write_its_log_read_its_key_and_nothing_else(provision):
    extra = Grant(actions=("sqs:SendMessage",), resources=("arn:aws:sqs:::jobs",))

    found = provision(lambda: service(grants=[extra]))

    policy = json.loads(
        found["aws:iam/rolePolicy:RolePolicy", "greet-role-rights"].inputs["policy"]
    )
    group = "/aws/lambda/kiloscale-test-greet"
    logs = f"arn:aws:logs:eu-central-1:123456789012:log-group:{group}:*"
    assert [(each["Action"], each["Resource"]) for each in policy["Statement"]] == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
        (["kms:Decrypt"], ["arn:aws:kms:eu-central-1:123456789012:key/1"]),
        (["sqs:SendMessage"], ["arn:aws:sqs:::jobs"]),
    ]


def test_logs_expire_as_configured(provision):
    found = provision(service)

    group = found["aws:cloudwatch/logGroup:LogGroup", "greet-logs"].inputs
    assert group["retentionInDays"] == 7
    assert found[FUNCTION].inputs["loggingConfig"]["logGroup"] == group["name"]


def test_the_alias_points_at_the_published_version(provision):
    alias = provision(service)["aws:lambda/alias:Alias", "greet-live"].inputs

    assert (alias["name"], alias["functionVersion"]) == ("live", "7")


def test_only_a_public_service_has_a_url(provision):
    private = {kind for kind, _ in provision(service)}
    public = {kind for kind, _ in provision(lambda: service(is_public=True))}

    assert public - private == {
        "kiloscale:infra:PublicUrl",
        "aws:lambda/functionUrl:FunctionUrl",
        "aws:lambda/permission:Permission",
    }


def test_a_public_url_has_both_permissions_on_its_alias(provision):
    args = PublicUrlArgs(function="greet", alias="live")

    found = provision(lambda: PublicUrl("greet-url", args))

    kind = "aws:lambda/permission:Permission"
    url = found[kind, "greet-url-public"].inputs
    invoke = found[kind, "greet-url-invoke"].inputs
    assert url["action"] == "lambda:InvokeFunctionUrl"
    assert url["functionUrlAuthType"] == "NONE"
    assert invoke["action"] == "lambda:InvokeFunction"
    assert invoke["invokedViaFunctionUrl"] is True
    assert {url["qualifier"], invoke["qualifier"]} == {"live"}


def test_a_work_queue_sends_its_dead_letters_to_its_own_queue(provision):
    found = provision(queue)

    kind = "aws:sqs/queue:Queue"
    redrive = json.loads(found[kind, "jobs"].inputs["redrivePolicy"])
    dead = found[kind, "jobs-dead-letters"]
    assert redrive == {"deadLetterTargetArn": dead.outputs["arn"], "maxReceiveCount": 5}
    assert dead.inputs["messageRetentionSeconds"] == 14 * 86_400


def test_only_its_queue_may_use_a_dead_letter_queue(provision):
    found = provision(queue)

    kind = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"
    allowed = found[kind, "jobs-dead-letters-allow"].inputs["redriveAllowPolicy"]
    source = found["aws:sqs/queue:Queue", "jobs"].outputs["arn"]
    assert json.loads(allowed) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [source],
    }


def test_a_consumer_reads_the_queue_onto_the_alias(provision):
    def declare() -> None:
        args = QueueConsumerArgs(
            queue=queue(),
            service=service(),
            batch_size=10,
            window_s=1,
            max_concurrency=5,
        )
        QueueConsumer("jobs-consumer", args)

    found = provision(declare)

    mapping = found[
        "aws:lambda/eventSourceMapping:EventSourceMapping", "jobs-consumer"
    ].inputs
    assert mapping["functionName"].endswith(":function:kiloscale-test-greet:live")
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["scalingConfig"] == {"maximumConcurrency": 5}
    rights = found["aws:iam/rolePolicy:RolePolicy", "jobs-consumer-rights"].inputs
    assert rights["role"] == "kiloscale-test-greet"


@pytest.mark.parametrize(
    ("period_s", "event_age_s"), [(10, 60), (3_600, 3_600), (86_400, 21_600)]
)
def test_an_event_is_given_up_when_the_next_is_due(provision, period_s, event_age_s):
    def declare() -> None:
        args = CronScheduleArgs(
            physical_name="kiloscale-test-tick",
            expression="rate(1 hour)",
            period_s=period_s,
            service=service(),
        )
        CronSchedule("tick", args)

    found = provision(declare)

    target = found["aws:scheduler/schedule:Schedule", "tick"].inputs["target"]
    assert target["retryPolicy"]["maximumEventAgeInSeconds"] == event_age_s
    failures = found[
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        "tick-failures",
    ].inputs
    assert failures["maximumEventAgeInSeconds"] == event_age_s
    dead = found["aws:sqs/queue:Queue", "tick-dead-letters"].outputs["arn"]
    assert target["deadLetterConfig"]["arn"] == dead
    assert failures["destinationConfig"]["onFailure"]["destination"] == dead


def test_the_key_rotates_and_is_destroyed_late(provision):
    args = EncryptionKeyArgs(physical_name="kiloscale-test-functions", stack="test")

    key = provision(lambda: EncryptionKey("functions", args))[
        "aws:kms/key:Key", "functions"
    ].inputs

    assert (key["enableKeyRotation"], key["deletionWindowInDays"]) == (True, 30)


def test_dead_letters_are_encrypted(provision):
    args = DeadLetterQueueArgs(physical_name="kiloscale-test-dead-letters")

    found = provision(lambda: DeadLetterQueue("dead", args))

    assert found["aws:sqs/queue:Queue", "dead"].inputs["sqsManagedSseEnabled"] is True
