"""Whether services answer after their alias moved: no request here leaves a row."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from deploy import account
from deploy.checklist import Result, Status, skipped
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.releases.versions import ALIAS, Functions
from deploy.smoke.gateway import Answer, Gateway, Where, local
from infra.catalog.queues import QUEUES
from infra.catalog.services import HEALTH_CHECK, RELAY_OUTBOX, Service

FORGED = "forged-" + "x" * 40
"""A secret that no stack has."""

MALFORMED = b'{"chat_id": 7'

EMPTY_BATCH: Mapping[str, object] = {"Records": []}
"""An SQS event without messages: a consumer starts, connects to nothing, answers."""

SWEEP: Mapping[str, object] = {"source": "rollback"}
"""What relay_outbox does each minute anyway."""


def prove(
    deployment: Deployment, functions: Functions, services: Sequence[Service]
) -> Iterator[Result]:
    """Ask each service something that it must refuse, or that has no effect."""
    consumers = {queue.consumer for queue in QUEUES}
    for service in services:
        deployment.progress(f"asking {service.name}")
        try:
            if service.route:
                with Gateway(_where(deployment, service)) as gateway:
                    yield _refuses(deployment, gateway, service)
            elif service.folder in consumers:
                yield _invoked(deployment, functions, service, EMPTY_BATCH)
            elif service == RELAY_OUTBOX:
                yield _invoked(deployment, functions, service, SWEEP)
            else:
                yield _skipped(service)
        except DeployError as error:
            title = f"{service.name} does not answer: {error}"
            yield _result(service, title, good=False, evidence=error.evidence)


def _where(deployment: Deployment, service: Service) -> Where:
    """Give where one service is: that another has no URL says nothing of it."""
    if deployment.is_local:
        return local(deployment.require_local())
    from deploy.cloud import functions

    return functions.where(deployment, [service])


def _refuses(deployment: Deployment, gateway: Gateway, service: Service) -> Result:
    """Send a forged token; on ``local``, whose secrets are known, also a bad body."""
    from deploy.smoke.person import sign

    token = sign(uuid4(), FORGED, "https://forged.invalid/auth/v1")
    answers = [("a forged token", 401, gateway.request(service, token=token))]
    if deployment.is_local:
        answers.append(_with_a_right_token(deployment, gateway, service))
    told = [f"{what} gets {answer.status}" for what, _, answer in answers]
    wrong = [
        f"{what}: expected {status}"
        for what, status, a in answers
        if a.status != status
    ]
    title = f"{service.name}: {', '.join(told)}"
    return _result(
        service,
        f"{title}; {', '.join(wrong)}" if wrong else title,
        good=not wrong,
        evidence={what: answer.evidence() for what, _, answer in answers},
    )


def _with_a_right_token(
    deployment: Deployment, gateway: Gateway, service: Service
) -> tuple[str, int, Answer]:
    """Ask as somebody who may: the health check for all, others for nothing."""
    from deploy.smoke.person import sign
    from deploy.smoke.proof import issuer

    stack = deployment.require_local()
    if service == HEALTH_CHECK:
        answer = gateway.request(service, token=stack.internal_api_key)
        return "the internal key", 200, answer
    token = sign(uuid4(), stack.jwt_secret, issuer(stack))
    answer = gateway.request(service, token=token, body=MALFORMED)
    return "a malformed request", 400, answer


def _invoked(
    deployment: Deployment,
    functions: Functions,
    service: Service,
    event: Mapping[str, object],
) -> Result:
    """Invoke what has no URL, through its alias."""
    name = functions.name(service)
    with account.explained(deployment, f"function {name}"):
        answer = functions.client.invoke(
            FunctionName=name, Qualifier=ALIAS, Payload=json.dumps(event).encode()
        )
        body: Any = json.loads(answer["Payload"].read() or b"null")
    error = answer.get("FunctionError")
    what = "an empty batch" if event is EMPTY_BATCH else "a sweep"
    reason = body.get("errorMessage", "") if isinstance(body, dict) else ""
    return _result(
        service,
        f"{service.name}: {what} fails: {reason[:200]}"
        if error
        else f"{service.name}: {what} is answered",
        good=not error,
        evidence={"event": dict(event), "error": error},
    )


def _result(
    service: Service, title: str, *, good: bool, evidence: Mapping[str, object]
) -> Result:
    """Say whether a service answers."""
    return Result(
        id=f"answers.{service.name}",
        title=title,
        status=Status.PASS if good else Status.FAIL,
        evidence=evidence,
        remedy=None if good else "./bootstrap releases",
    )


def _skipped(service: Service) -> Result:
    """Say that there is no event without effect."""
    reason = f"no event is known that {service.name} answers without effect"
    return skipped(f"answers.{service.name}", reason)
