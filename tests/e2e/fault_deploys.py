"""A copy of the repository to break, and deploys of it as a person would start them."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.emulator import VENV_VARIABLE, emulator_venv
from deploy.local.parts import recorded
from deploy.paths import REPOSITORY

INJECTION = Path(__file__).with_name("fault_injection.py")
LEFT_OUT = shutil.ignore_patterns(
    ".*_cache", ".git", ".venv*", "dist", ".kiloscale", "__pycache__", "node_modules"
)
PATIENCE_S = 150.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a person has in front of them afterwards.

    Attributes:
        code: Exit status; minus the signal that ended the process.
        report: The document on stdout; empty if there was none.
        err: What stood on stderr.
    """

    code: int
    report: dict[str, Any]
    err: str

    @property
    def failed(self) -> dict[str, Any]:
        """The first failed check."""
        return next(one for one in self.report["checks"] if one["status"] == "fail")

    def check(self, check_id: str) -> dict[str, Any]:
        (found,) = [one for one in self.report["checks"] if one["id"] == check_id]
        return found

    def ids(self, status: str) -> list[str]:
        checks = self.report["checks"]
        return [one["id"] for one in checks if one["status"] == status]

    @property
    def works(self) -> bool:
        """Whether a deploy is done; what failed is shown where a test asserts it."""
        return (self.code, self.ids("fail")) == (0, [])


@dataclass(frozen=True, kw_only=True)
class Project:
    """A copy of the working tree and a state folder of its own."""

    folder: Path
    state: Path

    @classmethod
    def copied_to(cls, folder: Path, state: Path) -> "Project":
        shutil.copytree(REPOSITORY, folder, ignore=LEFT_OUT)
        # What is packed once serves every copy.
        (folder / "dist").mkdir()
        packed = REPOSITORY / "dist" / ".dependencies"
        packed.mkdir(parents=True, exist_ok=True)
        (folder / "dist" / ".dependencies").symlink_to(packed)
        return cls(folder=folder, state=state)

    def variables(self) -> dict[str, str]:
        """Give the environment of a task; the interpreter and emulator are ours."""
        return os.environ | {
            "PYTHONPATH": str(self.folder),
            "KILOSCALE_STATE": str(self.state),
            VENV_VARIABLE: str(emulator_venv()),
        }

    def start(
        self, task: str, *arguments: str, fault: str = "", **environment: str
    ) -> "subprocess.Popen[str]":
        """Start a task; ``fault`` is as `fault_injection` takes it."""
        runner = [str(INJECTION), *fault.split()] if fault else ["-m", "invoke"]
        return subprocess.Popen(
            [sys.executable, *runner, task, *arguments, "--json"],
            cwd=self.folder,
            env=self.variables() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, task: str, *arguments: str, **options: str) -> Outcome:
        return ended(self.start(task, *arguments, **options))

    def deploy(self, *arguments: str, **options: str) -> Outcome:
        return self.run("deploy", *arguments, **options)

    def pid(self, part: str) -> int:
        """The process of a part of the local stack."""
        known = recorded(self.state, part)
        assert known, f"{part} does not run"
        return known[0].pid

    def facts(self) -> dict[str, Any]:
        return json.loads((self.state / "stack.json").read_text())


def ended(process: "subprocess.Popen[str]") -> Outcome:
    """Wait for a task; end it if nobody waits any more."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except BaseException:
        process.kill()
        raise
    return Outcome(
        code=process.returncode, report=json.loads(out) if out else {}, err=err
    )
