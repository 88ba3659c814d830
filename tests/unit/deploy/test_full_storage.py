"""A full disk and a closed folder: what a person reads in place of a traceback."""

import errno
import os
from pathlib import Path

import pytest

from deploy import run, storage
from deploy.checklist import Status, Step, run_steps
from deploy.console import Progress
from deploy.errors import ExitCode


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("KILOSCALE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def _error(number: int, *names: Path | str) -> OSError:
    one, two = [*map(str, names), None, None][:2]
    return OSError(number, os.strerror(number), one, None, two)


def test_a_full_disk_names_the_file_and_says_that_what_is_done_is_kept(tmp_path):
    told = storage.explained(_error(errno.ENOSPC, "a.zip", tmp_path / "dist/a.zip"))

    assert str(told) == (
        f"{tmp_path}/dist/a.zip: No space left on device; what was done so far is kept"
    )
    assert told.remedy == f"df -h {tmp_path} # make room, then deploy again"


def test_a_write_without_a_name_is_taken_for_the_state_folders(state):
    told = storage.explained(OSError(errno.ENOSPC, "No space left on device"))

    assert str(told).startswith(f"{state}: No space left on device")


def test_a_closed_state_folder_can_be_another_one(state):
    told = storage.explained(_error(errno.EACCES, state / "records"))

    assert "cannot use it: Permission denied" in str(told)
    assert told.remedy == "KILOSCALE_STATE=<a folder of yours> ./bootstrap deploy"


def test_of_another_closed_folder_its_rights_are_to_be_looked_at(state):
    told = storage.explained(_error(errno.EROFS, "/usr/nowhere/file"))

    assert told.remedy == "ls -ld /usr"


@pytest.mark.parametrize(
    "error", [_error(errno.ENOENT, "absent"), OSError(errno.EPERM, "not permitted")]
)
def test_a_defect_of_ours_is_not_explained_away(error):
    assert storage.explained(error) is None


def test_a_step_that_meets_a_full_disk_fails_with_exit_4(state):
    def body(_):
        raise _error(errno.ENOSPC, state / "x")
        yield

    step = Step(id="bundles", title="build", run=body)
    results, code = run_steps([step], None, Progress())

    assert code is ExitCode.FAILED
    assert [(one.id, one.status) for one in results] == [("bundles.error", Status.FAIL)]


def test_a_task_that_meets_a_closed_folder_ends_without_a_traceback(state, capsys):
    with pytest.raises(SystemExit) as ended, run.ending("deploy", "local"):
        raise _error(errno.EROFS, state)

    assert ended.value.code == ExitCode.FAILED
    assert "Read-only file system\n-> KILOSCALE_STATE=" in capsys.readouterr().err
