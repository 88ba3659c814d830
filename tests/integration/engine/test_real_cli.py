"""What the real Pulumi CLI says is recognised; skipped where it is not installed.

Its state is a folder, its program has no resource of a cloud: no account is needed, and
nothing leaves this machine.
"""

import subprocess

import pytest

from deploy.deployment import Deployment
from deploy.engine import cli, workspace
from deploy.engine.previewing import preview
from deploy.errors import AuthError, UsageError

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(cli.where() is None, reason="the Pulumi CLI is not installed"),
]

PROGRAM = "name: kiloscale\nruntime: yaml\noutputs:\n  answer: 42\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty program, a backend in a folder, a passphrase; no stack yet."""
    for name in ("state", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "Pulumi.yaml").write_text(PROGRAM)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path / 'state'}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "right")
    monkeypatch.setattr(workspace, "REPOSITORY", tmp_path)
    return tmp_path


@pytest.fixture
def deployment(project):
    return Deployment(stack="tryout", progress=lambda _: None, state=project / "own")


@pytest.fixture
def stack(project):
    """The stack, made."""
    command = [cli.where(), "--non-interactive", "stack", "init", "tryout"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    secret = [*command[:2], "config", "set", "--secret", "key", "v", "-s", "tryout"]
    subprocess.run(secret, cwd=project, check=True, capture_output=True)


def test_a_backend_without_the_stack(deployment):
    with pytest.raises(UsageError, match="has no stack named tryout"):
        preview(deployment)


def test_nobody_logged_in(deployment, monkeypatch):
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    monkeypatch.delenv("PULUMI_ACCESS_TOKEN", raising=False)

    with pytest.raises(AuthError, match="not logged in"):
        preview(deployment)


@pytest.mark.parametrize("given", ["wrong", None])
def test_a_passphrase_that_is_wrong_or_missing(deployment, stack, monkeypatch, given):
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    if given:
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", given)

    with pytest.raises(AuthError, match="passphrase"):
        preview(deployment)


def test_a_program_without_resources_changes_none(deployment, stack):
    seen = preview(deployment)

    assert [each.name for each in seen.changes if each.name != "outputs"] == []
    assert seen.engine.backend.startswith("file://")
