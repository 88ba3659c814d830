"""The tasks ``crons.run`` and ``crons.adopt``."""

from collections.abc import Iterator

from deploy import console, run
from deploy.checklist import Result, Status, Step
from deploy.commands import Output
from deploy.crons.compare import ADOPT, Change
from deploy.deployment import Deployment, check_stack
from deploy.errors import UsageError
from infra.catalog.pg_crons import PG_CRON_JOBS


def run_cron(
    stack: str, job: str, out: Output, *, dry_run: bool = False, yes: bool = False
) -> int:
    """Run the declared command of one job, or of all, at once; give the exit code."""
    with run.ending("crons.run", stack, as_json=out.as_json, debug=out.debug):
        from deploy.steps import crons

        if job != "all":
            _require_declared(job, "./bootstrap crons.run --job all")
        jobs = [declared for declared in PG_CRON_JOBS if job in ("all", declared.name)]
        progress = console.Progress()
        check_stack(stack)
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
        run.confirm(
            deployment, yes=yes, task=f"crons.run --job {job}", doing=f"run {job} on it"
        )
        report = run.checklist(
            "crons.run",
            deployment,
            [crons.running(jobs)],
            progress,
            judge=run.plain_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def adopt(stack: str, job: str, out: Output, *, dry_run: bool, yes: bool) -> int:
    """Take over somebody else's job of a declared name; give the exit code."""
    with run.ending("crons.adopt", stack, as_json=out.as_json, debug=out.debug):
        _require_declared(job, "./bootstrap verify-crons")
        check_stack(stack)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
        shown = None if dry_run or yes else _confirmed(deployment, job)
        report = run.checklist(
            "crons.adopt",
            deployment,
            [_adopting(job, shown)],
            progress,
            judge=run.plain_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        if report.status is Status.PASS and not out.as_json:
            console.say_lines(_ending(deployment, report.results))
        return int(report.exit_code)


def _require_declared(job: str, remedy: str) -> None:
    """Refuse a name that no declared job has.

    Raises:
        UsageError: Names those that there are.
    """
    known = [declared.name for declared in PG_CRON_JOBS]
    if not job:
        raise UsageError(
            f"--job is missing: name one of {', '.join(known)}. Nothing was changed",
            remedy=remedy,
        )
    if job not in known:
        raise UsageError(
            f"no job named {job!r} is declared; known: {', '.join(known)}",
            remedy=remedy,
        )


def _look(deployment: Deployment, job: str) -> Change:
    """See what taking over a job means."""
    from deploy.crons import adoption
    from deploy.database import connect

    with connect(deployment.database_url()) as connection:
        return adoption.look(connection, PG_CRON_JOBS, job)


def _confirmed(deployment: Deployment, job: str) -> Change | None:
    """Show both definitions and ask.

    Returns:
        What somebody agreed to; ``None`` if there was nobody or nothing to ask.

    Raises:
        UsageError: Nobody agreed; nothing was changed.
    """
    from deploy.crons import adoption

    change = _look(deployment, job)
    if change.action != ADOPT:
        return None
    remedy = f"./bootstrap crons.adopt --job {job} --dry-run"
    if not console.asks():
        if deployment.is_local:
            return None
        raise UsageError(
            f"{job} on stack {deployment.stack} is somebody's job and nobody is here"
            " to ask: --yes is missing; nothing was changed",
            remedy=remedy,
        )
    lines = "\n".join(adoption.definitions(change))
    answer = console.ask(f"{lines}\nType {job} to take it over:")
    if answer != job:
        raise UsageError(
            f"{answer!r} is not {job!r}: nothing was changed", remedy=remedy
        )
    return change


def _adopting(job: str, shown: Change | None) -> Step[Deployment]:
    """Make the step that takes one job over."""

    def body(deployment: Deployment) -> Iterator[Result]:
        from deploy.crons import adoption
        from deploy.database import connect

        with connect(deployment.database_url()) as connection:
            change = adoption.look(connection, PG_CRON_JOBS, job)
            yield adoption.adopt(
                connection, change, shown=shown, dry_run=deployment.dry_run
            )

    return Step(id="crons", title=f"take over {job}", run=body)


def _ending(deployment: Deployment, results: tuple[Result, ...]) -> list[str]:
    """Say how to take it back, and what to type next."""
    (result,) = results
    lines = [f"undo: {result.evidence['undo']}"] if "undo" in result.evidence else []
    if result.planned:
        adopt = result.id.partition(".")[2]
        return [
            *lines,
            f"next: ./bootstrap crons.adopt --job {adopt}{deployment.suffix}",
        ]
    return [*lines, f"next: ./bootstrap verify-crons{deployment.suffix}"]
