"""``local.destroy`` deletes the environment that it runs in, and still reports."""

import json
import os
import pty
import subprocess
import sysconfig
import venv
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration

SOURCES = ("deploy", "infra", "functions", "tasks.py", "pyproject.toml", "Pulumi.yaml")
PATIENCE_S = 60


@pytest.fixture
def copy(tmp_path) -> Path:
    """The repository with a ``.venv`` of its own, whose packages are links to ours."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in SOURCES:
        (folder / name).symlink_to(REPOSITORY / name)
    # Not a link: modules find the repository from their own path.
    (folder / "deploy").unlink()
    subprocess.run(["cp", "-r", REPOSITORY / "deploy", folder], check=True)
    (folder / "Pulumi.local.yaml").write_text("config: {}\n")
    venv.create(folder / ".venv", with_pip=False, symlinks=True)
    (packages,) = folder.glob(".venv/lib/python*/site-packages")
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if "editable" not in each.name and each.suffix != ".pth":
            (packages / each.name).symlink_to(each)
    (folder / "dist").mkdir()
    return folder


def start(copy: Path, *arguments: str, **streams: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [copy / ".venv/bin/python", "-m", "invoke", "local.destroy", *arguments],
        cwd=copy,
        env={
            **os.environ,
            "KILOSCALE_STATE": str(copy / "state"),
            "PYTHONPATH": str(copy),
            "TERM": "xterm-256color",
        },
        text=True,
        **streams,
    )


def destroy(copy: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit status and what was printed."""
    process = start(copy, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


@pytest.mark.parametrize("as_json", [False, True])
def test_it_ends_with_its_report_when_its_own_packages_are_gone(copy, as_json):
    code, out, err = destroy(copy, "--yes", *(["--json"] if as_json else []))

    assert (code, err) == (0, "")
    assert not (copy / ".venv").exists()
    assert not (copy / "dist").exists()
    if as_json:
        ids = [each["id"] for each in json.loads(out)["checks"]]
        assert ids[-2:] == ["local..venv", "local.packages"]
    else:
        assert ".venv; ./bootstrap makes it again" in " ".join(out.split())
        assert out.splitlines()[-1].endswith("changed; exit 0")


def test_on_a_terminal_with_its_colours_it_ends_so_too(copy):
    ours, theirs = pty.openpty()
    process = start(copy, "--yes", stdout=theirs, stderr=theirs)
    os.close(theirs)

    shown = b""
    with suppress(OSError):  # how Linux tells that the other end is closed
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)

    assert process.wait(PATIENCE_S) == 0, shown.decode()
    assert b"Traceback" not in shown
    assert b"\x1b[" in shown
    assert shown.decode().rstrip().endswith("changed; exit 0")


def test_a_dry_run_leaves_the_environment(copy):
    assert destroy(copy, "--dry-run")[0] == 0
    assert (copy / ".venv/bin/python").exists()
