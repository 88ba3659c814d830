"""Installs miniflare, with workerd in it, from the lock beside this file."""

import hashlib
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

from deploy.local.parts import Missing, UnavailableError
from deploy.paths import REPOSITORY

LOCK = Path(__file__).with_name("package-lock.json")
FOLDER = REPOSITORY / "dist" / ".edge"
NODE_MAJOR_MIN = 20
INSTALL_NODE = (
    f"install Node.js {NODE_MAJOR_MIN} or later with npm, then ./bootstrap local.start"
)

INSTALL_TIMEOUT_S = 180
RETRY_AFTER_S = 600
"""For so long npm is not asked again after it failed: without a network it needs half
a minute to say so, and each deploy would wait for it."""

COMMAND = (
    *("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"),
    *("--fetch-retries=1", "--fetch-timeout=30000"),
)


def modules() -> Path:
    """Give the folder of miniflare; install it from the lock if it is not there.

    Raises:
        UnavailableError: There is no Node.js, or npm cannot install it.
    """
    if absent := missing():
        raise UnavailableError(absent)
    folder = _folder()
    if folder.exists():
        return folder
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".stage-") as stage:
        unfinished = Path(stage, folder.name)
        unfinished.mkdir()
        for each in ("package.json", LOCK.name):
            shutil.copy(LOCK.with_name(each), unfinished)
        if reason := _install(unfinished):
            _failure().write_text(reason)
            raise UnavailableError(_not_installed(reason))
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first
                raise
    return folder


def missing() -> Missing | None:
    """Say why the runtime cannot be had, without asking the network."""
    major = _node_major()
    if major < NODE_MAJOR_MIN:
        found = f"found {major}" if major else "found none"
        what = f"workerd needs Node.js {NODE_MAJOR_MIN} or later, {found}"
        return Missing(reason=what, remedy=INSTALL_NODE)
    if _folder().exists():
        return None
    if not shutil.which("npm"):
        return Missing(
            reason="npm, which installs workerd, is missing", remedy=INSTALL_NODE
        )
    try:
        if time.time() - _failure().stat().st_mtime < RETRY_AFTER_S:
            return _not_installed(_failure().read_text())
    except FileNotFoundError:
        return None
    return None


def _folder() -> Path:
    """Give the folder of what this lock installs."""
    return FOLDER / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]


def _failure() -> Path:
    """Give the file that holds why npm failed the last time."""
    return _folder().with_suffix(".failed")


def _install(folder: Path) -> str:
    """Have npm install; give why it could not, or nothing."""
    try:
        run = subprocess.run(
            COMMAND,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"npm ci took more than {INSTALL_TIMEOUT_S} s"
    told = [line for line in run.stderr.splitlines() if line.strip()]
    if run.returncode:
        return f"npm ci failed: {told[0] if told else f'exit code {run.returncode}'}"
    return ""


def _not_installed(reason: str) -> Missing:
    """Say that npm failed, and what asks it again."""
    again = f"rm {_failure().relative_to(REPOSITORY)}; ./bootstrap local.start"
    return Missing(reason=f"workerd is not installed: {reason}", remedy=again)


@cache
def _node_major() -> int:
    """The major version of Node.js; 0 where there is none, or it does not run."""
    node = shutil.which("node")
    if not node:
        return 0
    told = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=False
    )
    number = told.stdout.strip().lstrip("v").partition(".")[0]
    return int(number) if number.isdecimal() else 0
