"""Run a task as ``python -m invoke`` does, with a fault at one exact moment.

    python fault_injection.py FAULT STEP LINES TASK [ARGS]

The fault comes when a step has said LINES lines of progress; 0 is its beginning.

FAULT:
    sigkill: to this very process, as ``kill -9`` sends it.
    sigint: to the whole process group, as a terminal sends Ctrl-C; start it in a group
        of its own.
    postgres, emulator, stand-in: kill -9 to a part of the local stack.
    pause: a file ``paused`` in the state folder, and a wait until it is gone.
"""

import os
import signal
import sys
import time
from pathlib import Path

from invoke.main import program

from deploy import console
from deploy.local.parts import recorded
from deploy.paths import state_dir

PAUSED = "paused"
PATIENCE_S = 60.0


def inject(fault: str) -> None:
    if fault == "sigkill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "sigint":
        os.killpg(os.getpgrp(), signal.SIGINT)
    elif fault == "pause":
        _wait_while_there(state_dir() / PAUSED)
    else:
        known = recorded(state_dir(), fault)
        assert known, f"{fault} does not run"
        os.kill(known[0].pid, signal.SIGKILL)
        while known[0].is_alive():
            time.sleep(0.01)


def _wait_while_there(mark: Path) -> None:
    mark.touch()
    deadline = time.monotonic() + PATIENCE_S
    while mark.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


class Faulty(console.Progress):
    """Progress that brings about the fault, once."""

    fault, step, lines = "", "", 0

    def step_started(self, step_id: str, title: str) -> None:
        # say() is called within; the title is not a line of progress.
        self._left = self.lines + 1 if step_id == self.step else 0
        super().step_started(step_id, title)

    def say(self, message: str) -> None:
        super().say(message)
        left = getattr(self, "_left", 0)
        self._left = left - 1
        if left == 1:
            sys.stderr.write(f"fault: {self.fault} after {message!r}\n")
            inject(self.fault)


if __name__ == "__main__":
    Faulty.fault, Faulty.step, lines = sys.argv[1:4]
    Faulty.lines = int(lines)
    console.Progress = Faulty
    # A shell without a terminal starts what runs behind it with SIGINT ignored, and the
    # tests may stand in such a shell. A person's terminal does not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program.run(["invoke", *sys.argv[4:]])
