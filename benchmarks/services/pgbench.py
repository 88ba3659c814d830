"""pgbench, the load generator of PostgreSQL itself: transactions a second."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.cluster import Database
from deploy.errors import DeployError

INSTALL = "sudo apt-get install -y postgresql-contrib"
THREADS = 2


def find(database: Database) -> Path:
    """Find pgbench.

    Raises:
        DeployError: It is not installed.
    """
    beside = database.bindir / "pgbench"
    found = str(beside) if beside.exists() else shutil.which("pgbench")
    if found is None:
        raise DeployError("pgbench is not installed", remedy=INSTALL)
    return Path(found)


def rate(
    database: Database, script: str, folder: Path, *, clients: int, seconds: int
) -> float:
    """Run a script from some clients; give its transactions a second.

    Args:
        database: Where.
        script: As pgbench reads it; prepared once for each client.
        folder: Gets the script.
        clients: Connections.
        seconds: How long.

    Raises:
        DeployError: It failed.
    """
    file = folder / "script.pgbench"
    file.write_text(script)
    url = urlsplit(database.url)
    done = subprocess.run(
        [
            *(str(find(database)), "-n", "-M", "prepared", "-f", str(file)),
            *("-c", str(clients), "-j", str(min(clients, THREADS))),
            *("-T", str(seconds), "-h", str(url.hostname), "-p", str(url.port)),
            *("-U", str(url.username), url.path.lstrip("/")),
        ],
        env={"PATH": os.environ["PATH"], "PGPASSWORD": url.password or ""},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    failed = re.search(r"failed transactions: ([1-9]\d*)", done.stdout)
    if done.returncode or not found or failed:
        raise DeployError(f"pgbench failed: {(done.stderr or done.stdout).strip()}")
    return float(found[1])
