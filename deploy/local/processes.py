"""Detached processes that we start, and end again by number and time of birth."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from deploy.errors import DeployError
from deploy.local import proctable
from deploy.local.accounts import Account
from deploy.local.files import PRIVATE_FILE

POLL_S = 0.01
KILL_PATIENCE_S = 10.0
LARGEST_LOG_BYTES = 8 * 1024 * 1024

# Without a reference, Popen warns about a child that it does not outlive. A child
# that ended is a zombie until its Popen object is polled.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run.

    Attributes:
        argv: Absolute path of the executable, and its arguments; no secrets, as
            every user of the machine can list them.
        environment: The whole environment; nothing is inherited.
        folder: Working directory.
        log: File that gets its output; appended to.
        account: Whom to run as; ``None`` for the current user.
    """

    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    log: Path
    account: Account | None = None


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process that cannot be taken for a later one with the same number.

    Attributes:
        pid: Its number.
        born: When it started, as `proctable.born` says it.
    """

    pid: int
    born: str

    def is_alive(self) -> bool:
        """Tell whether this very process still runs."""
        if self.pid in _children and _children[self.pid].poll() is not None:
            del _children[self.pid]
        return proctable.born(self.pid) == self.born


def spawn(program: Program) -> Process:
    """Start a program in a session of its own, so that it outlives us.

    Raises:
        DeployError: It could not be started or ended at once.
    """
    account = program.account
    with _open_log(program.log) as log:
        try:
            child = subprocess.Popen(
                list(program.argv),
                env=dict(program.environment),
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as exc:
            raise DeployError(
                f"{program.argv[0]}: cannot be started: {exc.strerror}",
                remedy="./bootstrap local.start",
            ) from exc
    _children[child.pid] = child
    born = proctable.born(child.pid)
    if born is None:
        raise DeployError(
            f"{Path(program.argv[0]).name} ended at once:\n{tail(program.log)}",
            remedy="./bootstrap local.logs",
        )
    return Process(pid=child.pid, born=born)


def find(pids: Iterable[int]) -> list[Process]:
    """Give the processes among some numbers that run at this moment."""
    return [
        Process(pid=pid, born=born) for pid in pids if (born := proctable.born(pid))
    ]


def end(
    process: Process, *steps: tuple[signal.Signals, float], poll_s: float = POLL_S
) -> bool:
    """Ask a process to end, then kill it; wait until it is gone.

    Args:
        process: The process; one that only shares its number is left alone.
        steps: Signals in order, each with the seconds to wait after it.
        poll_s: Seconds between two looks.

    Returns:
        Whether it ran before.

    Raises:
        DeployError: It runs even after SIGKILL.
    """
    if not process.is_alive():
        return False
    for number, patience_s in (*steps, (signal.SIGKILL, KILL_PATIENCE_S)):
        if process.is_alive():
            _send(process.pid, number)
        deadline = time.monotonic() + patience_s
        while process.is_alive() and time.monotonic() < deadline:
            time.sleep(poll_s)
        if not process.is_alive():
            return True
    raise DeployError(
        f"process {process.pid} runs {KILL_PATIENCE_S:.0f} s after SIGKILL",
        remedy=f"ps -o pid,stat,wchan,cmd -p {process.pid}",
    )


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended between the look and the signal


def tail(log: Path, lines: int = 12) -> str:
    """Give the last lines of a log, indented; empty if there is none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _open_log(path: Path) -> BinaryIO:
    """Open a log for appending; one that has grown large becomes ``<name>.1``."""
    if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, PRIVATE_FILE), "ab")
