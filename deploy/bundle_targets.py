"""Where a zip is to run: Python version, platform, and who compiles its bytecode."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError
from infra.catalog.services import CLOUD_ARCHITECTURE, CLOUD_RUNTIME

PLATFORMS = {
    "arm64": "aarch64-manylinux_2_28",
    "aarch64": "aarch64-manylinux_2_28",
    "x86_64": "x86_64-manylinux_2_28",
}
"""uv's platforms by machine. From python3.12 on Lambda has glibc 2.34, so that the
wheels of manylinux_2_28 load (AWS Lambda docs, "Lambda runtimes")."""

PROBE_TIMEOUT_S = 10

_VERSION = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True, kw_only=True)
class BundleTarget:
    """What a zip is built for.

    Attributes:
        python: Minor version, e.g. ``3.13``.
        platform: uv's name of the platform, e.g. ``aarch64-manylinux_2_28``.
        interpreter: A CPython of that version on this machine. It compiles the
            bytecode, which depends on the version and not on the platform.
        extras: Libraries that the stack needs and others do not; names of
            `infra.catalog.extras.EXTRAS`.
    """

    python: str
    platform: str
    interpreter: Path
    extras: frozenset[str] = frozenset()


def host_target(*, extras: frozenset[str] = frozenset()) -> BundleTarget:
    """Give the target of the local stack: the emulator's own interpreter.

    Args:
        extras: As in `BundleTarget`.

    Raises:
        DeployError: The emulator is not installed, or this is not Linux.
    """
    from deploy.local.emulator import emulator_venv

    interpreter = emulator_venv() / "bin" / "python"
    version = probe(interpreter)
    if version is None:
        raise DeployError(
            f"{interpreter}: the emulator's interpreter does not run",
            remedy="./bootstrap --list",
        )
    machine = platform.machine()
    if sys.platform != "linux" or machine not in PLATFORMS:
        raise DeployError(
            f"this machine is {sys.platform} {machine}: the local stack runs the"
            f" services' Linux wheels on {' or '.join(sorted(PLATFORMS))}"
        )
    return BundleTarget(
        python=version,
        platform=PLATFORMS[machine],
        interpreter=interpreter,
        extras=extras,
    )


def cloud_target(*, extras: frozenset[str] = frozenset()) -> BundleTarget:
    """Give the target of Lambda.

    Args:
        extras: As in `BundleTarget`.

    Raises:
        DeployError: No interpreter of the runtime's version runs here; says where
            it was looked for and how to get one.
    """
    wanted = CLOUD_RUNTIME.removeprefix("python")
    seen = []
    for candidate in _candidates(wanted):
        if probe(candidate) == wanted:
            return BundleTarget(
                python=wanted,
                platform=PLATFORMS[CLOUD_ARCHITECTURE],
                interpreter=candidate,
                extras=extras,
            )
        seen.append(str(candidate))
    found = f"; found but not usable: {', '.join(seen)}" if seen else ""
    raise DeployError(
        f"no CPython {wanted} runs here: zips for the runtime {CLOUD_RUNTIME} need"
        f" its bytecode{found}",
        remedy=f".venv/bin/uv python install {wanted}",
        evidence={"wanted": wanted, "not_usable": seen},
    )


def probe(interpreter: Path) -> str | None:
    """Give the minor version of a CPython by running it.

    A file of the right name is no proof: pyenv's shims exist for versions that are
    not selected, and fail.

    Returns:
        E.g. ``3.13``; ``None`` if it does not run or is not CPython.
    """
    try:
        done = subprocess.run(
            [str(interpreter), "-I", "-c", _VERSION],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    name, _, version = done.stdout.strip().partition(" ")
    return version if done.returncode == 0 and name == "cpython" else None


def _candidates(version: str) -> Iterator[Path]:
    """Give the places where an interpreter may be, the usual ones first."""
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    pyenv = Path("~/.pyenv/versions").expanduser()
    yield from sorted(pyenv.glob(f"{version}*/bin/python"), reverse=True)
    done = subprocess.run(
        [uv(), "python", "find", "--managed-python", "--no-python-downloads", version],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        yield Path(done.stdout.strip())


def uv() -> str:
    """Give uv, which stands beside the interpreter of the workspace.

    Raises:
        DeployError: It is neither there nor on PATH.
    """
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise DeployError(
            f"{beside}: uv, which installs the services' dependencies, is missing",
            remedy="./bootstrap --list",
        )
    return found
