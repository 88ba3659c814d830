"""Where PostgreSQL is installed on this machine, and whether pg_cron is."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError

BINDIR_VARIABLE = "KILOSCALE_PG_BINDIR"
DEBIAN_ROOT = Path("/usr/lib/postgresql")
OLDEST_MAJOR = 15
"""The migrations use what 15 brought: security_invoker views, NULLS NOT DISTINCT."""

INSTALL = (
    "sudo apt-get install -y --no-install-recommends postgresql-{0} postgresql-{0}-cron"
)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One installation of the server.

    Attributes:
        bindir: Where ``postgres`` and ``initdb`` are.
        major: Major version, 15 or later.
        has_cron: Whether pg_cron can be loaded.
        has_statements: Whether pg_stat_statements can be loaded.
    """

    bindir: Path
    major: int
    has_cron: bool
    has_statements: bool

    @property
    def install_cron(self) -> str:
        """The command that installs pg_cron for this major on Debian and Ubuntu."""
        return f"sudo apt-get install -y postgresql-{self.major}-cron"


def find_installation(
    made_by: int | None = None,
    environ: Mapping[str, str] = os.environ,
    debian_root: Path = DEBIAN_ROOT,
) -> Installation:
    """Find the server to use: newest with pg_cron, else newest.

    Args:
        made_by: Major that made the data there is; preferred, as no other reads it.
        environ: ``KILOSCALE_PG_BINDIR`` names a folder and ends the search.
        debian_root: Where Debian puts ``<major>/bin``.

    Raises:
        DeployError: None is installed, or it is too old.
    """
    if named := environ.get(BINDIR_VARIABLE):
        folders = [Path(named)]
    else:
        folders = list(_candidates(environ, debian_root))
    servers = [server for folder in folders if (server := _inspect(folder))]
    usable = [server for server in servers if server.major >= OLDEST_MAJOR]
    if not usable:
        place = f" in {named} ({BINDIR_VARIABLE})" if named else ""
        have = ", ".join(f"{server.major} in {server.bindir}" for server in servers)
        raise DeployError(
            f"PostgreSQL {OLDEST_MAJOR} or later is needed for the local stack, found"
            f" {have or 'none'}{'' if have else place}",
            remedy=INSTALL.format(newest_packaged() or "17"),
        )
    return max(
        usable,
        key=lambda server: (server.major == made_by, server.has_cron, server.major),
    )


def _candidates(environ: Mapping[str, str], debian_root: Path) -> Iterator[Path]:
    yield from debian_root.glob("[0-9]*/bin")
    if config := shutil.which("pg_config", path=environ.get("PATH")):
        yield Path(_output(config, "--bindir"))


def _inspect(folder: Path) -> Installation | None:
    if not ((folder / "postgres").exists() and (folder / "initdb").exists()):
        return None
    version = re.search(r" (\d+)", _output(str(folder / "postgres"), "--version"))
    libraries = _library_folder(folder)
    return Installation(
        bindir=folder,
        major=int(version[1]) if version else 0,
        has_cron=_has_library(libraries, "pg_cron"),
        has_statements=_has_library(libraries, "pg_stat_statements"),
    )


def _library_folder(folder: Path) -> Path:
    config = folder / "pg_config"
    if config.exists():
        return Path(_output(str(config), "--pkglibdir"))
    return folder.parent / "lib"


def _has_library(folder: Path, name: str) -> bool:
    return any((folder / f"{name}{suffix}").exists() for suffix in (".so", ".dylib"))


def newest_packaged() -> str | None:
    """Name the newest major that apt offers together with pg_cron, if any."""
    if not shutil.which("apt-cache"):
        return None
    listed = _output("apt-cache", "search", "--names-only", r"^postgresql-[0-9]+-cron$")
    majors = [int(major) for major in re.findall(r"postgresql-(\d+)-cron", listed)]
    return str(max(majors)) if majors else None


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
