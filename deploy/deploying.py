"""The task ``deploy``: lock, journal, checklist, receipt."""

import signal
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from deploy import console, journal, receipts, run
from deploy.checklist import Report, Status, Step
from deploy.commands import Output
from deploy.deploylock import held
from deploy.deployment import Deployment
from deploy.engine.acceptance import accept
from deploy.engine.plans import writing
from deploy.errors import DeployError, ExitCode, UsageError
from deploy.selection import names, select
from deploy.steps.preflight import git

LOOKS_FIRST = ("preflight", "database")
"""Steps that a resumed deploy runs again: what follows relies on what they look at."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asked for.

    Attributes:
        stack: Name of the stack.
        only: Steps to run, comma-separated; empty for all.
        skip: Steps to leave out, comma-separated.
        start: Step to begin with; empty for the first.
        resume: Begin with the step in which the last deploy ended.
        dry_run: Look only.
        check: Look only, and say by the exit code whether anything would change.
        yes: Do not ask before changing a cloud stack.
        allow_replace: Names of resources, comma-separated, that may be replaced or
            deleted although something is lost with them.
        plan: File to write the plan into; nothing is changed then.
        apply: Plan file to apply; empty for none.
    """

    stack: str
    only: str = ""
    skip: str = ""
    start: str = ""
    resume: bool = False
    dry_run: bool = False
    check: bool = False
    yes: bool = False
    allow_replace: str = ""
    plan: str = ""
    apply: str = ""

    @property
    def looks_only(self) -> bool:
        """Whether nothing may be changed."""
        return self.dry_run or self.check or bool(self.plan)


def deploy(request: Request, out: Output) -> int:
    """Run the deployment checklist; give the exit code."""
    with run.ending("deploy", request.stack, as_json=out.as_json, debug=out.debug):
        progress = console.Progress()
        deployment = Deployment(
            stack=request.stack,
            progress=progress.say,
            dry_run=request.looks_only,
            allowed_losses=names(request.allow_replace),
        )
        steps = choose(request, deployment)
        plan = Path(request.apply) if request.apply else None
        if request.looks_only:
            judge = run.check_judge if request.check else run.plain_judge
            report = run.checklist("deploy", deployment, steps, progress, judge=judge)
        else:
            accept(deployment, steps, progress, yes=request.yes, plan=plan)
            with held(deployment):
                report = _change(deployment, steps, progress)
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        if not out.as_json:
            console.say_lines(_ending(deployment, report, request))
        return int(report.exit_code)


def choose(request: Request, deployment: Deployment) -> list[Step[Deployment]]:
    """Choose the steps of a run.

    Raises:
        UsageError: A name is unknown, two wishes exclude each other, nothing is left,
            or there is nothing to resume.
    """
    from deploy.deployment import check_stack
    from deploy.steps import CHECKLIST

    check_stack(deployment.stack)
    _refuse_together(request)
    if sum(map(bool, (request.only, request.start, request.resume))) > 1:
        raise UsageError(
            "--only, --from and --resume exclude each other; nothing was changed",
            remedy="./bootstrap deploy --help",
        )
    if request.plan:
        return [writing(Path(request.plan))]
    steps = select(CHECKLIST, request.only, request.skip)
    start = request.start
    if request.resume:
        start = journal.resume_from(journal.last(deployment.records))
    if not start:
        return steps
    select(CHECKLIST, start, "")  # refuses an unknown name
    ids = [step.id for step in CHECKLIST]
    later = ids[ids.index(start) :]
    return [step for step in steps if step.id in (*LOOKS_FIRST, *later)]


def _refuse_together(request: Request) -> None:
    """Refuse wishes about plan files that exclude each other.

    Raises:
        UsageError: Names them.
    """
    given = {
        "--plan": request.plan,
        "--apply": request.apply,
        "--dry-run": request.dry_run,
        "--check": request.check,
    }
    named = [name for name, value in given.items() if value]
    if (request.plan or request.apply) and len(named) > 1:
        raise UsageError(
            f"{' and '.join(named)} exclude each other; nothing was changed",
            remedy="./bootstrap deploy --help",
        )
    others = (request.only, request.skip, request.start, request.resume)
    if request.plan and any(others):
        raise UsageError(
            "--plan is of the whole deploy: --only, --skip, --from and --resume do not"
            " go with it; nothing was changed",
            remedy=f"./bootstrap deploy --plan {request.plan}",
        )


def _change(
    deployment: Deployment, steps: list[Step[Deployment]], progress: console.Progress
) -> Report:
    """Run the steps with a journal; leave a receipt, however they ended."""
    deployment.last_deploy = journal.last(deployment.records)
    signal.signal(signal.SIGTERM, _interrupt)
    notes = journal.Journal(deployment.records, [step.id for step in steps])
    code = ExitCode.UNEXPECTED
    try:
        report = run.checklist(
            "deploy", deployment, steps, progress, judge=run.plain_judge, journal=notes
        )
        code = report.exit_code
    finally:
        notes.end(code)
    commit = git("rev-parse", "HEAD")
    document = receipts.write(deployment.records, report, notes.started_at, commit)
    if report.changed:
        copy_receipt(deployment, document)
    return report


def copy_receipt(deployment: Deployment, document: receipts.Document) -> None:
    """Leave a receipt in the database too; where that fails, say so and go on."""
    number = document["number"]
    try:
        receipts.save(deployment.database_url(), document)
    except DeployError as error:
        # The deploy is done, or says itself what is wrong: it keeps its own result.
        told = f"receipt {number} is in the records only, not in the database: {error}"
        console.complain(DeployError(told, remedy=error.remedy))


def _interrupt(_: int, __: FrameType | None) -> None:
    """End as Ctrl-C does, so that the journal and the receipt are written."""
    raise KeyboardInterrupt


def _ending(deployment: Deployment, report: Report, request: Request) -> list[str]:
    """Say where the receipt is and what to type next."""
    if request.plan:
        apply = f"./bootstrap deploy --apply {request.plan}{deployment.suffix}"
        return [f"next: {apply}"] if report.status is not Status.FAIL else []
    if deployment.dry_run:
        return [f"next: ./bootstrap deploy{deployment.suffix}"]
    lines = [f"receipt: {receipts.newest(deployment.records)}"]
    if report.status is not Status.FAIL:
        lines.append(f"next: ./bootstrap verify-crons{deployment.suffix}")
    return lines
