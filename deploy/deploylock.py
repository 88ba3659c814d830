"""One deploy of a stack at a time, on this machine and in its database."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy import advisory
from deploy.database import connect
from deploy.deployment import Deployment
from deploy.errors import LockedError
from deploy.ledger import now
from deploy.local.files import PRIVATE_FILE

FILE = "deploy.lock"


@contextmanager
def held(deployment: Deployment, *, in_database: bool = True) -> Iterator[None]:
    """Hold the lock of a stack; the system gives it back if this process is killed.

    A cloud stack is locked in its database as well, for other people's machines.

    Args:
        deployment: The stack.
        in_database: Whether it is; not where the database is away and must not matter.

    Raises:
        LockedError: Somebody else deploys; names them.
    """
    with _on_this_machine(deployment.records / FILE, deployment.stack):
        if deployment.is_local or not in_database:
            yield
            return
        url = deployment.database_url()
        name = advisory.application_name(advisory.DEPLOY.verb)
        with connect(url, application_name=name) as connection:
            advisory.take(connection, advisory.DEPLOY, url, deployment.progress)
            yield


@contextmanager
def _on_this_machine(path: Path, stack: str) -> Iterator[None]:
    """Lock a file that says who holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(os.pread(descriptor, 4096, 0), stack) from None
        holder = {"pid": os.getpid(), "who": advisory.whoami(), "since": now()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _busy(content: bytes, stack: str) -> LockedError:
    """Name the holder, as far as the file says who it is."""
    try:
        holder = json.loads(content)
        told = f"{holder['who']}, pid {holder['pid']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        holder, told = {}, "somebody who began a moment ago"
    return LockedError(
        f"stack {stack} is being deployed by {told}; nothing was changed",
        remedy="wait for it to end, then deploy again",
        evidence=holder,
    )
