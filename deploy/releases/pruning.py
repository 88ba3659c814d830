"""Deletes versions that nobody would go back to: Lambda keeps them all, up to 75 GB."""

from collections.abc import Iterator

from deploy import account
from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.releases import choosing, pending, rollback
from deploy.releases.choosing import Known
from deploy.releases.versions import Functions, Published
from infra.catalog.services import SERVICES, Service


def run(deployment: Deployment, keep: int) -> Iterator[Result]:
    """Delete the oldest versions of each service.

    What is live stays, and what a release that is not proved goes back to.

    Args:
        deployment: The stack.
        keep: Versions a service that stay besides.
    """
    functions = Functions(deployment)
    known = rollback.look(deployment, functions)
    before = pending.read(deployment.records) or {}
    for service in SERVICES:
        needed = {known.live.get(service.name), before.get(service.name)}
        old = surplus(known, service, keep)
        doomed = [each for each in old if each.version not in needed]
        if deployment.dry_run:
            yield _told(deployment, service, doomed)
        else:
            yield from _delete(deployment, functions, service, doomed)


def surplus(known: Known, service: Service, keep: int) -> list[Published]:
    """List what is not live, but for those that one would go back to first.

    What was withdrawn goes before all else: nobody goes back to it.
    """
    live = known.live.get(service.name)
    idle = [each for each in known.there[service.name] if each.version != live]
    idle.sort(
        key=lambda each: not choosing.withdrawn(known, service.name, each.version)
    )
    return idle[: max(len(idle) - keep, 0)]


def _delete(
    deployment: Deployment,
    functions: Functions,
    service: Service,
    doomed: list[Published],
) -> Iterator[Result]:
    """Delete versions one by one; AWS refuses one that an alias points at.

    What is gone is told also where the next one cannot be deleted.
    """
    name = functions.name(service)
    gone: list[Published] = []
    try:
        for each in doomed:
            number = str(each.version.number)
            deployment.progress(f"deleting version {number} of {service.name}")
            with account.explained(deployment, f"version {number} of function {name}"):
                functions.client.delete_function(FunctionName=name, Qualifier=number)
            gone.append(each)
    except (DeployError, KeyboardInterrupt):
        if gone:
            yield _told(deployment, service, gone)
        raise
    yield _told(deployment, service, gone)


def _told(deployment: Deployment, service: Service, doomed: list[Published]) -> Result:
    """Say what was deleted, or would be."""
    numbers = [each.version.number for each in doomed]
    size = sum(each.size for each in doomed) / 1e6
    verb = "would delete" if deployment.dry_run else "deleted"
    return Result(
        id=f"prune.{service.name}",
        title=f"{verb} {', '.join(map(str, numbers))}: {size:.1f} MB"
        if doomed
        else "nothing to delete",
        status=Status.PASS,
        evidence={"versions": numbers, "bytes": sum(each.size for each in doomed)},
        changed=bool(doomed) and not deployment.dry_run,
        planned=bool(doomed) and deployment.dry_run,
    )
