"""The task ``test``: which tests, how many at a time, and what they showed."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from deploy import console
from deploy.checklist import Result, Status, Step
from deploy.deployment import LOCAL, Deployment
from deploy.paths import REPOSITORY
from deploy.run import checklist, ending, plain_judge

WORKERS = 3
"""Tests at a time, each worker with a cluster of its own. Many wait, for pg_cron or a
queue: on 2 cores two workers took 337 s and three 170 s (2026-11-23)."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
MEMORY_BYTES_MIN = 8 * 1024**3
"""What must be free: three workers use up to 3 GiB of it (2026-11-23)."""

NO_TESTS = 5
"""pytest's exit code when nothing was selected."""


def command(*, unit: bool, match: str) -> list[str]:
    """Build the pytest command line.

    Args:
        unit: Only the tests that need no PostgreSQL and no emulator.
        match: As ``pytest -k``; empty for all.
    """
    arguments = [sys.executable, "-m", "pytest", "-q"]
    if unit:
        # Its plugin takes a second at each start and serves none of these tests.
        arguments += ["tests/unit", "-p", "no:schemathesis"]
    if match:
        arguments += ["-k", match]
    if not (unit and match):
        # A file's tests stay on one worker, so that they share what it started.
        arguments += ["-n", str(WORKERS), "--dist", "loadfile", "--durations=8"]
        # In the order of the folders: the end to end tests are few and long, and at the
        # end two workers would wait for the third.
        arguments += ["--no-loadscope-reorder"]
    return arguments


def environment(memory: Path = MEMORY) -> dict[str, str]:
    """Give the environment of pytest, with temporary files in memory if they fit.

    Each test with a database makes one: 0.3 s on a disk, 0.03 s in memory. A
    ``TMPDIR`` of one's own stays.

    Args:
        memory: A folder whose files are in memory, where there is one.
    """
    variables = dict(os.environ)
    if "TMPDIR" not in variables and _holds_tests(memory):
        variables["TMPDIR"] = str(memory)
    return variables


def _holds_tests(folder: Path) -> bool:
    """Tell whether files of tests fit into a folder, and programs run from there."""
    try:
        found = os.statvfs(folder)
        told = Path("/proc/meminfo").read_text()
    except OSError:
        return False
    may_run = not found.f_flag & os.ST_NOEXEC
    room = found.f_bavail * found.f_frsize
    memory = re.search(r"^MemAvailable: +(\d+) kB$", told, re.MULTILINE)
    available = int(memory.group(1)) * 1024 if memory else 0
    return may_run and min(room, available) >= MEMORY_BYTES_MIN


def run(*, unit: bool, match: str, as_json: bool) -> int:
    """Run the tests; give pytest's exit code, or with JSON that of the report."""
    pytest = command(unit=unit, match=match)
    if not as_json:
        return subprocess.run(
            pytest, cwd=REPOSITORY, env=environment(), check=False
        ).returncode
    with ending("test", LOCAL, as_json=True), tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "results.xml")

        def body(_: Deployment) -> Iterator[Result]:
            done = subprocess.run(
                [*pytest, f"--junitxml={listing}"],
                cwd=REPOSITORY,
                env=environment(),
                stdout=sys.stderr,
                check=False,
            )
            yield from results(listing, done.returncode)

        progress = console.Progress()
        deployment = Deployment(stack=LOCAL, progress=progress.say)
        step = Step(id="test", title="run the tests", run=body, verifies=True)
        report = checklist("test", deployment, [step], progress, judge=plain_judge)
        console.show(report, as_json=True)
        return int(report.exit_code)


def results(listing: Path, exit_code: int) -> Iterator[Result]:
    """Yield one result for each test module of a JUnit listing.

    Args:
        listing: What pytest wrote; missing if it could not start.
        exit_code: What pytest ended with.
    """
    if not listing.exists() or exit_code not in (0, 1):
        reason = "no test was selected" if exit_code == NO_TESTS else "see above"
        yield Result(
            id="test.pytest",
            title=f"pytest ended with {exit_code}: {reason}",
            status=Status.FAIL,
            remedy="./bootstrap test --help",
        )
    if not listing.exists():
        return
    modules: dict[str, list[ET.Element]] = {}
    for case in ET.parse(listing).iter("testcase"):  # noqa: S314 - pytest wrote it
        modules.setdefault(_module(case), []).append(case)
    for module, cases in sorted(modules.items()):
        yield _summary(module, cases)


def _module(case: ET.Element) -> str:
    """Name the module of a test: its dotted path without a test class."""
    parts = case.get("classname", "").split(".")
    return ".".join(part for part in parts if not part[:1].isupper())


def _summary(module: str, cases: list[ET.Element]) -> Result:
    """Count the outcomes of a module."""
    failed = [case for case in cases if case.find("failure") is not None]
    failed += [case for case in cases if case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    names = [case.get("name", "") for case in failed]
    passed = len(cases) - len(failed) - len(skipped)
    told = f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped"
    return Result(
        id=module,
        title=f"{told}: {', '.join(names)}" if names else told,
        status=Status.FAIL if failed else Status.PASS if passed else Status.SKIPPED,
        evidence={"passed": passed, "failed": names, "skipped": len(skipped)},
        remedy=f"./bootstrap test --match {names[0].partition('[')[0]}"
        if names
        else None,
        ms=sum(float(case.get("time", "0")) for case in cases) * 1000,
    )
