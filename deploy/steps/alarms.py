"""Verify the alarms, and prove that one of them rings, is heard, and stops."""

from collections.abc import Iterator

from deploy import ledger
from deploy.checklist import Result, Status, Step, skipped
from deploy.deployment import Deployment
from deploy.steps.watching import watched


def run(deployment: Deployment) -> Iterator[Result]:
    """Compare the alarms with the catalog, then prove one or say since when it is."""
    if deployment.dry_run:
        yield skipped(
            "alarms.declared", "a dry run does not know what a deploy would leave"
        )
        return
    if not deployment.is_local:
        from deploy.cloud import alarms as of_account

        yield from of_account.verify(deployment)
        return
    from deploy import alarms
    from deploy.smoke import alarms as proof

    stack = deployment.require_local()
    found = proof.look(stack)
    yield (as_declared := alarms.declared(found, deployment.stack))
    if as_declared.status is Status.FAIL:
        return
    yield alarms.states(found, deployment.stack)
    entries = ledger.read(deployment.state)
    build = entries.get("infrastructure", "")
    if build and entries.get("alarms_proved") == build:
        reason = f"proved for this very build at {entries['alarms_proved_at']}"
        yield skipped("alarms.fires", reason)
        return
    alarm = proof.choose(found)
    if alarm is None:
        yield skipped("alarms.fires", "no alarm is OK that could be made to ring")
        return
    failed = False
    for result in proof.prove(stack, alarm, deployment.progress):
        failed = failed or result.status is Status.FAIL
        yield result
    if not failed and build:
        ledger.write(
            deployment.state, alarms_proved=build, alarms_proved_at=ledger.now()
        )


STEP = watched(
    Step(
        id="alarms",
        title="prove that an alarm fires and recovers",
        run=run,
        verifies=True,
    )
)
