"""Fixtures that start an emulator of their own."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from emulator_alone import Emulator

from deploy.local.facts import new_stack


def pytest_configure(config: pytest.Config) -> None:
    """Leave out a warning that pulumi_aws raises against itself at import."""
    config.addinivalue_line(
        "filterwarnings", "ignore:aws.lambda/microvmsimage:DeprecationWarning"
    )


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[[], Emulator]]:
    """Start an emulator of one's own."""
    started: list[Emulator] = []

    def one() -> Emulator:
        folder = Path(tempfile.mkdtemp(prefix="ks-"))
        folder.chmod(0o711)
        (folder / "logs").mkdir()
        emulator = Emulator(new_stack(folder, home=folder))
        started.append(emulator)
        return emulator

    yield one
    for emulator in started:
        emulator.stop()
        shutil.rmtree(emulator.stack.state)


@pytest.fixture
def emulator(start: Callable[[], Emulator]) -> Iterator[Emulator]:
    """An emulator with nothing in it."""
    one = start()
    yield one
    one.stop()
