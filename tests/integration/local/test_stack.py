"""The local stack as a whole; each test starts from a stack that runs."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import psycopg
import pytest

from deploy.local import stack
from deploy.local.facts import LocalStack
from deploy.local.parts import mark
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Program, spawn
from deploy.local.proctable import born

pytestmark = pytest.mark.integration

NAMES = ["postgres", "emulator", "stand-in", "edge"]


def quiet(_):
    pass


def _pids(parts):
    return {part.name: part.pid for part in parts}


def _wait_gone(pid):
    """A killed process with many threads takes a moment to die on a busy machine."""
    deadline = time.monotonic() + 10
    while born(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)


def test_every_part_runs_and_says_what_it_is(started):
    details = {part.name: part.detail for part in started.parts}

    assert all(part.running for part in started.parts)
    assert details["postgres"].startswith("PostgreSQL ")
    assert "pg_cron" in details["postgres"]
    assert "IAM enabled, as " in details["emulator"]


def test_nothing_listens_beyond_the_loopback_interface(
    started, processes_of, addresses_of
):
    pids = processes_of(started.stack)

    assert len(pids) >= len(NAMES)
    assert addresses_of(pids) == {LOOPBACK}


def test_a_second_start_changes_nothing(started, state):
    said = []

    again = stack.start(state, said.append)

    assert not again.changed
    assert _pids(again.parts) == _pids(started.parts)
    assert said == []


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_part_alone_is_started_again(started, state, name):
    before = _pids(started.parts)
    os.kill(before[name], signal.SIGKILL)
    _wait_gone(before[name])

    after = stack.start(state, quiet)

    assert {
        part for part, pid in _pids(after.parts).items() if pid != before[part]
    } == {name}
    assert after.stack == started.stack


def test_what_a_killed_emulator_left_is_ended(started, state, tmp_path):
    name, _, value = mark(started.stack, "emulator").partition("=")
    worker = spawn(
        Program(
            argv=["/bin/sleep", "60"],
            environment={name: value},
            folder=tmp_path,
            log=tmp_path / "log",
        )
    )
    os.kill(_pids(started.parts)["emulator"], signal.SIGKILL)

    stack.start(state, quiet)

    assert not worker.is_alive()


def test_a_record_of_an_earlier_process_ends_nobody(started, state, bystander):
    record = state / "run" / "emulator.json"
    values = json.loads(record.read_text()) | {"pid": bystander.pid}
    stack.stop(state, quiet)
    record.write_text(json.dumps(values))

    assert stack.stop(state, quiet) == []
    assert bystander.poll() is None


def test_a_server_whose_record_is_lost_is_replaced(started, state, processes_of):
    before = _pids(started.parts)
    shutil.rmtree(state / "run")

    after = stack.start(state, quiet)

    assert all(part.running for part in after.parts)
    assert not {pid for pid in before.values() if pid in processes_of(after.stack)}


def test_stop_leaves_no_process_and_keeps_the_data(started, state, processes_of):
    with psycopg.connect(started.stack.database_url) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS number")

    assert stack.stop(state, quiet) == ["edge", "stand-in", "emulator", "postgres"]
    assert processes_of(started.stack) == set()
    assert not any(part.running for part in stack.status(state))

    again = stack.start(state, quiet)
    with psycopg.connect(again.stack.database_url) as conn:
        assert conn.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_part_whose_port_is_taken_gets_another(started, state):
    stack.stop(state, quiet)
    said = []
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((LOOPBACK, started.stack.emulator_port))
        other.listen()

        again = stack.start(state, said.append)

    assert again.stack.emulator_port != started.stack.emulator_port
    assert again.stack.postgres_port == started.stack.postgres_port
    assert LocalStack.load(state) == again.stack
    assert any("is taken by another program" in line for line in said)


def test_two_starts_at_once_make_one_stack(started, state):
    stack.stop(state, quiet)
    code = (
        "import sys; from pathlib import Path; from deploy.local import stack;"
        "print(stack.start(Path(sys.argv[1]), lambda _: None).changed)"
    )
    command = [sys.executable, "-c", code, str(state)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]

    said = sorted(process.communicate(timeout=60)[0].strip() for process in both)

    assert said == ["False", "True"]
    assert all(part.running for part in stack.status(state))


def test_a_moved_folder_keeps_its_data_and_leaves_no_process(
    started, state, processes_of
):
    with psycopg.connect(started.stack.database_url) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS moved AS SELECT 8 AS number")
    before = processes_of(started.stack)
    elsewhere = state.with_name("moved")
    state.rename(elsewhere)
    try:
        again = stack.start(elsewhere, quiet)

        with psycopg.connect(again.stack.database_url) as conn:
            assert conn.execute("SELECT number FROM moved").fetchone() == (8,)
        assert not before & processes_of(again.stack)
    finally:
        stack.stop(elsewhere, quiet)
        elsewhere.rename(state)


def test_reset_leaves_nothing(own_folder, processes_of):
    state = own_folder / "short-lived"
    facts = stack.start(state, quiet).stack

    stack.reset(state, quiet)

    assert not state.exists()
    assert processes_of(facts) == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs parts as others")
def test_data_goes_elsewhere_if_its_account_cannot_enter(own_folder, monkeypatch):
    private = own_folder / "private"
    private.mkdir(mode=0o700)
    monkeypatch.setattr(stack, "ELSEWHERE", (own_folder,))
    said = []

    started = stack.start(private / "state", said.append)
    home = started.stack.home

    assert home.parent == own_folder
    assert (home / "postgres" / "data").is_dir()
    assert any(f"its data goes to {home}" in line for line in said)
    stack.reset(private / "state", quiet)
    assert not home.exists()


def test_status_of_a_folder_without_a_stack_changes_nothing(tmp_path):
    parts = stack.status(tmp_path / "absent")

    assert [part.running for part in parts] == [False] * 4
    assert not (tmp_path / "absent").exists()
