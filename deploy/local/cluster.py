"""The data folder of a private PostgreSQL cluster, made once and never half."""

import locale
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.errors import DeployError
from deploy.local.accounts import Account
from deploy.local.facts import ADMIN_ROLE, DATABASE
from deploy.local.files import write_private
from deploy.local.installation import Installation
from deploy.local.ports import LOOPBACK

RESET = "./bootstrap local.reset"

# Others may pass through, not look around.
PASSAGE = 0o711

NO_ROOM = ("No space left on device", "Check free disk space", "File too large")

HBA = f"host all all {LOOPBACK}/32 scram-sha-256\n"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where a cluster is and who owns it.

    Attributes:
        folder: Holds ``data``, owned by `account`, and the configuration, which is
            not: the server cannot change how it listens.
        port: Port on 127.0.0.1; there is no Unix socket.
        installation: The server that runs it.
        account: Who runs it; ``None`` for the current user.
        log: File that the server writes to.
        settings: Values that win over the usual ones, e.g. ``{"fsync": "off"}``.
    """

    folder: Path
    port: int
    installation: Installation
    account: Account | None
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"


def make(cluster: Cluster, admin_password: str) -> None:
    """Make the data folder if there is none; finish what was interrupted.

    Args:
        cluster: Where and for whom.
        admin_password: Password of the superuser.

    Raises:
        DeployError: initdb failed, or the folder is not a cluster of this major.
    """
    for left in cluster.folder.glob("making-*"):
        shutil.rmtree(left)  # an interrupted initdb
    if cluster.data.exists():
        _check(cluster)
        return
    cluster.folder.mkdir(parents=True, exist_ok=True)
    cluster.folder.chmod(PASSAGE)
    making = Path(tempfile.mkdtemp(dir=cluster.folder, prefix="making-"))
    write_private(making / "password", f"{admin_password}\n")
    if cluster.account:
        for path in (making / "password", making):
            os.chown(path, cluster.account.uid, cluster.account.gid)
    _initdb(cluster, making)
    (making / "data").replace(cluster.data)
    shutil.rmtree(making)


def made_by(folder: Path) -> int | None:
    """Give the major version that made the cluster in a folder, if one is there."""
    try:
        version = (folder / "data" / "PG_VERSION").read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    return int(version) if version.strip().isdigit() else None


def _check(cluster: Cluster) -> None:
    major = made_by(cluster.folder)
    if major is None:
        raise DeployError(
            f"{cluster.data}: not a PostgreSQL cluster, it has no PG_VERSION;"
            " a reset deletes it",
            remedy=RESET,
        )
    if major != cluster.installation.major:
        raise DeployError(
            f"{cluster.data}: made by PostgreSQL {major}, this machine would run"
            f" {cluster.installation.major}; a reset deletes the local data",
            remedy=RESET,
        )


def _initdb(cluster: Cluster, folder: Path) -> None:
    account = cluster.account
    done = subprocess.run(
        [
            str(cluster.installation.bindir / "initdb"),
            f"--pgdata={folder / 'data'}",
            f"--pwfile={folder / 'password'}",
            f"--username={ADMIN_ROLE}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            f"--locale={_utf8_locale()}",
            "--no-instructions",
        ],
        env=environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        whom = account.name if account else "the current user"
        no_room = any(sign in done.stderr for sign in NO_ROOM)
        raise DeployError(
            f"initdb failed in {folder} as {whom}: {_reason(done.stderr)}\n"
            f"{done.stderr.strip()}",
            remedy=f"df -h {cluster.folder} # make room, then deploy again"
            if no_room
            else RESET,
        )


def _reason(said: str) -> str:
    """Pick the line that names the cause, so that the first line is complete."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    causes = [line for line in lines if "error:" in line or "FATAL:" in line]
    return (causes or lines or ["it said nothing"])[0]


def _utf8_locale() -> str:
    """Give a locale that knows UTF-8 letters, as Supabase's does, else ``C``."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def environment() -> dict[str, str]:
    """Give the whole environment of the server and its tools."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def configure(cluster: Cluster) -> None:
    """Write the configuration; a running server does not read it again."""
    lines = [
        f"{name} = '{value}'" for name, value in sorted(_settings(cluster).items())
    ]
    for name, text in (
        ("postgresql.conf", "\n".join(lines) + "\n"),
        ("pg_hba.conf", HBA),
    ):
        path = cluster.folder / name
        write_private(path, text)
        path.chmod(0o644)  # no secrets in it, and the server is another account


def _settings(cluster: Cluster) -> dict[str, str]:
    installation = cluster.installation
    libraries = ["pg_stat_statements"] if installation.has_statements else []
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(cluster.port),
        "unix_socket_directories": "",
        "hba_file": str(cluster.folder / "pg_hba.conf"),
        "password_encryption": "scram-sha-256",
        "max_connections": "100",
        "max_worker_processes": "30",
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_checkpoints": "off",
    }
    if installation.has_cron:
        libraries.append("pg_cron")
        # With SCRAM pg_cron's own connections fail (they know no password), and
        # background workers need none.
        settings |= {
            "cron.database_name": DATABASE,
            "cron.use_background_workers": "on",
            "cron.max_running_jobs": "8",
        }
    if libraries:
        settings["shared_preload_libraries"] = ",".join(libraries)
    return settings | dict(cluster.settings)
