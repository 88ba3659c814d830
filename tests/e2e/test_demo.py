"""The demo as a person would run it, small: fill, replay, look again, remove."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.paths import REPOSITORY

pytestmark = pytest.mark.e2e

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    folder = Path(tempfile.mkdtemp(prefix="ks-demo-"))
    environment = {**os.environ, "KILOSCALE_STATE": str(folder / "state")}

    def bootstrap(*arguments: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            ["./bootstrap", *arguments, "--json"],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, json.loads(done.stdout)

    try:
        steps = "database,migrations,bundles,infrastructure"
        code, report = bootstrap("deploy", "--only", steps)
        assert code == 0, report
        yield bootstrap
    finally:
        bootstrap("local.reset", "--yes")
        shutil.rmtree(folder, ignore_errors=True)


def of(report: dict[str, Any], check_id: str) -> dict[str, Any]:
    (found,) = [one for one in report["checks"] if one["id"] == check_id]
    return found


def test_a_dry_run_makes_nothing_and_says_what_it_would_make(run):
    code, report = run("demo", "--users", "5", "--dry-run")

    assert code == 0
    assert of(report, "data.filled")["title"].startswith("would make 5 users")
    assert report["changed"] is False


def test_it_fills_replays_and_proves_each_answer(run):
    code, report = run("demo", "--users", "5", "--minutes", "0.03")

    assert code == 0, report
    assert of(report, "data.public.messages")["evidence"]["rows"] > 900
    sent = of(report, "traffic.sent")["evidence"]
    assert set(sent["statuses"]) <= {"200", "201"}
    answers = of(report, "traffic.answers")["evidence"]
    assert answers["answered_once"] == answers["saved_once"] == sent["messages"] > 0
    assert of(report, "traffic.outbox")["evidence"]["left"] == {}
    assert "rows to delete" in of(report, "jobs.cleanup-edge-function-logs")["title"]


def test_it_does_not_fill_twice(run):
    code, report = run("demo", "--minutes", "0")
    other, _ = run("demo", "--users", "6", "--minutes", "0")

    assert (code, report["changed"]) == (0, False)
    assert "nothing was made" in of(report, "data.filled")["title"]
    assert other == 2


def test_it_is_removed_without_a_trace(run):
    code, report = run("demo", "--remove")
    again, empty = run("demo", "--remove")

    assert (code, of(report, "data.removed")["evidence"]["left"]) == (0, {})
    assert (again, empty["changed"]) == (0, False)
