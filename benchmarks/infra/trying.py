"""Lets every role of the program try everything, on the emulator."""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.infra.attempts import attempts
from benchmarks.infra.rights import ACCOUNT, LOCAL, ROLES, Attempt, Cell, declared
from deploy.emulator.clients import client
from deploy.local.facts import LocalStack
from infra.grants import VERSION
from infra.naming import physical_name

REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError"})

LET_IN = frozenset({"ReceiptHandleIsInvalid", "ResourceAlreadyExistsException"})
"""Errors of who was let in and asked for what is not there, or there already."""

ROLES_AT_ONCE = 2


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
