"""Packages without a wheel that are nothing but Python: copied from the workspace.

No source is built for a zip: a build would run code of its author here, compile for
this machine, and fetch build tools that no lock names. The workspace has the same
packages, checked against the hashes of its own lock.
"""

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from deploy.errors import DeployError

SOURCE_ONLY = ("pyvips",)
"""What exists on PyPI as source only (pyvips 3.2.0; its native half is the wheel
pyvips-binary)."""

NATIVE = {".so", ".pyd", ".dylib", ".a"}
LEFT_OUT = {".pyc", ".pyi"}


def split(lock: str) -> tuple[str, dict[str, str]]:
    r"""Take the packages without a wheel out of a lock.

    Args:
        lock: Text of the lock file.

    Returns:
        The lock without them, and their versions by name.

    >>> split("a==1 \\\n    --hash=x\npyvips==3.2.0 \\\n    --hash=y\nz==2\n")
    ('a==1 \\\n    --hash=x\nz==2\n', {'pyvips': '3.2.0'})
    """
    kept: list[str] = []
    taken: dict[str, str] = {}
    is_taken = False
    for line in lock.splitlines(keepends=True):
        if not line.startswith((" ", "\t", "#")):
            name, _, rest = line.partition("==")
            is_taken = name.strip() in SOURCE_ONLY
            if is_taken:
                taken[name.strip()] = rest.split()[0]
        if not is_taken:
            kept.append(line)
    return "".join(kept), taken


def copy(versions: dict[str, str], tree: Path, lock: str) -> None:
    """Copy packages of the workspace into a tree.

    Args:
        versions: Versions by name, as the lock pins them.
        tree: Where to.
        lock: Name of the lock file, for errors.

    Raises:
        DeployError: The workspace has another version, or one with native code.
    """
    for name, version in versions.items():
        for source, target in _files(name, version, lock):
            if source.suffix in NATIVE:
                raise DeployError(
                    f"{name}: {target} is native code of this machine: the package"
                    " cannot be copied into a zip for another",
                    remedy="./bootstrap --list",
                )
            to = tree / target
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(source.read_bytes())


def _files(name: str, version: str, lock: str) -> Iterator[tuple[Path, str]]:
    """List the modules of an installed package, and its licence."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        found = None
    if found is None or found.version != version:
        has = f"{name} {found.version}" if found else f"no {name}"
        raise DeployError(
            f"{lock}: pins {name} {version}, which exists as source only, and the"
            f" workspace has {has}: nothing was built",
            remedy="./bootstrap --list",
        )
    for path in found.files or []:
        is_ours = path.parts[0] == name and path.suffix not in LEFT_OUT
        is_licence = "licenses" in path.parts
        if is_ours or is_licence:
            yield Path(str(found.locate_file(path))), path.as_posix()
