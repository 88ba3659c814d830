"""A state folder that is full, closed or no folder at all, then one that works.

The folder is a small file system in a mount namespace of its own: that stops root too,
who may write everywhere else.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
SIZE = "900m"


def _may_mount() -> bool:
    try:
        tried = subprocess.run(
            [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0


needs_mount = pytest.mark.skipif(
    not _may_mount(), reason="no right to mount in a namespace of its own"
)


@pytest.fixture(scope="module")
def disk(folder):
    """Where the small file system goes; the state folder is in it."""
    made = folder / "disk"
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def session(project, disk):
    """Run shell lines in the namespace; give the outcomes of its deploys in order."""

    def run(*lines: str) -> list[tuple[int, dict[str, object]]]:
        deploy = f"{shlex.quote(sys.executable)} -m invoke"
        report = '--json >"$disk.$n.out" 2>"$disk.$n.err"'
        script = f"""
            disk={disk} n=0
            run() {{
                code=0
                {deploy} "$@" {report} || code=$?
                echo $code >"$disk.$n.code"
                n=$((n + 1))
            }}
        """
        script = "\n".join([script, *lines])
        done = subprocess.run(
            [*NAMESPACE, "bash", "-euc", script],
            cwd=project.folder,
            env=project.variables() | {"KILOSCALE_STATE": str(disk / "state")},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        count = len(list(disk.parent.glob(f"{disk.name}.*.code")))
        return [_outcome(disk, number) for number in range(count)]

    return run


def _outcome(disk: Path, number: int) -> tuple[int, dict[str, object]]:
    files = {kind: Path(f"{disk}.{number}.{kind}") for kind in ("code", "out", "err")}
    code, out = int(files["code"].read_text()), files["out"].read_text()
    checks = json.loads(out)["checks"] if out else []
    failed = [check for check in checks if check["status"] == "fail"]
    for file in files.values():
        file.unlink()
    return code, failed[0] if failed else {}


@needs_mount
@pytest.mark.sweep
def test_a_full_disk_is_told_at_each_stage_and_room_mends_it(session, disk):
    tiny, small, larger, whole, again = session(
        "mount -t tmpfs -o size=64k,mode=711 tmpfs $disk",
        "run deploy --only preflight",
        "mount -o remount,size=30m $disk",
        "run deploy --only database",
        "mount -o remount,size=62m $disk",
        "run deploy --only database,bundles",
        f"mount -o remount,size={SIZE} $disk",
        "run deploy --skip preflight,functions,alarms",
        "run deploy --skip preflight,functions,alarms",
        "n=99; run local.reset --yes; rm $disk.99.*",
    )

    assert tiny[0] == 4
    assert tiny[1]["title"].endswith(f"free for {disk}/state, below 1 GiB")
    assert small[0] == 4
    assert small[1]["title"].startswith(f"initdb failed in {disk}/state/postgres/")
    assert "FATAL: " in small[1]["title"].splitlines()[0]
    assert small[1]["remedy"].endswith("# make room, then deploy again")
    assert larger[0] in (4, 5)
    assert "No space left on device; what was done so far is kept" in larger[1]["title"]
    assert (whole, again) == ((0, {}), (0, {}))


@needs_mount
def test_a_state_folder_that_may_not_be_written_can_be_another_one(session, disk):
    closed, opened = session(
        "mount -t tmpfs -o size=20m,mode=711 tmpfs $disk",
        "mount -o remount,ro $disk",
        "run deploy --only preflight,database",
        f"mount -o remount,rw,size={SIZE} $disk",
        "run deploy --only database",
        "n=99; run local.reset --yes; rm $disk.99.*",
    )

    assert closed[0] == 4
    assert closed[1]["title"].startswith(f"{disk}/state: user ")
    assert closed[1]["title"].endswith("cannot use it: Read-only file system")
    assert (
        closed[1]["remedy"] == "KILOSCALE_STATE=<a folder of yours> ./bootstrap deploy"
    )
    assert opened == (0, {})


def test_a_state_folder_that_is_a_file_is_named(project):
    project.state.write_text("not a folder")

    refused = project.deploy("--only", "preflight")
    project.state.unlink()

    assert refused.code == 4
    assert refused.failed["title"].startswith(f"{project.state}")
    assert "Not a directory" in refused.failed["title"]
    assert project.deploy("--only", "preflight").works
