"""An export in a folder of this machine."""

import os
import shutil
from pathlib import Path

from deploy.errors import UsageError
from deploy.export.manifest import MANIFEST, PUBLISHING
from deploy.local.files import PRIVATE_FILE, PRIVATE_FOLDER, private_folder

STAGING = ".staging"


class Folder:
    """A folder; each file in it is replaced in one step."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """How it is named in messages."""
        return str(self._path)

    @property
    def uri(self) -> str:
        """How other tools name it."""
        return str(self._path)

    def check(self) -> None:
        """Look whether an export may be here.

        Raises:
            UsageError: It is a file, or a folder with something else in it.
        """
        if self._path.exists() and not self._path.is_dir():
            raise UsageError(
                f"--to {self._path}: is a file, must be a folder; nothing was exported",
                remedy=f"ls -l {self._path}",
            )
        ours = any((self._path / each).exists() for each in (MANIFEST, PUBLISHING))
        there = self._path.is_dir() and any(
            each.name != STAGING for each in self._path.iterdir()
        )
        if there and not ours:
            raise UsageError(
                f"--to {self._path}: has files and no {MANIFEST}: it is not an export;"
                " nothing was exported",
                remedy="give --to an empty folder",
            )

    def scratch(self) -> Path:
        """Make an empty folder for files on their way here, on the same disk."""
        try:
            self._path.mkdir(parents=True, mode=PRIVATE_FOLDER, exist_ok=True)
        except FileNotFoundError:  # /proc and the like have no new folders
            raise UsageError(
                f"--to {self._path}: cannot be made; nothing was exported",
                remedy=f"ls -ld {self._path.parent}",
            ) from None
        self.clear()
        return private_folder(self._path / STAGING)

    def clear(self) -> None:
        """Delete what was on its way."""
        shutil.rmtree(self._path / STAGING, ignore_errors=True)

    def read(self, path: str) -> bytes | None:
        """Read a small file; ``None`` if it is not there."""
        try:
            return (self._path / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def sizes(self) -> dict[str, int]:
        """Give the bytes of each Parquet file by path."""
        return {
            file.relative_to(self._path).as_posix(): file.stat().st_size
            for file in self._path.glob("*/**/*.parquet")
        }

    def fetch(self, path: str, target: Path) -> None:
        """Copy a file to a place of this machine."""
        shutil.copyfile(self._path / path, target)

    def write(self, path: str, content: bytes) -> None:
        """Replace a small file in one step."""
        staged = self._path / STAGING / "document"
        staged.write_bytes(content)
        self.put(path, staged, "")

    def put(self, path: str, staged: Path, sha256: str) -> None:
        """Move a file here in one step, once it is on the disk."""
        del sha256  # the same bytes, not a copy of them
        target = self._path / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        staged.chmod(PRIVATE_FILE)
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        staged.replace(target)
        _flush(target.parent)

    def delete(self, path: str) -> None:
        """Delete a file, and its folder if that is empty."""
        target = self._path / path
        target.unlink(missing_ok=True)
        folder = target.parent
        if folder != self._path and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _flush(folder: Path) -> None:
    """Have the entries of a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
