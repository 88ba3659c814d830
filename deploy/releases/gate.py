"""The gate of a release: the proof of the functions passes, or the old code answers."""

from collections.abc import Iterator
from dataclasses import replace

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.releases import log, pending
from deploy.releases.guard import applied_migrations, withdraw
from deploy.releases.versions import live


def gated(step: Step[Deployment]) -> Step[Deployment]:
    """Make a step whose failure moves the aliases back, and whose end is a release.

    Only what this deploy, or an unfinished one before it, has moved is moved back: a
    proof that fails on code that was proved before says nothing against that code.
    """

    def run(deployment: Deployment) -> Iterator[Result]:
        seen: set[Status] = set()
        try:
            for result in step.run(deployment):
                seen.add(result.status)
                yield result
        except Exception:
            # A defect of the proof too: what is not proved does not stay live.
            yield from withdraw(deployment, step.id)
            raise
        if Status.FAIL in seen:
            yield from withdraw(deployment, step.id)
        elif not deployment.dry_run:
            _confirm(deployment, proved=Status.PASS in seen)

    return replace(step, run=run)


def _confirm(deployment: Deployment, *, proved: bool) -> None:
    """Write what is live into the log, unless it says so already."""
    waits = pending.read(deployment.records) is not None
    # Without a release of this run, a cloud account is not asked for anything.
    if not (waits or deployment.is_local):
        return
    services, migrations = live(deployment), applied_migrations(deployment)
    entries = log.read(deployment.records)
    last = entries[-1] if entries else None
    known = last and (last.kind, dict(last.services)) == (log.DEPLOYED, dict(services))
    same = last and list(last.migrations or ()) == (migrations or [])
    if not (last and known and same) or (proved and waits and not last.proved):
        log.append(
            deployment.records,
            log.DEPLOYED,
            services,
            # Without a new proof, what was proved and is the same stays proved.
            proved=proved or bool(last and known and last.proved),
            commit=commit(),
            migrations=migrations,
        )
    pending.end(deployment.records)


def commit() -> str | None:
    """Name the commit of the working tree, with ``+`` if it differs from it."""
    from deploy.steps.preflight import git

    head = git("rev-parse", "HEAD")
    return f"{head}+" if head and git("status", "--porcelain") else head
