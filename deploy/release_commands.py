"""The tasks ``rollback``, ``releases.list`` and ``releases.prune``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from deploy import console, receipts, run
from deploy.checklist import Report, Result, Status, Step
from deploy.commands import Output
from deploy.deploying import copy_receipt
from deploy.deploylock import held
from deploy.deployment import Deployment, check_stack
from deploy.errors import DeployError, UsageError
from deploy.ledger import now
from deploy.releases import listing, proving, pruning
from deploy.releases.rollback import ALL, Wish
from deploy.releases.rollback import run as roll_back
from deploy.releases.versions import Functions
from deploy.steps.preflight import git
from infra.catalog.services import SERVICES, Service

KEEP_MIN = 1
"""One version that is not live must stay, or there is no way back."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A task that changes a stack.

    Attributes:
        task: Its name.
        with_options: Its name with the options that matter, for a remedy.
        doing: What is asked for, after ``Type <stack> to``.
        dry_run: Look only.
        yes: Do not ask.
        force: Go on without the lock in the database if that is away.
    """

    task: str
    with_options: str
    doing: str
    dry_run: bool
    yes: bool
    force: bool = False


def rollback(stack: str, wish: Wish, out: Output, *, dry_run: bool, yes: bool) -> int:
    """Move a service, or all, to an earlier version; give the exit code."""
    with run.ending("rollback", stack, as_json=out.as_json, debug=out.debug):
        _chosen(wish.service)
        steps: list[Step[Deployment]] = [
            Step(
                id="rollback",
                title="move aliases to an earlier version",
                run=lambda deployment: roll_back(deployment, wish),
            )
        ]
        if not dry_run:
            steps.append(_proof(wish))
        task = f"rollback --service {wish.service}"
        doing = f"roll {wish.service} back on it"
        change = Change(
            task="rollback",
            with_options=task,
            doing=doing,
            dry_run=dry_run,
            yes=yes,
            force=wish.force,
        )
        return _change(change, stack, steps, out)


def prune(stack: str, keep: int, out: Output, *, dry_run: bool, yes: bool) -> int:
    """Delete old versions; give the exit code."""
    with run.ending("releases.prune", stack, as_json=out.as_json, debug=out.debug):
        if keep < KEEP_MIN:
            raise UsageError(
                f"--keep {keep}: must be {KEEP_MIN} or more: without a version that is"
                " not live there is no way back. Nothing was changed",
                remedy="./bootstrap releases.prune --keep 5 --dry-run",
            )
        step: Step[Deployment] = Step(
            id="prune",
            title="delete old versions",
            run=lambda deployment: pruning.run(deployment, keep),
        )
        change = Change(
            task="releases.prune",
            with_options="releases.prune",
            doing="delete old versions of it",
            dry_run=dry_run,
            yes=yes,
        )
        return _change(change, stack, [step], out)


def releases(stack: str, service: str, out: Output) -> int:
    """List versions; give the exit code."""
    with run.ending("releases", stack, as_json=out.as_json, debug=out.debug):
        services = _chosen(service or ALL)
        every = bool(service) or out.as_json
        step: Step[Deployment] = Step(
            id="releases",
            title="list the versions",
            run=lambda deployment: listing.run(deployment, services, every=every),
        )
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say)
        report = run.checklist(
            "releases", deployment, [step], progress, judge=run.plain_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _chosen(service: str) -> tuple[Service, ...]:
    """Give the services that are meant.

    Raises:
        UsageError: There is no such service; names those that there are.
    """
    if not service:
        raise UsageError(
            "--service is missing: name a service, or all. Nothing was changed",
            remedy="./bootstrap releases",
        )
    found = tuple(each for each in SERVICES if service in (ALL, each.name))
    if not found:
        raise UsageError(
            f"no service named {service!r}; known: {ALL},"
            f" {', '.join(each.name for each in SERVICES)}. Nothing was changed",
            remedy="./bootstrap releases",
        )
    return found


def _proof(wish: Wish) -> Step[Deployment]:
    """Make the step that asks the services that were meant."""

    def body(deployment: Deployment) -> Iterator[Result]:
        functions = Functions(deployment)
        yield from proving.prove(deployment, functions, _chosen(wish.service))

    return Step(id="answers", title="ask what is live", run=body, verifies=True)


def _change(
    change: Change, stack: str, steps: list[Step[Deployment]], out: Output
) -> int:
    """Run steps under the lock of the stack; leave a receipt if something changed."""
    check_stack(stack)
    progress = console.Progress()
    deployment = Deployment(stack=stack, progress=progress.say, dry_run=change.dry_run)

    def checklist() -> Report:
        return run.checklist(
            change.task, deployment, steps, progress, judge=run.plain_judge
        )

    if change.dry_run:
        report = checklist()
    elif refused := _refused(change, deployment, steps, progress):
        report = refused
    else:
        run.confirm(
            deployment, yes=change.yes, task=change.with_options, doing=change.doing
        )
        report = _locked(deployment, checklist, force=change.force)
    console.show(report, as_json=out.as_json, evidence=out.evidence)
    return int(report.exit_code)


def _refused(
    change: Change,
    deployment: Deployment,
    steps: list[Step[Deployment]],
    progress: console.Progress,
) -> Report | None:
    """Show whom is asked what would be done; give the report if it cannot be."""
    if deployment.is_local or change.yes or not console.asks():
        return None
    looking = replace(deployment, dry_run=True)
    report = run.checklist(
        change.task, looking, steps[:1], progress, judge=run.plain_judge
    )
    if report.status is Status.FAIL:
        return report
    console.tell_lines(each.title for each in report.results)
    return None


def _locked(
    deployment: Deployment, checklist: Callable[[], Report], *, force: bool
) -> Report:
    """Run a checklist while nobody deploys; leave a receipt of what it changed."""
    started_at = now()
    # In an emergency the way back does not depend on a database that is away.
    with held(deployment, in_database=not force or _answers(deployment)):
        report = checklist()
        if report.changed:
            head = git("rev-parse", "HEAD")
            document = receipts.write(deployment.records, report, started_at, head)
            copy_receipt(deployment, document)
    return report


def _answers(deployment: Deployment) -> bool:
    """Tell whether the stack's database can be reached."""
    from deploy.database import connect

    try:
        with connect(deployment.database_url()):
            return True
    except DeployError:
        return False
