import os
import signal
import sys
import time

import pytest

from deploy.errors import DeployError
from deploy.local import processes, proctable
from deploy.local.processes import Process, Program, end, spawn

pytestmark = pytest.mark.integration

MARK = f"KILOSCALE_TEST_MARK={os.getpid()}"
SLEEP = "import time; time.sleep(60)"
BRIEF = "import time; time.sleep(0.5)"
"""Long enough to be seen: a process that ends at once is a failed start."""

STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
PARENT = (
    "import subprocess, sys;"
    f"subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); print('up', flush=True);"
    f"{SLEEP}"
)


@pytest.fixture
def run(tmp_path):
    """Start Python code detached; whatever is left of it is killed."""

    def start(code):
        name, _, value = MARK.partition("=")
        return spawn(
            Program(
                argv=[sys.executable, "-S", "-c", code],
                environment={name: value},
                folder=tmp_path,
                log=tmp_path / "log",
            )
        )

    yield start
    for left in processes.find(proctable.with_environment(MARK)):
        end(left)


def _wait_for(holds):
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert holds()


def test_a_process_ends_when_it_is_asked(run):
    process = run(SLEEP)

    assert process.is_alive()
    assert end(process, (signal.SIGTERM, 5.0))
    assert not process.is_alive()


def test_a_process_that_ended_is_not_ended_again(run):
    process = run(BRIEF)
    _wait_for(lambda: not process.is_alive())

    assert not end(process, (signal.SIGTERM, 5.0))


def test_a_process_that_does_not_listen_is_killed(run, tmp_path):
    process = run(STUBBORN + "#")
    started = time.monotonic()
    time.sleep(0.2)

    assert end(process, (signal.SIGTERM, 0.2))
    assert time.monotonic() - started < 5


def test_another_process_with_the_same_number_is_left_alone(run):
    process = run(SLEEP)
    earlier = Process(pid=process.pid, born="another-boot/1")

    assert not end(earlier, (signal.SIGTERM, 5.0))
    assert process.is_alive()


def test_a_process_has_a_session_and_an_environment_of_its_own(run, tmp_path):
    run(f"import os; print(os.getsid(0) == os.getpid(), sorted(os.environ)); {BRIEF}")

    _wait_for(lambda: "True" in processes.tail(tmp_path / "log"))
    environment = processes.tail(tmp_path / "log")
    assert "KILOSCALE_TEST_MARK" in environment
    assert "HOME" not in environment


def test_the_children_of_a_killed_process_are_found_by_its_mark(run, tmp_path):
    parent = run(PARENT)
    _wait_for(lambda: "up" in processes.tail(tmp_path / "log"))
    os.kill(parent.pid, signal.SIGKILL)
    _wait_for(lambda: not parent.is_alive())

    (orphan,) = proctable.with_environment(MARK)

    assert orphan != parent.pid


def test_processes_are_found_by_their_folder(run, tmp_path):
    process = run(SLEEP)

    _wait_for(lambda: proctable.working_in(tmp_path) == [process.pid])
    assert proctable.working_in(tmp_path / "absent") == []


def test_a_program_that_is_missing_is_named(tmp_path):
    missing = Program(
        argv=["/absent/program"], environment={}, folder=tmp_path, log=tmp_path / "log"
    )

    with pytest.raises(DeployError, match="/absent/program: cannot be started"):
        spawn(missing)


def test_a_log_that_has_grown_large_is_set_aside(run, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LARGEST_LOG_BYTES", 3)
    (tmp_path / "log").write_text("older")

    run(BRIEF)

    assert (tmp_path / "log.1").read_text() == "older"
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_both_ways_to_ask_the_system_agree_on_who_runs():
    everybody = (os.getpid(), 2**22 + 1)

    for pid in everybody:
        by_ps = proctable._born_from_ps(pid)
        by_proc = proctable._born_from_proc(pid)
        assert (by_ps is None) == (by_proc is None)
