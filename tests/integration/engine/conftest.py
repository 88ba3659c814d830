"""A cloud stack whose Pulumi CLI is an imitation; see ``fake_pulumi.py``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from deploy import deployment as deployments
from deploy.deployment import Deployment
from deploy.planning import programs
from deploy.releases import guard

STACK = "production"

PROGRAM = [
    {
        "type": "kiloscale:infra:WorkQueue",
        "name": "llm-requests-parts",
        "inputs": {},
        "custom": False,
    },
    {
        "type": "aws:sqs/queue:Queue",
        "name": "llm-requests",
        "inputs": {"visibility": 60, "fifo": False},
        "replace_on": ["fifo"],
    },
    {
        "type": "aws:iam/role:Role",
        "name": "chat-send-role",
        "inputs": {"policy": "a"},
    },
    {
        "type": "aws:lambda/function:Function",
        "name": "chat-send",
        "inputs": {"code": "1"},
    },
]


class FakePulumi:
    """What the imitation was told, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scenario: dict[str, Any] = {
            "version": "v3.272.0",
            "logged_in": True,
            "stacks": [STACK],
            "passphrase": None,
            "lock": None,
            "program": PROGRAM,
            "program_error": None,
            "fail": {},
            "seconds": 0.0,
            "warnings": [],
            "untold": [],
            "real": {},
            "refresh_error": None,
            "config": {"kiloscale:jwtSecret": "s" * 40},
            "outputs": {
                "functionUrls": {"chat-send": "https://x.lambda-url.on.aws/"},
                "key": "the-secret-output",
            },
            "secret_outputs": ["key"],
        }
        self.told()

    def told(self, **changes: Any) -> "FakePulumi":
        """Change what it is told."""
        self.scenario |= changes
        (self.folder / "scenario.json").write_text(json.dumps(self.scenario))
        return self

    def changed(self, name: str, **inputs: Any) -> None:
        """Change inputs of a resource in its program."""
        program = json.loads(json.dumps(self.scenario["program"]))
        for each in program:
            if each["name"] == name:
                each["inputs"] |= inputs
        self.told(program=program)

    @property
    def state(self) -> dict[str, Any]:
        """What the stack's state holds, by name."""
        path = self.folder / "state.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    @property
    def calls(self) -> list[str]:
        """The commands that it was given."""
        path = self.folder / "calls.log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """The imitation, first on the path."""
    folder = tmp_path / "pulumi"
    (folder / "bin").mkdir(parents=True)
    script = Path(__file__).with_name("fake_pulumi.py")
    command = folder / "bin" / "pulumi"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE_PULUMI", str(folder))
    monkeypatch.setenv("FAKE_PULUMI_PACKAGES", str(Path(grpc.__file__).parents[1]))
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.setattr(deployments, "stack_names", lambda: ["local", STACK])
    # The program is the imitation's: what ours declares is not asked.
    monkeypatch.setattr(programs, "save", lambda _: "0" * 64)
    # Nor is an account asked what is live, unless a test has one.
    monkeypatch.setattr(guard, "live", lambda _: {})
    return FakePulumi(folder)


@pytest.fixture
def said() -> list[str]:
    """What the progress told."""
    return []


@pytest.fixture
def make(tmp_path: Path, said: list[str]) -> Callable[..., Deployment]:
    """Make a deployment of the cloud stack."""

    def make(**values: Any) -> Deployment:
        return Deployment(
            stack=STACK, progress=said.append, state=tmp_path / "state", **values
        )

    return make
