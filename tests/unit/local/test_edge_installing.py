"""Why workerd cannot be had is told without asking the network."""

import subprocess
from types import SimpleNamespace

import pytest

from deploy.local.edge import installing
from deploy.local.parts import UnavailableError


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with Node.js 20 and npm, where nothing is installed yet."""
    state = SimpleNamespace(major=20, programs={"node", "npm"}, npm=(0, ""), runs=0)

    def run(command, cwd=None, **_):
        state.runs += 1
        code, told = state.npm
        return subprocess.CompletedProcess(command, code, "", told)

    found = lambda name: name if name in state.programs else None  # noqa: E731
    monkeypatch.setattr(installing, "_node_major", lambda: state.major)
    monkeypatch.setattr(installing.shutil, "which", found)
    monkeypatch.setattr(installing.subprocess, "run", run)
    monkeypatch.setattr(installing, "FOLDER", tmp_path / "edge")
    monkeypatch.setattr(installing, "REPOSITORY", tmp_path)
    return state


@pytest.mark.parametrize(("major", "found"), [(0, "found none"), (18, "found 18")])
def test_a_machine_without_node_20_is_told_so(machine, major, found):
    machine.major = major

    assert installing.missing().reason == f"workerd needs Node.js 20 or later, {found}"
    with pytest.raises(UnavailableError):
        installing.modules()
    assert machine.runs == 0


def test_a_machine_without_npm_is_told_so(machine):
    machine.programs = {"node"}

    assert "npm" in installing.missing().reason


def test_npm_is_asked_once_and_its_result_kept(machine):
    folder = installing.modules()

    assert installing.modules() == folder
    assert (folder / "package-lock.json").read_bytes() == installing.LOCK.read_bytes()
    assert machine.runs == 1


def test_after_a_failure_npm_is_left_alone_for_a_while(machine, monkeypatch):
    machine.npm = (1, "npm error network\n")

    for _ in range(2):
        with pytest.raises(UnavailableError, match="npm ci failed: npm error network"):
            installing.modules()

    assert machine.runs == 1
    assert installing.missing().remedy.startswith("rm edge/")
    monkeypatch.setattr(installing, "RETRY_AFTER_S", 0)
    assert installing.missing() is None
