"""A checklist as data: results, the steps that yield them, and one run of them.

Nothing here prints, connects or knows a step by name.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from deploy import storage
from deploy.errors import DeployError, ExitCode

Context = TypeVar("Context")


class Status(StrEnum):
    """The outcome of one check."""

    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"
    FAIL = "fail"
    PENDING = "pending"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check saw.

    Attributes:
        id: ``<step>.<noun>``, stable: scripts match on it.
        title: One line that a person reads, with the values that matter.
        status: The outcome.
        evidence: What was looked at and seen, JSON-serialisable; never a secret.
        remedy: One command that goes on from here, or ``None``.
        changed: Whether the step changed anything to get here.
        planned: Whether a run without ``--dry-run`` would change something here.
        ms: Time that it took, in milliseconds; 0 lets the run measure it.
    """

    id: str
    title: str
    status: Status
    evidence: Mapping[str, object] = field(default_factory=dict)
    remedy: str | None = None
    changed: bool = False
    planned: bool = False
    ms: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Give the check in the form that every task prints under ``--json``."""
        return {
            "id": self.id,
            "title": self.title,
            "status": self.status.value,
            "evidence": dict(self.evidence),
            "remedy": self.remedy,
            "ms": round(self.ms, 1),
        }


@dataclass(frozen=True, kw_only=True)
class Step(Generic[Context]):
    """One part of a checklist.

    Attributes:
        id: Name for ``--only`` and ``--skip``.
        title: What the step does, in a few words.
        run: Yields results as they are known. A `DeployError` becomes a failed
            result; any other exception is a defect and ends the run.
        verifies: Whether the step proves what earlier ones did: its failed results
            end the run with ``NOT_VERIFIED``.
    """

    id: str
    title: str
    run: Callable[[Context], Iterator[Result]]
    verifies: bool = False


class Observer(Protocol):
    """Told of a run as it happens; the console is one."""

    def step_started(self, step_id: str, title: str) -> None:
        """Note that a step begins."""

    def checked(self, result: Result) -> None:
        """Note one result."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The end of a run.

    Attributes:
        task: The task's name, e.g. ``deploy``.
        target: The stack's name.
        results: All results in order.
        ms: Time of the whole run, in milliseconds.
        exit_code: What the process ends with.
    """

    task: str
    target: str
    results: tuple[Result, ...]
    ms: float
    exit_code: ExitCode

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return any(result.changed for result in self.results)

    @property
    def status(self) -> Status:
        """The worst outcome; skipped checks do not count."""
        seen = {result.status for result in self.results}
        for status in (Status.FAIL, Status.PENDING, Status.WARN):
            if status in seen:
                return status
        return Status.PASS

    def as_json(self) -> dict[str, object]:
        """Give the report in the form that every task prints under ``--json``."""
        return {
            "task": self.task,
            "target": self.target,
            "status": self.status.value,
            "exit_code": int(self.exit_code),
            "changed": self.changed,
            "ms": round(self.ms, 1),
            "checks": [result.as_json() for result in self.results],
        }


def failure(step_id: str, error: DeployError) -> Result:
    """Turn an error into the failed result that ends a step."""
    return Result(
        id=f"{step_id}.error",
        title=str(error),
        status=Status.FAIL,
        evidence=error.evidence,
        remedy=error.remedy,
    )


def skipped(check_id: str, reason: str, remedy: str | None = None) -> Result:
    """Say why a check was not made, and what would have it made."""
    return Result(
        id=check_id,
        title=f"skipped: {reason}",
        status=Status.SKIPPED,
        evidence={"reason": reason},
        remedy=remedy,
    )


INTERRUPTED = ".interrupted"
"""How the id of an interrupted step's last result ends."""


def interruption(step_id: str) -> Result:
    """Make the failed result of a step that somebody interrupted."""
    return Result(
        id=f"{step_id}{INTERRUPTED}",
        title="interrupted; what is done is kept",
        status=Status.FAIL,
    )


def run_steps(
    steps: Sequence[Step[Context]], context: Context, observer: Observer
) -> tuple[list[Result], ExitCode]:
    """Run steps in order; stop after the first one that has a failed result.

    Args:
        steps: The steps to run.
        context: Handed to each step.
        observer: Told of each step and result at once.

    Returns:
        All results, and ``DONE`` or what the process should end with.
    """
    results: list[Result] = []
    current = ""
    try:
        for step in steps:
            current = step.id
            observer.step_started(step.id, step.title)
            code = _run_step(step, context, observer, results)
            if code is not ExitCode.DONE:
                return results, code
    except KeyboardInterrupt:
        # Between two results; while a step works, `_outcomes` notices it.
        results.append(interruption(current))
        observer.checked(results[-1])
        return results, ExitCode.INTERRUPTED
    return results, ExitCode.DONE


def _run_step(
    step: Step[Context], context: Context, observer: Observer, results: list[Result]
) -> ExitCode:
    """Run one step, add its results, and give what they mean for the run."""
    code = ExitCode.DONE
    for result, error_code in _outcomes(step, context):
        results.append(result)
        observer.checked(result)
        if result.status is Status.FAIL and code is ExitCode.DONE:
            verdict = ExitCode.NOT_VERIFIED if step.verifies else ExitCode.FAILED
            code = error_code or verdict
    half_done = any(result.changed for result in results)
    return ExitCode.HALF_DONE if code is ExitCode.FAILED and half_done else code


def _outcomes(
    step: Step[Context], context: Context
) -> Iterator[tuple[Result, ExitCode | None]]:
    """Yield each timed result of a step; an error is its last result."""
    outcomes = step.run(context)
    while True:
        started = time.perf_counter()
        code: ExitCode | None = None
        try:
            result = next(outcomes)
        except StopIteration:
            return
        except DeployError as error:
            result, code = failure(step.id, error), error.exit_code
        except OSError as error:
            if (told := storage.explained(error)) is None:
                raise
            result, code = failure(step.id, told), told.exit_code
        except KeyboardInterrupt:
            result, code = interruption(step.id), ExitCode.INTERRUPTED
        elapsed = (time.perf_counter() - started) * 1000
        yield (result if result.ms else replace(result, ms=elapsed)), code
        if code is not None:
            return
