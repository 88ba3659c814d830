"""The emulator taken for a cloud account: reached by boto3, as a cloud stack's is.

Only the endpoint is the emulator's; names, calls and judgements are a cloud stack's.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import stackfiles
from deploy.checklist import Result
from deploy.deployment import LOCAL, Deployment
from deploy.local.facts import LocalStack


class Cloud(Deployment):
    """A deployment whose stack is not the embedded one, whatever its name."""

    @property
    def is_local(self) -> bool:
        return False


class Mute:
    """An observer that notes nothing."""

    def step_started(self, step_id: str, title: str) -> None:
        """Note nothing."""

    def checked(self, result: Result) -> None:
        """Note nothing."""


def reached(
    stack: LocalStack,
    name: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    **values: Any,
) -> None:
    """Have an emulator taken for the account of a stack.

    Its file has a region and what is given; that of the local stack, what it has too.
    """
    config = stackfiles.own(name) if name == LOCAL else {}
    config |= {f"kiloscale:{key}": str(value) for key, value in values.items()}
    config["aws:region"] = stack.region
    (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": config}))
    monkeypatch.setattr(stackfiles, "FOLDER", folder)
    for variable, value in {
        "AWS_ENDPOINT_URL": stack.emulator_url,
        "AWS_ACCESS_KEY_ID": stack.access_key_id,
        "AWS_SECRET_ACCESS_KEY": stack.secret_access_key,
    }.items():
        monkeypatch.setenv(variable, value)


def deployment_of(
    stack: LocalStack, folder: Path, monkeypatch: pytest.MonkeyPatch, **values: Any
) -> Cloud:
    """Give the stack as a cloud stack; its file has a region and what is given."""
    reached(stack, "local", folder, monkeypatch, **values)
    for name, value in {
        "KILOSCALE_DATABASE_URL": stack.database_url,
        "PATH": "/usr/bin:/bin",
        "PULUMI_HOME": str(folder),
    }.items():
        monkeypatch.setenv(name, value)
    return Cloud(stack="local", progress=lambda _: None, state=folder / "state")
