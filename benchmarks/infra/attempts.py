"""What every role tries: each action that could matter, on each resource."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.infra.rights import ACCOUNT, DEAD, FUNCTIONS, LOCAL, WORK, Attempt
from deploy.emulator.clients import client
from deploy.local.facts import LocalStack
from infra.catalog.schedules import SCHEDULES
from infra.components.python_service import ALIAS
from infra.naming import metrics_namespace, physical_name


def attempts(stack: LocalStack) -> list[Attempt]:
    """Give all that every role tries."""
    keys = _keys(stack)
    return [
        *(each for name in (*WORK, *DEAD) for each in _on_queue(stack, name)),
        *(each for name in FUNCTIONS for each in _on_function(stack, name)),
        *(_decrypt(on, key, blob) for on, (key, blob) in keys.items()),
        *_on_the_rest(stack),
    ]


def _on_queue(stack: LocalStack, name: str) -> Iterator[Attempt]:
    """Give what can be tried on a queue."""
    full = physical_name(LOCAL, name)
    url = {"QueueUrl": f"{stack.emulator_url}/{ACCOUNT}/{full}"}
    several: dict[str, dict[str, Any]] = {
        "SendMessage": {"MessageBody": "{}"},
        "ReceiveMessage": {"WaitTimeSeconds": 0},
        "DeleteMessage": {"ReceiptHandle": "none"},
        "GetQueueAttributes": {"AttributeNames": ["All"]},
        "PurgeQueue": {},
    }
    for operation, arguments in several.items():
        yield _attempt("sqs", operation, name, {**url, **arguments})


def _on_function(stack: LocalStack, name: str) -> Iterator[Attempt]:
    """Give what can be tried on a function and on its log."""
    full = physical_name(LOCAL, name)
    arn = f"arn:aws:lambda:{stack.region}:{ACCOUNT}:function:{full}"
    # By its ARN: of a name and a qualifier apart, the emulator judges the name alone.
    for on, target in ((name, f"{arn}:{ALIAS}"), (f"{name} past its alias", arn)):
        call = {"FunctionName": target, "Payload": b"{}"}
        yield _attempt("lambda", "Invoke", on, call, action="lambda:InvokeFunction")
    stream = {"logGroupName": f"/aws/lambda/{full}", "logStreamName": "matrix"}
    yield _attempt("logs", "CreateLogStream", name, stream)
    event = {"timestamp": 1_700_000_000_000, "message": "tried"}
    yield _attempt("logs", "PutLogEvents", name, {**stream, "logEvents": [event]})


def _decrypt(on: str, key: str, blob: bytes) -> Attempt:
    """Give the reading of what a key encrypted."""
    return _attempt("kms", "Decrypt", on, {"KeyId": key, "CiphertextBlob": blob})


def _on_the_rest(stack: LocalStack) -> Iterator[Attempt]:
    """Give what can be tried on what is nobody's, or is the administrator's."""
    gauge = {"MetricName": "Tried", "Value": 1.0}
    metrics = {"Namespace": metrics_namespace(LOCAL), "MetricData": [gauge]}
    alarm = physical_name(LOCAL, "outbox-age")
    role = physical_name(LOCAL, "chat-send")
    here = f"{stack.region}:{ACCOUNT}"
    query = {"Id": "q", "Expression": "SELECT 1", "Period": 60}
    span = {"StartTime": 1_700_000_000, "EndTime": 1_700_000_060}
    yield _attempt("cloudwatch", "PutMetricData", "", metrics)
    yield _attempt(
        "cloudwatch", "GetMetricData", "", {"MetricDataQueries": [query], **span}
    )
    yield _attempt("cloudwatch", "DeleteAlarms", "outbox-age", {"AlarmNames": [alarm]})
    yield _attempt("logs", "CreateLogGroup", "other", {"logGroupName": "/other"})
    yield _attempt("kms", "CreateKey", "", {})
    yield _attempt("iam", "ListRoles", "", {})
    yield _attempt(
        "iam",
        "PutRolePolicy",
        "chat-send",
        {"RoleName": role, "PolicyName": "more", "PolicyDocument": "{}"},
    )
    yield _attempt(
        "sts",
        "AssumeRole",
        "chat-send",
        {
            "RoleArn": f"arn:aws:iam::000000000000:role/{role}",
            "RoleSessionName": "tried",
        },
    )
    topic = f"arn:aws:sns:{here}:{physical_name(LOCAL, 'alarms')}"
    yield _attempt("sns", "Publish", "alarms", {"TopicArn": topic, "Message": "tried"})
    yield _attempt("s3", "ListBuckets", "", {}, action="s3:ListAllMyBuckets")
    yield _attempt("ssm", "GetParameter", "other", {"Name": "/other"})
    yield _attempt("secretsmanager", "GetSecretValue", "other", {"SecretId": "other"})
    name = physical_name(LOCAL, SCHEDULES[0].name)
    yield _attempt("scheduler", "DeleteSchedule", SCHEDULES[0].name, {"Name": name})
    function = {"FunctionName": physical_name(LOCAL, "chat-send")}
    yield _attempt("lambda", "GetFunctionConfiguration", "chat-send", function)
    group = {"logGroupName": f"/aws/lambda/{function['FunctionName']}"}
    yield _attempt("logs", "FilterLogEvents", "chat-send", group)
    yield _attempt("lambda", "ListFunctions", "", {})


def _attempt(
    api: str, operation: str, on: str, arguments: Mapping[str, Any], action: str = ""
) -> Attempt:
    """Write an attempt by the name of its operation."""
    from botocore import xform_name

    return Attempt(
        action=action or f"{api}:{operation}",
        on=on,
        api=api,
        operation=xform_name(operation),
        arguments=arguments,
    )


def _keys(stack: LocalStack) -> dict[str, tuple[str, bytes]]:
    """Give the stack's key and one of somebody else, each with what it encrypted."""
    kms = client(stack, "kms")
    own = f"alias/{physical_name(LOCAL, 'functions')}"
    key_id = kms.describe_key(KeyId=own)["KeyMetadata"]["KeyId"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    keys = {"own key": key_id, "another key": other}
    return {
        on: (key, kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
        for on, key in keys.items()
    }
