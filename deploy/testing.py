"""The test command: which tests, how many at a time."""

import subprocess
import sys

from deploy.paths import REPOSITORY

WORKERS = 2
"""Two tests at a time: each worker has a cluster of its own, on 2 cores."""


def command(*, unit: bool, match: str) -> list[str]:
    """Build the pytest command line.

    Args:
        unit: Only the tests that need no PostgreSQL and no emulator.
        match: As ``pytest -k``; empty for all.
    """
    arguments = [sys.executable, "-m", "pytest", "-q"]
    if unit:
        arguments += ["tests/unit"]
    else:
        # A file's tests stay on one worker, so that they share what it started.
        arguments += ["-n", str(WORKERS), "--dist", "loadfile", "--durations=8"]
    return [*arguments, "-k", match] if match else arguments


def run(*, unit: bool, match: str) -> int:
    """Run the tests; give pytest's exit code."""
    done = subprocess.run(command(unit=unit, match=match), cwd=REPOSITORY, check=False)
    return done.returncode
