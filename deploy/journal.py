"""How far a deploy came, kept so that the next one knows, whatever ended this one."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from deploy.checklist import Result
from deploy.errors import ExitCode, UsageError
from deploy.ledger import now
from deploy.local.files import write_private

FILE = "journal.json"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of one deploy.

    Attributes:
        started_at: When it began, in UTC, for people.
        pid: Its process.
        steps: Ids of the steps that it was to run, in order.
        done: Ids of those that are done.
        current: Id of the step that runs or in which it ended; ``None`` at the ends.
        exit_code: What it ended with; ``None`` while it runs, and for ever if it was
            killed.
    """

    started_at: str
    pid: int
    steps: tuple[str, ...]
    done: tuple[str, ...] = ()
    current: str | None = None
    exit_code: int | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to go on with."""
        return self.exit_code == ExitCode.DONE

    @property
    def ending(self) -> str:
        """Say in a few words how it ended."""
        if self.exit_code is None:
            return "without a word (killed, or the machine stopped)"
        return f"with exit {self.exit_code}"


class Journal:
    """Writes the entry of this deploy at each step; an observer of its run.

    Args:
        folder: Where the journal is.
        steps: Ids of the steps that are to run.
    """

    def __init__(self, folder: Path, steps: Sequence[str]) -> None:
        self._folder = folder
        self._entry = Entry(started_at=now(), pid=os.getpid(), steps=tuple(steps))
        self._write()

    @property
    def started_at(self) -> str:
        """When this deploy began, in UTC, for people."""
        return self._entry.started_at

    @property
    def current(self) -> str | None:
        """The step that runs."""
        return self._entry.current

    def step_started(self, step_id: str, title: str) -> None:
        """Note that a step begins, and so that the one before it is done."""
        del title
        self._entry = replace(self._entry, done=self._passed(), current=step_id)
        self._write()

    def checked(self, result: Result) -> None:
        """Do nothing: results are the receipt's."""

    def end(self, code: ExitCode) -> None:
        """Note how it ended; the step in which it failed stays the current one."""
        entry = replace(self._entry, exit_code=int(code))
        if code is ExitCode.DONE:
            entry = replace(entry, done=self._passed(), current=None)
        self._entry = entry
        self._write()

    def _passed(self) -> tuple[str, ...]:
        current = self._entry.current
        return (*self._entry.done, current) if current else self._entry.done

    def _write(self) -> None:
        write_private(self._folder / FILE, json.dumps(asdict(self._entry), indent=2))


def last(folder: Path) -> Entry | None:
    """Read the entry of the last deploy; ``None`` if there is none to be read."""
    try:
        values = json.loads((folder / FILE).read_text())
        entry = Entry(**values)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return replace(entry, steps=tuple(entry.steps), done=tuple(entry.done))


def resume_from(entry: Entry | None) -> str:
    """Give the step with which to go on.

    Raises:
        UsageError: There is nothing to go on with.
    """
    if entry is None or entry.is_finished:
        told = (
            f"the last one, of {entry.started_at}, is done" if entry else "none began"
        )
        raise UsageError(
            f"no deploy to resume: {told}. Nothing was changed",
            remedy="./bootstrap deploy",
        )
    if entry.current:
        return entry.current
    left = [step for step in entry.steps if step not in entry.done]
    return left[0] if left else entry.steps[0]
