"""The matrix of rights: each role of the program tries each action, for real.

What a role may do follows here from what the catalog declares of services, queues and
schedules, and not from the policies that the program wrote. The emulator decides with
IAM enforced, on credentials of the very role.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from deploy.emulator.clients import client
from deploy.local.facts import LocalStack
from infra.catalog.queues import QUEUES
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES
from infra.components.python_service import ALIAS
from infra.grants import VERSION
from infra.naming import metrics_namespace, physical_name

REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError"})

NOT_PROVED = {
    "consumers_may_poll": "a mapping needs rights of its function's role: the emulator"
    " polls without",
    "public_urls_have_both_permissions": "a public function URL needs both permissions:"
    " the emulator answers without",
    "any_resource_has_a_reason": "gauges go into the stack's own namespace only: the"
    " emulator does not know cloudwatch:namespace",
    "roles_are_assumed_by_their_user": "Lambda and Scheduler may assume their roles:"
    " the emulator does not ask",
    "functions_may_read_their_environment": "a function needs kms:Decrypt to start: the"
    " emulator starts it without",
}
"""What the emulator (ministack 1.5.33) cannot check, by the rule that does."""

ROLES_AT_ONCE = 2

LET_IN = frozenset({"ReceiptHandleIsInvalid"})
"""Errors of who was let in and asked for what is not there."""

LOCAL, ACCOUNT = "local", "000000000000"
WORK = tuple(queue.name for queue in QUEUES)
DEAD = tuple(f"{name}-dead-letters" for name in (*WORK, *(s.name for s in SCHEDULES)))
FUNCTIONS = tuple(service.name for service in SERVICES)
ROLES = (*FUNCTIONS, *(schedule.name for schedule in SCHEDULES))


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One action on one resource.

    Attributes:
        action: IAM action, e.g. ``sqs:SendMessage``.
        on: Short name of the resource; empty for an action on none.
        api: Name of the API in boto3.
        operation: Its operation in boto3.
        arguments: What it is called with.
    """

    action: str
    on: str
    api: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What became of an attempt by a role.

    Attributes:
        role: Short name of the role.
        attempt: What was tried.
        may: Whether the catalog declares it.
        result: ``allowed``, ``refused``, or the error that is neither.
    """

    role: str
    attempt: Attempt
    may: bool
    result: str

    @property
    def is_right(self) -> bool:
        """Whether the emulator decided as the catalog declares."""
        return self.result == ("allowed" if self.may else "refused")


def declared(role: str, attempt: Attempt) -> bool:
    """Whether the catalog lets a role do something."""
    return (attempt.action, attempt.on) in declarations(role)


def declarations(role: str) -> set[tuple[str, str]]:
    """Give all actions that the catalog's declarations come to."""
    if role not in FUNCTIONS:
        schedule = next(each for each in SCHEDULES if each.name == role)
        service = next(each for each in SERVICES if each.folder == schedule.service)
        return {
            ("lambda:InvokeFunction", service.name),
            ("sqs:SendMessage", f"{role}-dead-letters"),
        }
    service = next(each for each in SERVICES if each.name == role)
    found = {
        ("logs:CreateLogStream", role),
        ("logs:PutLogEvents", role),
        ("kms:Decrypt", "own key"),
    }
    names = {queue.topic: queue.name for queue in QUEUES}
    found |= {("sqs:SendMessage", names[topic]) for topic in service.sends_to}
    for queue in QUEUES:
        if queue.consumer == service.folder:
            polls = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
            found |= {(f"sqs:{each}", queue.name) for each in polls}
    for schedule in SCHEDULES:
        if schedule.service == service.folder:
            found.add(("sqs:SendMessage", f"{schedule.name}-dead-letters"))
    if service.reads_metrics:
        found |= {("cloudwatch:GetMetricData", ""), ("cloudwatch:PutMetricData", "")}
        # Schedules' dead letters are not asked for: their alarms watch them.
        watched = (*WORK, *(f"{name}-dead-letters" for name in WORK))
        found |= {("sqs:GetQueueAttributes", name) for name in watched}
    return found


def attempts(stack: LocalStack) -> list[Attempt]:
    """Give all that every role tries."""
    keys = _keys(stack)
    return [
        *(each for name in (*WORK, *DEAD) for each in _on_queue(stack, name)),
        *(each for name in FUNCTIONS for each in _on_function(stack, name)),
        *(_decrypt(on, key, blob) for on, (key, blob) in keys.items()),
        *_on_the_rest(stack),
    ]


def matrix(stack: LocalStack) -> Iterator[Cell]:
    """Let each role try everything; yield the cells role by role.

    The program must be provisioned, with nothing in its queues that anybody needs.
    """
    tried = attempts(stack)
    with ThreadPoolExecutor(ROLES_AT_ONCE) as pool:
        for cells in pool.map(lambda role: row(stack, role, tried), ROLES):
            yield from cells


def row(stack: LocalStack, role: str, tried: Iterable[Attempt]) -> list[Cell]:
    """Let one role try everything."""
    apis = _as_role(stack, role)
    return [
        Cell(
            role=role,
            attempt=attempt,
            may=declared(role, attempt),
            result=_try(apis, attempt),
        )
        for attempt in tried
    ]


def table(cells: Iterable[Cell]) -> Iterator[str]:
    """Write the matrix in Markdown: what each role may do, by action and resource."""
    several = list(cells)
    yield f"| action | on | {' | '.join(ROLES)} |"
    yield "|---" * (2 + len(ROLES)) + "|"
    rows: dict[tuple[str, str], dict[str, Cell]] = {}
    for cell in several:
        key = cell.attempt.action, cell.attempt.on
        rows.setdefault(key, {})[cell.role] = cell
    for (action, on), by_role in rows.items():
        signs = " | ".join(_sign(by_role[role]) for role in ROLES)
        yield f"| {action} | {on} | {signs} |"


def _sign(cell: Cell) -> str:
    """Write a cell: yes, a dot for refused, or what is wrong."""
    if not cell.is_right:
        return f"**{cell.result}**"
    return "yes" if cell.may else "."


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


class _Apis:
    """Clients with the credentials of a role."""

    def __init__(self, stack: LocalStack, credentials: Mapping[str, str]) -> None:
        import boto3

        self._url = stack.emulator_url
        self._session = boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=stack.region,
        )
        self._clients: dict[str, Any] = {}

    def of(self, api: str) -> Any:
        from botocore.config import Config

        if api not in self._clients:
            once = Config(retries={"total_max_attempts": 1, "mode": "standard"})
            make: Any = self._session.client
            self._clients[api] = make(api, endpoint_url=self._url, config=once)
        return self._clients[api]


def _as_role(stack: LocalStack, role: str) -> _Apis:
    """Take credentials of a role. Its trust, which a rule judges, is widened for it."""
    name = physical_name(LOCAL, role)
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    }
    client(stack, "iam").update_assume_role_policy(
        RoleName=name,
        PolicyDocument=json.dumps({"Version": VERSION, "Statement": [statement]}),
    )
    given = client(stack, "sts").assume_role(RoleArn=arn, RoleSessionName="matrix")
    return _Apis(stack, given["Credentials"])


def _try(apis: _Apis, attempt: Attempt) -> str:
    """Try it. Whoever is told that a receipt is wrong was let in."""
    from botocore.exceptions import ClientError

    try:
        getattr(apis.of(attempt.api), attempt.operation)(**attempt.arguments)
    except ClientError as error:
        code = str(error.response["Error"]["Code"]).rpartition("#")[2]
        if code in REFUSED:
            return "refused"
        return "allowed" if code in LET_IN else code
    return "allowed"
