"""Fixtures: a cloud stack's configuration outside of the repository."""

import shutil
from pathlib import Path

import pytest

from deploy import deployment
from deploy.emulator import configuration
from deploy.planning import inputs, stackfile


def pytest_configure(config: pytest.Config) -> None:
    """Leave out a warning that pulumi_aws raises against itself at import."""
    config.addinivalue_line(
        "filterwarnings", "ignore:aws.lambda/microvmsimage:DeprecationWarning"
    )


@pytest.fixture
def stacks(tmp_path, monkeypatch) -> Path:
    """A folder that is taken for the repository where stack files are looked for."""
    root = tmp_path / "stacks"
    root.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(stackfile.REPOSITORY / name, root)
    monkeypatch.setattr(configuration, "PROJECT_FILE", root / "Pulumi.yaml")
    monkeypatch.setattr(configuration, "STACK_FILE", root / "Pulumi.local.yaml")
    monkeypatch.setattr(deployment, "REPOSITORY", root)
    monkeypatch.setattr(stackfile, "REPOSITORY", root)
    monkeypatch.setattr(inputs, "REPOSITORY", root)
    return root
