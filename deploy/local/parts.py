"""One running part of the local stack: its record, its state, its end."""

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.errors import DeployError
from deploy.local import proctable
from deploy.local.facts import LocalStack
from deploy.local.files import private_folder, write_private
from deploy.local.processes import Process, end, find, tail

MARK_VARIABLE = "KILOSCALE_MARK"
POLL_S = 0.02
PROBE_TIMEOUT_S = 3.0
SETTLE_PATIENCE_S = 30.0


class NoAnswerError(Exception):
    """A part does not answer, or not yet; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Why a part cannot run on this machine, and what would change that."""

    reason: str
    remedy: str


class UnavailableError(DeployError):
    """A part that the others do without cannot run on this machine."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.reason, remedy=missing.remedy)
        self.missing = missing


@dataclass(frozen=True, kw_only=True)
class Part:
    """How to start, ask and end one part.

    Attributes:
        name: ``postgres``, ``emulator``, ``stand-in`` or ``edge``.
        port: Its port in a stack.
        launch: Starts it; makes what it needs first.
        settle: Waits until it is of use.
        probe: Asks it; gives a line about it, or raises `NoAnswerError`.
        shutdown: Signals that end it, each with the seconds to wait after it.
        end_leftovers: Ends what outlived it and cannot be found by its mark.
        missing: Says why it cannot run here, if the others do without it.
    """

    name: str
    port: Callable[[LocalStack], int]
    launch: Callable[[LocalStack], Process]
    settle: Callable[[LocalStack, Process], None]
    probe: Callable[[LocalStack], str]
    shutdown: tuple[tuple[signal.Signals, float], ...]
    end_leftovers: Callable[[LocalStack], int] = lambda _: 0
    missing: Callable[[], Missing | None] = lambda: None


@dataclass(frozen=True, kw_only=True)
class PartStatus:
    """What a part is doing.

    Attributes:
        name: ``postgres``, ``emulator``, ``stand-in`` or ``edge``.
        running: Whether it answers.
        pid: Its process, or ``None``.
        port: Its port on 127.0.0.1, or ``None`` if no stack was made.
        detail: One line about it.
        log: Its log file.
        missing: Why it cannot run here; the stack does without it.
    """

    name: str
    running: bool
    pid: int | None
    port: int | None
    detail: str
    log: Path
    missing: Missing | None = None

    @property
    def is_down(self) -> bool:
        """Whether it should run and does not."""
        return not self.running and self.missing is None


def log_path(state: Path, name: str) -> Path:
    """Give the log file of a part."""
    return state / "logs" / f"{name}.log"


def mark(stack: LocalStack, part: str) -> str:
    """Give what stands in the environment of a part's processes and their children."""
    return f"{MARK_VARIABLE}={stack.mark}/{part}"


def record(stack: LocalStack, part: Part, process: Process) -> None:
    """Keep which process a part is."""
    values = {"pid": process.pid, "born": process.born, "state": str(stack.state)}
    folder = private_folder(stack.state / "run")
    write_private(folder / f"{part.name}.json", json.dumps(values))


def recorded(state: Path, name: str) -> tuple[Process, Path] | None:
    """Read which process a part was, and for which state folder it was started."""
    try:
        values = json.loads((state / "run" / f"{name}.json").read_text())
        process = Process(pid=int(values["pid"]), born=str(values["born"]))
        return process, Path(values["state"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # never started; a damaged record is found again by the mark


def status_of(part: Part, stack: LocalStack) -> PartStatus:
    """Look at a part; change nothing."""
    known = recorded(stack.state, part.name)
    alive = known is not None and known[0].is_alive()
    running, detail = False, "not running"
    if known and alive:
        try:
            running, detail = True, part.probe(stack)
        except NoAnswerError as exc:
            detail = f"process {known[0].pid} does not answer: {exc}"
    missing = None if running else part.missing()
    return PartStatus(
        name=part.name,
        running=running,
        pid=known[0].pid if known and alive else None,
        port=part.port(stack),
        detail=missing.reason if missing else detail,
        log=log_path(stack.state, part.name),
        missing=missing,
    )


def is_at_home(part: Part, stack: LocalStack) -> bool:
    """Tell whether a part was started where the state folder is, not before a move."""
    known = recorded(stack.state, part.name)
    return known is not None and known[1] == stack.state


def end_part(part: Part, state: Path, stack: LocalStack | None) -> bool:
    """End a part and what it started; a process that is not ours is left alone.

    Args:
        part: The part.
        state: The state folder.
        stack: The stack; without it only the recorded process can be found.

    Returns:
        Whether anything ran.
    """
    known = recorded(state, part.name)
    ended = int(end(known[0], *part.shutdown)) if known else 0
    if stack:
        ended += part.end_leftovers(stack)
        ended += _end_marked(mark(stack, part.name))
    (state / "run" / f"{part.name}.json").unlink(missing_ok=True)
    return ended > 0


def _end_marked(mark: str) -> int:
    """Kill the processes that carry a mark, until a look finds none."""
    ended = 0
    while strays := find(proctable.with_environment(mark)):
        for stray in strays:
            ended += end(stray)
    return ended


def settle_by_probe(
    part: str,
    probe: Callable[[LocalStack], str],
    stack: LocalStack,
    process: Process,
) -> None:
    """Wait until a part answers its probe.

    Raises:
        DeployError: It ended or took too long.
    """
    deadline = time.monotonic() + SETTLE_PATIENCE_S
    while True:
        try:
            probe(stack)
        except NoAnswerError as exc:
            problem = str(exc)
        else:
            return
        if not process.is_alive() or time.monotonic() > deadline:
            log = log_path(stack.state, part)
            raise DeployError(
                f"{part}: did not start ({problem}); the end of {log}:\n{tail(log)}",
                remedy=f"./bootstrap local.logs --part {part}",
            )
        time.sleep(POLL_S)


def ask(url: str) -> dict[str, Any]:
    """Read a JSON health document from the loopback interface.

    Raises:
        NoAnswerError: It did not answer with status 200 in time.
    """
    import httpx

    try:
        answer = httpx.get(
            url,
            timeout=PROBE_TIMEOUT_S,
            trust_env=False,
            # To load the certificates takes longer than the answer.
            verify=False,  # noqa: S501 - plain HTTP on loopback
        )
        answer.raise_for_status()
        return dict(answer.json())
    except (httpx.HTTPError, ValueError) as exc:
        raise NoAnswerError(f"{url}: {exc}") from exc
