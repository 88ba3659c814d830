"""Build one deterministic zip for each service, or find that it is built already."""

import base64
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy import bundle_archive, bundle_dependencies
from deploy.bundle_targets import BundleTarget, cloud_target, host_target
from deploy.errors import DeployError
from deploy.paths import REPOSITORY
from infra.catalog.extras import lock_name
from infra.catalog.services import Service

__all__ = [
    "Bundle",
    "BundleTarget",
    "build",
    "build_all",
    "cloud_target",
    "host_target",
    "inputs_digest",
    "stale",
]

WORKERS = 2
UNPACKED_BYTES_MAX = 250 * 1024**2
"""AWS Lambda quotas, "Deployment package (.zip file archive) size", unzipped."""

FUNCTIONS = REPOSITORY / "functions"
SHARED = ("__init__.py", "routes.py", "shared")
"""What every zip has of ``functions/``, besides the service's own folder."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The zip of a service.

    Attributes:
        service: The service's name, e.g. ``chat-send``.
        path: The zip.
        sha256: Digest of its bytes in base64, as Lambda's ``CodeSha256``.
        size: Its size, in bytes.
        built: Whether this call wrote it; else it was up to date.
    """

    service: str
    path: Path
    sha256: str
    size: int
    built: bool


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What is known of a zip, in a file beside it.

    Attributes:
        inputs: Digest of everything that the zip is made from.
        sha256: As in `Bundle`.
        size: As in `Bundle`.
    """

    inputs: str
    sha256: str
    size: int


def build(service: Service, target: BundleTarget, folder: Path) -> Bundle:
    """Build the zip of a service, unless it is up to date.

    Args:
        service: Whose zip.
        target: What it is built for.
        folder: Where the zips are.

    Raises:
        DeployError: The dependencies cannot be installed, a module does not compile,
            or the zip unpacks to more than Lambda takes.
    """
    archive = folder / f"{service.name}.zip"
    inputs = _inputs(service, target)
    record = _current(archive, inputs)
    if record is not None:
        return _bundle(service, archive, record, built=False)
    dependencies = bundle_dependencies.pack(_lock(service, target), target)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".stage-") as stage:
        tree = Path(stage, "tree")
        for source, name in _sources(service):
            copy = tree / "functions" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        bundle_archive.compile_bytecode(tree, target)
        unfinished = Path(stage, archive.name)
        shutil.copyfile(dependencies, unfinished)
        bundle_archive.write(tree, unfinished)
        _check_size(service, unfinished)
        unfinished.replace(archive)
    data = archive.read_bytes()
    record = _Record(inputs=inputs, sha256=_digest(data), size=len(data))
    _sidecar(archive).write_text(json.dumps(asdict(record)))
    return _bundle(service, archive, record, built=True)


def build_all(
    services: Sequence[Service],
    target: BundleTarget,
    folder: Path,
    progress: Callable[[str], None],
) -> list[Bundle]:
    """Build the zips of services, two at a time.

    Args:
        services: Whose zips.
        target: What they are built for.
        folder: Where they go; made if it is missing.
        progress: Told what is being built, if anything is.

    Raises:
        DeployError: As `build`.
    """
    names = stale(services, target, folder)
    if names:
        built_for = f"Python {target.python} on {target.platform}"
        progress(f"building {', '.join(names)} for {built_for}")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [service for service in services if service.name in names]
    # Each lock once, before the services that share it.
    paths = [_lock(service, target) for service in wanted]
    locks = {path.read_bytes(): path for path in paths}
    with ThreadPoolExecutor(WORKERS) as pool:
        pack = pool.map(
            lambda lock: bundle_dependencies.pack(lock, target), locks.values()
        )
        for packed in pack:
            progress(f"packed {packed.stat().st_size / 1e6:.1f} MB of dependencies")
        bundles = list(
            pool.map(lambda service: build(service, target, folder), services)
        )
    bundle_dependencies.forget_unused()
    return bundles


def stale(services: Sequence[Service], target: BundleTarget, folder: Path) -> list[str]:
    """Name the services whose zip is missing or not made from what is there."""
    return [
        service.name
        for service in services
        if _current(folder / f"{service.name}.zip", _inputs(service, target)) is None
    ]


def inputs_digest(service: Service, target: BundleTarget) -> str:
    """Digest everything that a service's zip is made from; nothing is built."""
    return _inputs(service, target)


def _bundle(service: Service, archive: Path, record: _Record, *, built: bool) -> Bundle:
    """Describe a zip."""
    return Bundle(
        service=service.name,
        path=archive,
        sha256=record.sha256,
        size=record.size,
        built=built,
    )


def _current(archive: Path, inputs: str) -> _Record | None:
    """Give the record of a zip if it was made from these inputs and is intact."""
    try:
        record = _Record(**json.loads(_sidecar(archive).read_text()))
        data = archive.read_bytes()
    except (OSError, ValueError, TypeError):
        return None
    is_current = record.inputs == inputs and record.sha256 == _digest(data)
    return record if is_current else None


def _inputs(service: Service, target: BundleTarget) -> str:
    """Digest everything that a zip is made from, the code that makes it included."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(bundle_dependencies.inputs(_lock(service, target), target).encode())
    for source, name in _sources(service):
        content = source.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _check_size(service: Service, archive: Path) -> None:
    """Refuse what Lambda would refuse."""
    size = bundle_archive.unpacked_bytes(archive)
    if size > UNPACKED_BYTES_MAX:
        raise DeployError(
            f"{service.name}: the zip unpacks to {size / 1024**2:.0f} MiB; Lambda takes"
            f" {UNPACKED_BYTES_MAX / 1024**2:.0f} MiB",
            remedy=f"$EDITOR functions/{service.folder}/requirements.in",
        )


def _lock(service: Service, target: BundleTarget) -> Path:
    """Give the lock file of a service."""
    return FUNCTIONS / service.folder / lock_name(service, target.extras)


def _sources(service: Service) -> list[tuple[Path, str]]:
    """Give the modules of a service, and their names below ``functions/``."""
    paths: list[Path] = []
    for name in (*SHARED, service.folder):
        path = FUNCTIONS / name
        paths += [path] if path.is_file() else path.rglob("*.py")
    return sorted((path, path.relative_to(FUNCTIONS).as_posix()) for path in paths)


def _sidecar(archive: Path) -> Path:
    """Give the file that holds the record of a zip."""
    return archive.with_suffix(".json")


def _digest(data: bytes) -> str:
    """Digest bytes as Lambda does."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
