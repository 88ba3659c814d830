"""A set of services is all new or all old: what provisions runs under this guard."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from deploy import ledger
from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.releases import log, pending
from deploy.releases.versions import Functions, Release, Version, live
from infra.catalog.services import SERVICES

PROOFS = ("functions_proved", "alarms_proved")
"""Entries of the ledger that let a later deploy leave a proof out."""

LEFT = "the new code is published and not live"


def guarded(
    deployment: Deployment, step_id: str, work: Iterator[Result]
) -> Iterator[Result]:
    """Run what publishes and moves aliases; where it fails, move them back.

    Args:
        deployment: The stack.
        step_id: Step in whose name results are yielded.
        work: What provisions; its `DeployError` ends the step after the way back.
    """
    pending.begin(deployment.records, live(deployment))
    failed = False
    try:
        for result in work:
            failed = failed or result.status is Status.FAIL
            yield result
    except (Exception, KeyboardInterrupt):
        yield from withdraw(deployment, step_id)
        raise
    if failed:
        yield from withdraw(deployment, step_id)


def withdraw(deployment: Deployment, step_id: str) -> Iterator[Result]:
    """Move the aliases back to where they were before the release that is not proved.

    Yields:
        What was moved, or why nothing was; nothing if no alias had moved.
    """
    before = pending.read(deployment.records)
    if before is None:
        return
    try:
        yield from _withdraw(deployment, step_id, before)
    except DeployError as error:
        # What failed before is the step's result; this one says what is left to do.
        yield Result(
            id=f"{step_id}.rollback",
            title=f"the aliases could not be moved back: {error}",
            status=Status.WARN,
            evidence={"before": _numbers(before)},
            remedy="./bootstrap deploy",
            # They may have moved: that is not the system as it was before.
            changed=True,
        )


def _withdraw(
    deployment: Deployment, step_id: str, before: Release
) -> Iterator[Result]:
    """Move back what moved; note it."""
    now = live(deployment)
    new = {
        name: version for name, version in now.items() if before.get(name) != version
    }
    functions = Functions(deployment) if new else None
    moves = []
    for service in SERVICES:
        old, version = before.get(service.name), new.get(service.name)
        # After a loss of everything, a number may stand for other code.
        if functions and old and version and _has(functions, service.name, old):
            moves.append((service, version.number, old.number))
    if functions and moves:
        forget_proofs(deployment)
        functions.move_together(moves)
        log.append(deployment.records, log.WITHDRAWN, now)
    if moves or not new:
        pending.end(deployment.records)
    if new:
        yield _told(step_id, before, new, [service.name for service, *_ in moves])


def _told(step_id: str, before: Release, new: Release, moved: list[str]) -> Result:
    """Say what was moved back, and what had nowhere to go."""
    kept = [name for name in new if name not in moved]
    lines = [f"{name} {new[name].number} -> {before[name].number}" for name in moved]
    title = f"moved back: {', '.join(lines)}; {LEFT}" if moved else ""
    if kept:
        title += "; " if moved else ""
        title += f"no older version of {', '.join(kept)} to go back to: stays live"
    return Result(
        id=f"{step_id}.rollback",
        title=title,
        status=Status.WARN,
        evidence={
            "moved_back": {
                name: {"from": new[name].number, "to": before[name].number}
                for name in moved
            },
            "no_older_version": kept,
        },
        remedy="./bootstrap deploy" if moved else None,
        changed=bool(moved),
    )


def forget_proofs(deployment: Deployment) -> None:
    """Let the next deploy leave nothing out: what is live is not what it proved."""
    if deployment.is_local:
        ledger.write(deployment.state, infrastructure="", **dict.fromkeys(PROOFS, ""))


def _has(functions: Functions, name: str, version: Version) -> bool:
    """Tell whether a version is still there, with the same code."""
    service = next(each for each in SERVICES if each.name == name)
    return version in [each.version for each in functions.published(service)]


def _numbers(release: Release) -> Mapping[str, int]:
    """Give a release for evidence."""
    return {name: version.number for name, version in release.items()}


def applied_migrations(deployment: Deployment) -> list[str] | None:
    """Give the applied versions; ``None`` if the database cannot be looked at."""
    from deploy.database import connect
    from deploy.migrations import history

    with suppress(DeployError), connect(deployment.database_url()) as connection:
        return sorted(history.read(connection))
    return None
