"""Provision the functions, queues and schedules, by the engine or on the emulator."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy import ledger
from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.releases import guarded
from deploy.steps.bundles import folder, target_of
from deploy.steps.database import start_local
from deploy.steps.watching import watched
from infra.catalog.services import SERVICES

if TYPE_CHECKING:
    from deploy.bundles import Bundle
    from deploy.local.facts import LocalStack


def run(deployment: Deployment) -> Iterator[Result]:
    """Provision what differs from the program, or say that nothing does."""
    if not deployment.is_local:
        from deploy.engine.provisioning import provision as update

        yield from update(deployment)
        return
    started = start_local(deployment, "infrastructure")
    if started.changed or started.planned:
        yield started
    if started.planned:
        return
    stack = deployment.require_local()
    reason = why_provision(deployment, stack)
    if reason is None or deployment.dry_run:
        yield Result(
            id="infrastructure.resources",
            title=f"would provision: {reason}" if reason else _unchanged(deployment),
            status=Status.PASS,
            evidence={"reason": reason},
            planned=reason is not None,
        )
        return
    yield from guarded(
        deployment, "infrastructure", _provision(deployment, stack, reason)
    )


def why_provision(deployment: Deployment, stack: "LocalStack") -> str | None:
    """Say why the program has to run, or ``None`` if nothing calls for it.

    Decided by the digest of the program's inputs and a live look that what was
    recorded still exists; Pulumi is not imported.
    """
    from deploy.bundles import stale
    from deploy.emulator import provision

    if not deployment.bundles:
        names = stale(SERVICES, target_of(deployment), folder(deployment))
        if names:
            return f"zips of {', '.join(names)} are not built"
    digest = provision.inputs_digest(_bundles(deployment), stack)
    if ledger.read(deployment.state).get("infrastructure") != digest:
        return "the program, its configuration or a zip changed"
    gone, changed = provision.compared(stack)
    if gone:
        return f"{len(gone)} recorded resources are gone from the emulator"
    titles = sorted({each.resource.title for each in changed})
    return f"somebody changed {', '.join(titles)}" if titles else None


def _bundles(deployment: Deployment) -> dict[str, "Bundle"]:
    """Give the zips; build those that this run has not looked at yet."""
    from deploy.bundles import build_all

    if not deployment.bundles:
        built = build_all(
            SERVICES, target_of(deployment), folder(deployment), deployment.progress
        )
        deployment.bundles.update({bundle.service: bundle for bundle in built})
    return deployment.bundles


def _unchanged(deployment: Deployment) -> str:
    """Say since when the program's inputs are unchanged."""
    since = ledger.read(deployment.state).get("provisioned_at", "an unknown time")
    return f"unchanged since {since}, and all of it exists"


def _provision(
    deployment: Deployment, stack: "LocalStack", reason: str
) -> Iterator[Result]:
    """Run the program and say what it created, updated and deleted."""
    from deploy.emulator import provision
    from deploy.planning import programs

    bundles = _bundles(deployment)
    done = provision.provision(stack, bundles, deployment.progress)
    document = programs.save(deployment)
    ledger.write(
        deployment.state,
        infrastructure=provision.inputs_digest(bundles, stack),
        provisioned_at=ledger.now(),
    )
    changed = done.created + done.updated + done.deleted
    yield Result(
        id="infrastructure.resources",
        title=f"{len(done.created)} created, {len(done.updated)} updated,"
        f" {len(done.deleted)} deleted, {len(done.unchanged)} unchanged ({reason})",
        status=Status.PASS,
        evidence={
            "created": done.created,
            "updated": done.updated,
            "deleted": done.deleted,
            "unchanged": len(done.unchanged),
            "declared": document,
            "undo": "git checkout <the commit of an earlier receipt>, then deploy",
        },
        changed=bool(changed),
    )
    yield _live(stack)


def _live(stack: "LocalStack") -> Result:
    """Look whether everything is there, and as it was provisioned."""
    from deploy.emulator import provision

    gone, changed = provision.compared(stack)
    differs = sorted({f"{each.resource.title} {each.attribute}" for each in changed})
    if gone or not differs:
        title = f"{len(gone)} resources are missing right after: {', '.join(gone)}"
        return Result(
            id="infrastructure.live",
            title=title if gone else "a live look finds every resource",
            status=Status.FAIL if gone else Status.PASS,
            evidence={"missing": gone},
            remedy="./bootstrap local.logs --part emulator" if gone else None,
        )
    return Result(
        id="infrastructure.live",
        title=f"putting them again did not set right {', '.join(differs)}",
        status=Status.WARN,
        evidence={"differs": differs},
        # What somebody changed by hand, only a new emulator forgets.
        remedy="./bootstrap local.stop && ./bootstrap deploy",
    )


STEP = watched(
    Step(
        id="infrastructure", title="provision functions, queues and schedules", run=run
    )
)
