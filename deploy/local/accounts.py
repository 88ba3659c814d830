"""Unprivileged accounts: PostgreSQL refuses root, and functions should not be it."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError

CLUSTER_ACCOUNTS = ("postgres", "nobody")
FUNCTION_ACCOUNTS = ("nobody",)


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of this machine that root runs a program as.

    Attributes:
        name: Name in the password database.
        uid: User id.
        gid: Id of its primary group; the program gets no other group.
    """

    name: str
    uid: int
    gid: int

    def may(self, test: str, path: Path) -> bool:
        """Ask the kernel whether the account may use a path.

        Args:
            test: ``x`` to enter a folder or run a file, ``r`` to read.
            path: An absolute path.
        """
        asked = subprocess.run(
            ["/bin/sh", "-c", f'test -{test} "$1"', "sh", str(path)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return asked.returncode == 0


def unprivileged(names: tuple[str, ...]) -> Account | None:
    """Give the first account that exists.

    Returns:
        ``None`` where the current user is unprivileged already.

    Raises:
        DeployError: The current user is root and none of the accounts exists.
    """
    if os.geteuid() != 0:
        return None
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise DeployError(
        f"accounts: none of {', '.join(names)} exists on this machine; PostgreSQL"
        " refuses to run as root",
        remedy=f"useradd --system {names[0]}",
    )
