"""Prove the functions with a synthetic user: a message goes in and comes back once."""

from collections.abc import Iterator

from deploy import ledger
from deploy.checklist import Result, Status, Step, skipped
from deploy.deployment import Deployment
from deploy.releases import gated
from deploy.steps.watching import watched


def run(deployment: Deployment) -> Iterator[Result]:
    """Prove the path of a message, or say since when it is proved."""
    if not deployment.is_local:
        from deploy.steps import cloud_functions

        yield from cloud_functions.run(deployment)
        return
    if deployment.dry_run:
        yield skipped("functions.message", "a dry run sends no messages")
        return
    from deploy.smoke import proof

    stack = deployment.require_local()
    refused = True
    for result in proof.refusals(stack):
        refused = refused and result.status is Status.PASS
        yield result
    if not refused:
        # Nobody waits for the answer of a service that takes what it must not take.
        return
    entries = ledger.read(deployment.state)
    build = entries.get("infrastructure", "")
    if build and entries.get("functions_proved") == build:
        yield skipped(
            "functions.message",
            f"proved for this very build at {entries['functions_proved_at']}",
        )
        return
    failed = False
    for result in proof.messages(stack, deployment.progress):
        failed = failed or result.status is Status.FAIL
        yield result
    if not failed and build:
        ledger.write(
            deployment.state, functions_proved=build, functions_proved_at=ledger.now()
        )


STEP = watched(
    gated(
        Step(
            id="functions",
            title="prove the functions with a synthetic user",
            run=run,
            verifies=True,
        )
    )
)
