"""One start, stop or reset of a state folder at a time."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.errors import LockedError
from deploy.local.files import PRIVATE_FILE

LOCK_FILE = "lock"
PATIENCE_S = 120.0
"""Longer than a start may take (`postgres.START_PATIENCE_S` and initdb)."""

POLL_S = 0.05


@contextmanager
def locked(
    state: Path, progress: Callable[[str], None], patience_s: float = PATIENCE_S
) -> Iterator[None]:
    """Hold the state folder's lock; the system frees it if we are killed.

    Args:
        state: The state folder; it exists.
        progress: Told once if somebody else holds the lock.
        patience_s: Seconds to wait for them.

    Raises:
        LockedError: They still hold it.
    """
    deadline = time.monotonic() + patience_s
    told = False
    while (descriptor := _try(state / LOCK_FILE)) is None:
        if not told:
            progress(f"waiting for another command that starts or stops {state}")
            told = True
        if time.monotonic() > deadline:
            raise LockedError(
                f"{state}: another command has been starting or stopping this local"
                f" stack for {patience_s:.0f} s",
                remedy=f"fuser -v {state / LOCK_FILE}",
            )
        time.sleep(POLL_S)
    try:
        yield
    finally:
        os.close(descriptor)


def _try(path: Path) -> int | None:
    """Take the lock, or give ``None`` if it is held or was deleted meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A reset deletes the file: a lock on the deleted one keeps nobody out.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
