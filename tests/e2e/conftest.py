"""Parts of the fault tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_deploys import Project

from deploy.local.cluster import PASSAGE


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with a short path that other accounts may pass through."""
    made = Path(tempfile.mkdtemp(prefix="ks-faults-"))
    made.chmod(PASSAGE)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def project(folder: Path) -> Iterator[Project]:
    """A copy of the repository whose local stack was never started."""
    copy = Project.copied_to(folder / "project", folder / "state")
    yield copy
    copy.run("local.reset", "--yes")
