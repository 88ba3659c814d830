"""Prove that the stack watches itself: schedules fire and the health check answers."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from deploy.checklist import Result, Status, Step, skipped
from deploy.deployment import Deployment
from deploy.steps.watching import watched

MIB = 1024**2


def run(deployment: Deployment) -> Iterator[Result]:
    """Invoke the health check once, then look at the schedules."""
    if deployment.dry_run and not deployment.is_local:
        reason = "a dry run does not know what a deploy would leave"
        yield skipped("schedules.all", reason, "./bootstrap verify-crons")
        return
    if deployment.dry_run and not deployment.has_database():
        yield skipped("schedules.all", "the local stack does not run")
        return
    if not deployment.dry_run:
        yield health(deployment)
    yield from schedules(deployment)


def schedules(deployment: Deployment) -> Iterator[Result]:
    """Verify the EventBridge schedules; change nothing."""
    if not deployment.is_local:
        from deploy.cloud import schedules as of_account

        yield from of_account.verify(deployment, datetime.now(UTC))
        return
    from deploy.emulator.live import Look
    from deploy.schedules import verify

    with closing(Look(deployment.require_local())) as emulator:
        yield from verify(emulator, deployment.stack, datetime.now(UTC))


def health(deployment: Deployment) -> Result:
    """Call the health check as a backend would, and read its verdict."""
    from deploy.smoke.gateway import Gateway, local
    from infra.catalog.services import HEALTH_CHECK

    if deployment.is_local:
        stack = deployment.require_local()
        key, where = stack.internal_api_key, local(stack)
    else:
        from deploy.cloud import functions, settings

        found = settings.secret(deployment, settings.INTERNAL_KEY)
        if found is None:
            return _no_key(settings.INTERNAL_KEY[1])
        key, where = found, functions.where(deployment)
    with Gateway(where) as gateway:
        answer = gateway.request(HEALTH_CHECK, token=key)
    report = answer.body if isinstance(answer.body, dict) else {}
    verdict = report.get("status")
    good = answer.status == 200 and verdict == "ok"
    return Result(
        id="monitoring.health-check",
        title=f"answers {answer.status} {verdict}{_facts(report)}",
        status=Status.PASS if good else Status.WARN if verdict else Status.FAIL,
        evidence={"status": answer.status, "report": answer.body},
        remedy=None if good else "./bootstrap deploy --only monitoring --evidence",
    )


def _facts(report: dict[str, Any]) -> str:
    """Say the two numbers that matter first, and what rings."""
    metrics = dict(report.get("metrics", {}))
    alerts = [alert["message"] for alert in metrics.pop("alerts", [])]
    size = metrics.get("database_bytes", {})
    told = ""
    if size.get("value") is not None:
        told = f": database {size['value'] / MIB:.0f} of {size['limit'] / MIB:.0f} MiB"
    broken = [name for name, one in metrics.items() if one.get("error")]
    if broken:
        told += f"; not measured: {', '.join(broken)}"
    if report.get("published", {}).get("error"):
        told += "; the gauges were not published"
    return told + "".join(f"; {alert}" for alert in alerts)


def _no_key(variable: str) -> Result:
    """Say why a cloud stack's health check is not called."""
    reason = f"{variable} is not set, and no Pulumi CLI gives it"
    return skipped("monitoring.health-check", reason, f"export {variable}=...")


VERIFY = watched(
    Step(
        id="schedules",
        title="verify the EventBridge schedules",
        run=schedules,
        verifies=True,
    )
)

STEP = watched(
    Step(
        id="monitoring",
        title="prove the health check and the schedules",
        run=run,
        verifies=True,
    )
)
