"""Fixtures: a cloud stack's configuration outside of the repository."""

import shutil
from pathlib import Path

import pytest

from deploy import deployment, stackfiles
from deploy.paths import REPOSITORY
from deploy.planning import inputs


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
        shutil.copy(REPOSITORY / name, root)
    monkeypatch.setattr(deployment, "REPOSITORY", root)
    monkeypatch.setattr(stackfiles, "FOLDER", root)
    monkeypatch.setattr(inputs, "REPOSITORY", root)
    return root
