"""An export that is killed at any moment leaves each row once, and the next ends it."""

import os
import random
import subprocess
import sys
import time
from typing import Any

import pytest

from deploy.export.manifest import MANIFEST, PUBLISHING
from deploy.paths import REPOSITORY, STATE_VARIABLE

pytestmark = [pytest.mark.integration, pytest.mark.sweep]

EXPORT = """
import sys
from deploy.commands import Output
from deploy.export import commands
from deploy.export.choices import Choices
choices = Choices(to=sys.argv[1], from_replica=True)
sys.exit(commands.export("local", choices, Output(), dry_run=False, yes=True))
"""
RUNS = 12


def begin(exports: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", EXPORT, str(exports.folder)],
        cwd=REPOSITORY,
        env=os.environ | {STATE_VARIABLE: str(exports.folder.parent / "state")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_killed_export_never_shows_a_row_twice(
    source: Any, exports: Any, filled: Any
) -> None:
    chat = source.value("select id from conversations")
    source.run(
        "insert into messages (chat_id, role, text, created_at) select %s, 'user', 'x',"
        " timestamptz '2025-01-01' + interval '1 day' * (n %% 600)"
        " from generate_series(1, 60000) n",
        chat,
    )
    started = time.monotonic()
    assert begin(exports).wait() == 0
    whole_s = time.monotonic() - started
    ids = filled()
    seen = {"before": 0, "within": 0, "after": 0}
    for seed in range(RUNS):
        source.run("update messages set status = %s", ("failed", "complete")[seed % 2])
        running = begin(exports)
        time.sleep(random.Random(seed).uniform(0.4, 1.1) * whole_s)
        running.kill()
        code = running.wait()
        publishing = (exports.folder / PUBLISHING).exists()
        seen["within" if publishing else "after" if code == 0 else "before"] += 1
        assert (exports.folder / MANIFEST).exists()
        assert exports.ids() == ids

    source.run("update messages set status = 'pending'")
    assert begin(exports).wait() == 0

    assert exports.ids() == ids
    assert exports.rows("select distinct status from {messages}") == [("pending",)]
    assert not (exports.folder / PUBLISHING).exists()
    assert not (exports.folder / ".staging").exists()
    assert seen["before"], seen
