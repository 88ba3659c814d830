"""Parts of the fault tests, and the choice of the long ones."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_deploys import Project

from deploy.local.cluster import PASSAGE


def pytest_collection_modifyitems(config, items):
    """Leave the sweep out unless somebody asks for it: it takes some minutes."""
    asked = f"{config.option.keyword} {config.option.markexpr}"
    if "sweep" in asked:
        return
    long = [item for item in items if item.get_closest_marker("sweep")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)


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
