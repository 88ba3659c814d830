"""What a disk or a folder refuses, told to a person."""

import errno
import getpass
import os
from pathlib import Path

from deploy.errors import DeployError
from deploy.paths import STATE_VARIABLE, state_dir

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


def explained(error: OSError) -> DeployError | None:
    """Say what a full disk or a folder that may not be written means.

    Returns:
        ``None`` for an error of another kind, which is a defect of ours.
    """
    named = error.filename2 or error.filename
    place = Path(os.fsdecode(named)) if isinstance(named, str | bytes) else None
    if error.errno in FULL:
        return _full(place or state_dir(), error)
    if error.errno in CLOSED and place:
        return _closed(place, error)
    return None


def _full(place: Path, error: OSError) -> DeployError:
    """Say where there is no room; a write may fail without a name of its file."""
    return DeployError(
        f"{place}: {error.strerror}; what was done so far is kept",
        remedy=f"df -h {_existing(place)} # make room, then deploy again",
        evidence={"path": str(place), "errno": errno.errorcode[error.errno or 0]},
    )


def _closed(place: Path, error: OSError) -> DeployError:
    """Say who may not write where; another state folder helps only if it is that."""
    folder = _existing(place)
    state = state_dir()
    in_state = place == state or state in place.parents or place in state.parents
    return DeployError(
        f"{place}: user {_user()} cannot use it: {error.strerror}",
        remedy=f"{STATE_VARIABLE}=<a folder of yours> ./bootstrap deploy"
        if in_state
        else f"ls -ld {folder}",
        evidence={"path": str(place), "errno": errno.errorcode[error.errno or 0]},
    )


def _existing(place: Path) -> Path:
    """Give the nearest folder that exists."""
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        return str(os.getuid())
