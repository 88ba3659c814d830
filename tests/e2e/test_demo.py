"""The demo as a person would run it, small: fill, replay, look again, remove."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.demo import rows
from deploy.paths import REPOSITORY

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Shell:
    state: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["./bootstrap", *arguments, "--json"],
            cwd=REPOSITORY,
            env={**os.environ, "KILOSCALE_STATE": str(self.state)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        with self.start(*arguments) as process:
            out, _ = process.communicate(timeout=120)
        return process.returncode, json.loads(out)

    @property
    def database_url(self) -> str:
        return json.loads((self.state / "stack.json").read_text())["database_url"]


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    folder = Path(tempfile.mkdtemp(prefix="ks-demo-"))
    one = Shell(folder / "state")
    try:
        steps = "database,migrations,bundles,infrastructure"
        code, report = one.run("deploy", "--only", steps)
        assert code == 0, [each for each in report["checks"] if each["remedy"]]
        yield one
    finally:
        one.run("local.reset", "--yes")
        shutil.rmtree(folder, ignore_errors=True)


def of(report: dict[str, Any], check_id: str) -> dict[str, Any]:
    (found,) = [one for one in report["checks"] if one["id"] == check_id]
    return found


def test_a_dry_run_makes_nothing_and_says_what_it_would_make(shell):
    code, report = shell.run("demo", "--users", "5", "--dry-run")

    assert code == 0
    assert of(report, "data.filled")["title"].startswith("would make 5 users")
    assert report["changed"] is False


def test_it_fills_replays_and_proves_each_answer(shell):
    code, report = shell.run("demo", "--users", "5", "--minutes", "0.03")

    assert code == 0, report
    assert of(report, "data.public.messages")["evidence"]["rows"] > 900
    sent = of(report, "traffic.sent")["evidence"]
    assert set(sent["statuses"]) <= {"200", "201"}
    answers = of(report, "traffic.answers")["evidence"]
    assert answers["answered_once"] == answers["saved_once"] == sent["messages"] > 0
    assert of(report, "traffic.outbox")["evidence"]["left"] == {}
    assert "rows to delete" in of(report, "jobs.cleanup-edge-function-logs")["title"]


def test_it_does_not_fill_twice(shell):
    code, report = shell.run("demo", "--minutes", "0")
    other, _ = shell.run("demo", "--users", "6", "--minutes", "0")

    assert (code, report["changed"]) == (0, False)
    assert "nothing was made" in of(report, "data.filled")["title"]
    assert other == 2


def test_it_is_removed_without_a_trace(shell):
    code, report = shell.run("demo", "--remove")
    again, empty = shell.run("demo", "--remove")

    assert (code, of(report, "data.removed")["evidence"]["left"]) == (0, {})
    assert (again, empty["changed"]) == (0, False)


@pytest.mark.sweep
def test_a_fill_that_was_killed_is_made_afresh(shell):
    begun = "select exists (select from public.conversations)"
    with psycopg.connect(shell.database_url, autocommit=True) as conn:
        with shell.start("demo", "--users", "300", "--minutes", "0") as process:
            deadline = time.monotonic() + 20
            while conn.execute(begun).fetchone() != (True,):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.kill()
        assert rows.read_marker(conn).is_filled is False

        code, report = shell.run("demo", "--users", "3", "--minutes", "0")

        assert code == 0, report
        assert rows.count(conn)["auth.users"] == 3
        assert rows.read_marker(conn).is_filled is True
