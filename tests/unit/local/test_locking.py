import pytest

from deploy.errors import ExitCode, LockedError
from deploy.local.locking import locked


def test_a_second_command_waits_says_so_and_gives_up(tmp_path):
    said = []

    with (
        locked(tmp_path, said.append),
        pytest.raises(LockedError) as caught,
        locked(tmp_path, said.append, patience_s=0.1),
    ):
        pass

    assert caught.value.exit_code is ExitCode.LOCKED
    assert said == [f"waiting for another command that starts or stops {tmp_path}"]


def test_the_lock_is_free_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path, print):
        _ = 1 / 0

    with locked(tmp_path, pytest.fail):
        pass


def test_a_deleted_lock_keeps_nobody_out(tmp_path):
    with locked(tmp_path, pytest.fail):
        (tmp_path / "lock").unlink()

        with locked(tmp_path, pytest.fail):
            pass
