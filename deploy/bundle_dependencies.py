"""Pack the dependencies of a lock file once for each target, and keep them."""

import hashlib
import tempfile
import time
from pathlib import Path

from deploy import bundle_archive, bundle_sources
from deploy.bundle_targets import BundleTarget
from deploy.paths import REPOSITORY

CACHE = REPOSITORY / "dist" / ".dependencies"
"""One zip for each lock file and target. All services and stacks share them, and a
change of the code does not pack them again."""

UNUSED_DAYS_MAX = 14


def inputs(lock: Path, target: BundleTarget) -> str:
    """Digest what packed dependencies are made from, the code that packs included."""
    digest = hashlib.sha256(f"{target.python} {target.platform}".encode())
    code = (__file__, str(bundle_archive.__file__), str(bundle_sources.__file__))
    for path in (lock, *map(Path, code)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def pack(lock: Path, target: BundleTarget) -> Path:
    """Give the packed dependencies of a lock file; pack them if they are not there.

    Args:
        lock: Requirements with hashes.
        target: What they are installed for.

    Raises:
        DeployError: They cannot be installed, or a module does not compile.
    """
    packed = CACHE / f"{inputs(lock, target)[:32]}.zip"
    if packed.exists():
        packed.touch()
        return packed
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".stage-") as stage:
        tree = Path(stage, "tree")
        bundle_archive.install(lock, target, tree)
        bundle_archive.compile_bytecode(tree, target)
        unfinished = Path(stage, packed.name)
        bundle_archive.write(tree, unfinished)
        # At once, so that nobody copies half a zip; a simultaneous packing of the
        # same inputs gave the same bytes.
        unfinished.replace(packed)
    return packed


def forget_unused() -> None:
    """Delete packed dependencies that nothing was built with for some time."""
    oldest = time.time() - UNUSED_DAYS_MAX * 86_400
    for packed in CACHE.glob("*.zip"):
        if packed.stat().st_mtime < oldest:
            packed.unlink(missing_ok=True)
