"""Run a task: steps in, a report on stdout and an exit code out."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

from deploy import console, storage
from deploy.checklist import (
    INTERRUPTED,
    Observer,
    Report,
    Result,
    Status,
    Step,
    run_steps,
)
from deploy.deployment import LOCAL, Deployment, check_stack
from deploy.errors import DeployError, ExitCode, InterruptedRunError, UsageError

Judge = Callable[[Sequence[Result], ExitCode], ExitCode]


class Both:
    """Tells two observers of a run."""

    def __init__(self, first: Observer, second: Observer) -> None:
        self._observers = (first, second)

    def step_started(self, step_id: str, title: str) -> None:
        """Tell both that a step begins."""
        for observer in self._observers:
            observer.step_started(step_id, title)

    def checked(self, result: Result) -> None:
        """Tell both of a result."""
        for observer in self._observers:
            observer.checked(result)


def checklist(
    task: str,
    deployment: Deployment,
    steps: Sequence[Step[Deployment]],
    progress: console.Progress,
    *,
    judge: Judge,
    journal: Observer | None = None,
) -> Report:
    """Run steps and give their report.

    Args:
        task: Name of the task, for the report.
        deployment: What the steps act on.
        steps: The steps to run.
        progress: Told of everything at once.
        judge: Turns the results and the code of the run into the exit code.
        journal: Told of everything as well.
    """
    started = time.perf_counter()
    check_stack(deployment.stack)
    observer = Both(progress, journal) if journal else progress
    try:
        results, code = run_steps(steps, deployment, observer)
    finally:
        progress.close()
    return Report(
        task=task,
        target=deployment.stack,
        results=tuple(
            replace(result, remedy=_remedy(result, task, deployment.stack))
            for result in results
        ),
        ms=(time.perf_counter() - started) * 1000,
        exit_code=judge(results, code),
    )


def _remedy(result: Result, task: str, stack: str) -> str | None:
    """Give the command that goes on from a result of a task on a stack."""
    remedy = result.remedy
    if result.id.endswith(INTERRUPTED):
        remedy = f"./bootstrap {task}{' --resume' if task == 'deploy' else ''}"
    return for_stack(remedy, stack)


def for_stack(remedy: str | None, stack: str) -> str | None:
    """Make a remedy act on the stack that it is about.

    >>> for_stack("./bootstrap deploy --only crons", "production")
    './bootstrap deploy --only crons --stack production'
    >>> for_stack("wait for it, then ./bootstrap db.archive", "production")
    'wait for it, then ./bootstrap db.archive --stack production'
    """
    before, mark, command = (remedy or "").rpartition("./bootstrap ")
    # Behind other words the command is taken for the end only where nothing follows it.
    about_stack = mark and not (before and set(command) & set(",;:&"))
    if stack == LOCAL or not about_stack or "--stack" in (remedy or "").split():
        return remedy
    if command.startswith(("--list", "local.")):
        return remedy
    return f"{remedy} --stack {stack}"


@contextmanager
def _storage_explained() -> Iterator[None]:
    """Turn a full disk or a closed folder into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if told := storage.explained(error):
            raise told from error
        raise


@contextmanager
def ending(
    task: str, target: str, *, as_json: bool = False, debug: bool = False
) -> Iterator[None]:
    """End the process with a clear message and the right code, whatever happens.

    Args:
        task: Name of the task, for the report of an error.
        target: Name of the stack.
        as_json: Whether the error is reported as a JSON document too.
        debug: Whether an operator's error keeps its traceback.

    Raises:
        SystemExit: Always, where the block did not end by itself.
    """
    try:
        with _storage_explained():
            yield
    except DeployError as error:
        if debug:
            raise
        _report(task, target, error, as_json=as_json)
    except KeyboardInterrupt:
        stopped = InterruptedRunError(
            f"{task} was interrupted", remedy=f"./bootstrap {task}"
        )
        _report(task, target, stopped, as_json=as_json)


def _report(task: str, target: str, error: DeployError, *, as_json: bool) -> NoReturn:
    """Show an error that ends a task, and end the process with its code."""
    error.remedy = for_stack(error.remedy, target)
    console.complain(error)
    if as_json:
        failed = Result(
            id=f"{task}.error",
            title=str(error),
            status=Status.FAIL,
            evidence=error.evidence,
            remedy=error.remedy,
        )
        report = Report(
            task=task,
            target=target,
            results=(failed,),
            ms=0.0,
            exit_code=error.exit_code,
        )
        console.show(report, as_json=True)
    raise SystemExit(int(error.exit_code)) from None


def confirm(
    deployment: Deployment,
    *,
    yes: bool,
    task: str = "deploy",
    doing: str = "deploy to it",
) -> None:
    """Ask ``Type <stack> to <doing>`` before a stack with real users is changed.

    Raises:
        UsageError: Nobody said yes; nothing was changed.
    """
    if deployment.is_local or deployment.dry_run or yes:
        return
    remedy = f"./bootstrap {task} --stack {deployment.stack} --dry-run, then --yes"
    if not console.asks():
        raise UsageError(
            f"stack {deployment.stack} has real users and nobody is here to ask:"
            " --yes is missing; nothing was changed",
            remedy=remedy,
        )
    answer = console.ask(f"Type {deployment.stack} to {doing}:")
    if answer != deployment.stack:
        raise UsageError(
            f"{answer!r} is not {deployment.stack!r}: nothing was changed",
            remedy=remedy,
        )


def plain_judge(results: Sequence[Result], code: ExitCode) -> ExitCode:
    """Keep the code of the run: what is pending counts as done."""
    del results
    return code


def check_judge(results: Sequence[Result], code: ExitCode) -> ExitCode:
    """Give ``CHANGES`` where a dry run would change something."""
    if code is ExitCode.DONE and any(result.planned for result in results):
        return ExitCode.CHANGES
    return code


def verify_judge(results: Sequence[Result], code: ExitCode) -> ExitCode:
    """Give ``NOT_VERIFIED`` for a failed check, else ``PENDING`` for a pending one."""
    statuses = {result.status for result in results}
    if code is ExitCode.DONE and Status.PENDING in statuses:
        return ExitCode.PENDING
    return code
