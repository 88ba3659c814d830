"""Write zips whose bytes depend on their content and nothing else.

Measured (x86_64, Python 3.13): with the bytecode inside, imports take two thirds of
their time or less. /var/task is read-only, so that Lambda would otherwise compile
every module at every cold start.
"""

import errno
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from deploy import bundle_sources
from deploy.bundle_targets import BundleTarget, uv
from deploy.errors import DeployError

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""

UNIX = 3
COMPRESSION_LEVEL = 6
"""Measured on llm_handler (82 MB): level 9 takes 7.3 s and level 6 2.6 s, for a zip
that is 0.6 % larger."""

UNUSED_FOLDERS = {"__pycache__", "tests", "test"}
VOLATILE = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
"""Files of a ``.dist-info`` that hold paths, times or their own hashes."""

STDERR_LINES = 8

LAMBDA_ROOT = "/var/task"


def install(lock: Path, target: BundleTarget, tree: Path) -> None:
    """Install a hashed lock file for a target into an empty folder.

    Args:
        lock: Requirements with hashes.
        target: Version and platform of the wheels.
        tree: The folder.

    Raises:
        DeployError: uv failed; the message ends with what it said.
        OSError: There is no room for the packages.
    """
    wheels, sources = bundle_sources.split(lock.read_text())
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, lock.name)
        requirements.write_text(wheels)
        _install(requirements, lock, target, tree)
    bundle_sources.copy(sources, tree, f"{lock.parent.name}/{lock.name}")
    _prune(tree)


def _install(requirements: Path, lock: Path, target: BundleTarget, tree: Path) -> None:
    """Install wheels; see `install`."""
    command = [
        *(uv(), "pip", "install", "--quiet", "--target", str(tree)),
        # Named, because uv would otherwise try every interpreter on the machine, and
        # fail at a pyenv shim that does not run.
        *("--python", str(target.interpreter)),
        *("--python-version", target.python, "--python-platform", target.platform),
        # No source is ever built here; the lock names every dependency.
        *("--only-binary", ":all:", "--no-deps", "--require-hashes"),
        *("--no-compile-bytecode", "--requirements", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        _refuse_full_disk(done.stderr, tree)
        said = "\n".join(done.stderr.strip().splitlines()[-STDERR_LINES:])
        raise DeployError(
            f"{lock.parent.name}/{lock.name}: uv cannot install it for Python"
            f" {target.python} on {target.platform}:\n{said}",
            remedy="./bootstrap deploy --only bundles",
            evidence={"exit_code": done.returncode},
        )


def _refuse_full_disk(said: str, tree: Path) -> None:
    """Raise what a program of ours met as if we had met it ourselves."""
    no_room = os.strerror(errno.ENOSPC)
    if no_room in said:
        raise OSError(errno.ENOSPC, no_room, str(tree))


def _prune(tree: Path) -> None:
    """Delete what the services do not need, and what differs from build to build."""
    for folder in [path for path in tree.rglob("*") if path.name in UNUSED_FOLDERS]:
        if folder.is_dir():
            shutil.rmtree(folder)
    shutil.rmtree(tree / "bin", ignore_errors=True)
    (tree / ".lock").unlink(missing_ok=True)
    for metadata in tree.glob("*.dist-info"):
        for name in VOLATILE:
            (metadata / name).unlink(missing_ok=True)


def compile_bytecode(tree: Path, target: BundleTarget) -> None:
    """Compile every module of a tree, as it will lie in Lambda.

    ``unchecked-hash`` puts no time into the file, ``-s`` and ``-p`` no path of this
    machine. One process: what a process compiled before is seen in the references of
    the bytecode, so that several of them would not give the same bytes each time.

    Raises:
        DeployError: A module does not compile.
        OSError: There is no room for the bytecode.
    """
    done = subprocess.run(
        [
            *(str(target.interpreter), "-I", "-m", "compileall", "-q"),
            *("--invalidation-mode", "unchecked-hash"),
            *("-s", str(tree), "-p", LAMBDA_ROOT, str(tree)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONHASHSEED": "0"},
    )
    if done.returncode != 0:
        _refuse_full_disk(done.stdout + done.stderr, tree)
        said = "\n".join((done.stdout + done.stderr).splitlines()[-STDERR_LINES:])
        raise DeployError(
            f"a module does not compile with Python {target.python}:\n{said}",
            remedy=f"{target.interpreter} -m compileall -q functions",
        )


def write(tree: Path, archive: Path) -> None:
    """Add every file of a tree to a zip, sorted, with fixed times and modes.

    Args:
        tree: The folder.
        archive: An existing zip, to which is added, or a new one.
    """
    paths = sorted(
        (path.relative_to(tree).as_posix(), path)
        for path in tree.rglob("*")
        if path.is_file()
    )
    with zipfile.ZipFile(archive, "a") as file:
        for name, path in paths:
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.create_system = UNIX
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Fixed modes: the umask of the machine must not be seen in the zip.
            entry.external_attr = (0o755 if ".so" in path.suffixes else 0o644) << 16
            file.writestr(entry, path.read_bytes(), compresslevel=COMPRESSION_LEVEL)


def unpacked_bytes(archive: Path) -> int:
    """Give the size of what a zip holds, in bytes."""
    with zipfile.ZipFile(archive) as file:
        return sum(entry.file_size for entry in file.infolist())
