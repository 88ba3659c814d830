"""All output. Results go to stdout, progress and problems to stderr."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from rich.console import Console
from rich.status import Status as Spinner
from rich.table import Table
from rich.text import Text

from deploy.checklist import Report, Result, Status
from deploy.errors import DeployError, ExitCode

WIDTH = 100
"""Columns that a table may use."""

QUIET_S = 2.0
"""Without a terminal, nobody waits for longer than this without a line."""

MARKS = {
    Status.PASS: ("✓", "ok", "green"),
    Status.WARN: ("!", "warn", "yellow"),
    Status.FAIL: ("✗", "failed", "red"),
    Status.PENDING: ("…", "pending", "cyan"),
    Status.SKIPPED: ("-", "skipped", "dim"),
}


def _console(*, stderr: bool = False) -> Console:
    """Open stdout or stderr; rich minds the terminal, its width and ``NO_COLOR``."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not console.is_terminal or console.width > WIDTH:
        console.width = WIDTH
    return console


def mark(status: Status, console: Console) -> Text:
    """Give the sign of a status: a symbol, or a word where UTF-8 cannot be shown."""
    symbol, word, style = MARKS[status]
    return Text(symbol if console.encoding.startswith("utf") else word, style=style)


class Progress:
    """Tells of a run on stderr while it goes on.

    On a terminal one line is rewritten in place. Elsewhere lines are printed, but only
    where the reader would otherwise see nothing for 2 s.
    """

    def __init__(self) -> None:
        self._console = _console(stderr=True)
        self._step = ""
        self._told = time.monotonic()
        self._spinner: Spinner | None = None

    def step_started(self, step_id: str, title: str) -> None:
        """Show that a step begins."""
        self._step = step_id
        self.say(title)

    def checked(self, result: Result) -> None:
        """Show one result."""
        name = result.id.partition(".")[2]
        sign = mark(result.status, self._console).plain
        self.say(f"{sign} {name}: {result.title.splitlines()[0]}")

    def say(self, message: str) -> None:
        """Show what is being done, or was just seen."""
        text = Text(f"{self._step}: {message}", overflow="ellipsis", no_wrap=True)
        if self._console.is_terminal:
            if self._spinner is None:
                self._spinner = self._console.status(text)
                self._spinner.start()
            self._spinner.update(text)
        elif time.monotonic() - self._told > QUIET_S:
            self._told = time.monotonic()
            self._console.print(text, no_wrap=True, overflow="ellipsis", crop=True)

    def close(self) -> None:
        """Give the terminal's line back."""
        if self._spinner:
            self._spinner.stop()
            self._spinner = None


def show(report: Report, *, as_json: bool, evidence: bool = False) -> None:
    """Print a report on stdout.

    Args:
        report: What to show.
        as_json: Print one JSON document instead of a table.
        evidence: In the table, also show what each check looked at and saw; a failed
            check always shows it.
    """
    console = _console()
    if as_json:
        text = json.dumps(report.as_json(), indent=2, default=str)
        console.print(Text(text), soft_wrap=True)
        return
    console.print(Text(f"{report.task} {report.target}"))
    with console.capture() as captured:
        console.print(_table(report.results, console, evidence=evidence))
    # rich fills each cell with spaces up to its column's width.
    for line in captured.get().splitlines():
        console.out(line.rstrip(), highlight=False)
    console.print(Text(summary(report)))


def rehearse() -> None:
    """Print each kind of result and a problem where nobody sees them.

    What prints is imported bit by bit, at its first use: who deletes the installed
    packages must have used it before.
    """
    results = tuple(
        Result(
            id=f"rehearsal.{status}",
            title=f"{status}: /a/path, done…",
            status=status,
            remedy="./bootstrap",
        )
        for status in Status
    )
    report = Report(
        task="rehearsal", target="none", results=results, ms=0.0, exit_code=ExitCode(0)
    )
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        show(report, as_json=False, evidence=True)
        show(report, as_json=True)
        complain(DeployError("a problem: /a/path", remedy="./bootstrap"))


def _table(results: Iterable[Result], console: Console, *, evidence: bool) -> Table:
    """Lay results out by step, with remedies and evidence below their check."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(justify="right", no_wrap=True, style="dim")
    group = ""
    for result in results:
        step, _, name = result.id.partition(".")
        if step != group:
            group = step
            table.add_row("", "", "", "")
            table.add_row("", Text(step, style="bold"), "", "")
        took = f"{result.ms / 1000:.1f} s" if result.ms >= 1000 else ""
        title = Text(result.title)
        table.add_row(mark(result.status, console), Text(f" {name}"), title, took)
        if result.remedy:
            table.add_row("", "", Text(f"-> {result.remedy}", style="bold"), "")
        if evidence or result.status is Status.FAIL:
            table.add_row("", "", Text(_evidence(result), style="dim"), "")
    return table


def _evidence(result: Result) -> str:
    """Write evidence as one ``key: value`` a line."""
    return "\n".join(
        f"{key}: {json.dumps(value, default=str, ensure_ascii=False)}"
        for key, value in result.evidence.items()
    )


def summary(report: Report) -> str:
    """Count the outcomes in one line and say whether anything changed."""
    counts = Counter(result.status for result in report.results)
    parts = [f"{counts[status]} {MARKS[status][1]}" for status in Status]
    shown = [part for part in parts if not part.startswith("0 ")]
    planned = sum(result.planned for result in report.results)
    verdict = "changed" if report.changed else "nothing changed"
    if planned:
        verdict = f"{planned} of these would change something"
    return (
        f"\n{', '.join(shown) or 'nothing to do'} in {report.ms / 1000:.1f} s;"
        f" {verdict}; exit {int(report.exit_code)}"
    )


def say_lines(lines: Iterable[str]) -> None:
    """Print the result of a task that is not a checklist on stdout."""
    console = _console()
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def tell_lines(lines: Iterable[str]) -> None:
    """Print what a person should read before they are asked, on stderr."""
    console = _console(stderr=True)
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def complain(error: DeployError) -> None:
    """Print an error on stderr: what is wrong, then the next command."""
    console = _console(stderr=True)
    console.print(Text(str(error), style="red"), soft_wrap=True)
    if error.remedy:
        console.print(Text(f"-> {error.remedy}", style="bold"), soft_wrap=True)


def ask(question: str) -> str:
    """Ask on the terminal; give the answer without white space around it."""
    return _console(stderr=True).input(Text(f"{question} ")).strip()


def shows_unicode() -> bool:
    """Tell whether stdout shows more than ASCII."""
    return _console().encoding.startswith("utf")


def asks() -> bool:
    """Tell whether there is a person on a terminal to ask."""
    return _console(stderr=True).is_terminal
