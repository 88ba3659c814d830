"""The main job: deploy into a new clone, deploy again, size and import of a zip.

Everything happens in a temporary clone of the committed HEAD with a state folder of its
own: the local stack of this repository is not touched. The caches of pip and uv are
warm, as after the first run on a machine.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from deploy.bench import Figure
from deploy.bundles import build, host_target
from deploy.errors import DeployError
from deploy.paths import REPOSITORY, STATE_VARIABLE
from infra.catalog.services import CHAT_SEND

FIRST_DEPLOY_MAX_S = 90
NOOP_DEPLOY_MAX_S = 3


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A zip of chat_send.

    Attributes:
        suffix: What its figures' names end with.
        max_mb: Target of its size, in MB.
        max_ratio: Target of its handler's import, in times of psycopg's alone.
    """

    suffix: str
    max_mb: float
    max_ratio: float


VARIANTS = (
    Variant(suffix="", max_mb=6, max_ratio=1.3),
    Variant(suffix="_jwks", max_mb=11, max_ratio=1.8),
)
"""With HS256 alone, and with JWKS, which needs cryptography."""

NOOP_RUNS = 3
IMPORT_RUNS = 10
DEPLOY_TIMEOUT_S = 900
OURS = "KILOSCALE_"

# Prints the time of one import, in ms: of the processor, since an import waits for
# nothing once its files are in memory, and so the neighbours on a busy machine count
# less. -I and -S leave nothing but the zip's content.
IMPORT = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.process_time()
__import__(sys.argv[2])
print((time.process_time() - began) * 1000)
"""


@dataclass(frozen=True)
class Clone:
    """A clone of the repository with a state folder of its own."""

    folder: Path

    @property
    def repository(self) -> Path:
        return self.folder / "clone"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def archive(self) -> Path:
        return self.state / "dist" / f"{CHAT_SEND.name}.zip"

    @property
    def interpreter(self) -> Path:
        """The Python that the zip was built for."""
        return self.repository / ".venv-emulator" / "bin" / "python"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(OURS) and name != "VIRTUAL_ENV"
        }
        return subprocess.run(
            ["./bootstrap", *arguments],
            cwd=self.repository,
            env={**environment, STATE_VARIABLE: str(self.state)},
            capture_output=True,
            text=True,
            timeout=DEPLOY_TIMEOUT_S,
            check=False,
        )


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of the main job.

    Raises:
        DeployError: A deploy failed, or one that should do nothing changed something.
    """
    with cloned(progress) as clone:
        progress("first deploy in a new clone")
        seconds, _ = deployed(clone)
        yield Figure(
            id="main.first_deploy_s", value=seconds, unit="s", target=FIRST_DEPLOY_MAX_S
        )
        yield noop(clone, progress)
        # Nothing of the stack shall run beside the imports.
        clone.run("local.stop")
        yield from _zip(clone, clone.archive, VARIANTS[0], progress)
        progress("building the zip that takes tokens of key pairs")
        target = host_target(extras=frozenset({"jwks"}))
        bundle = build(CHAT_SEND, target, _made(clone.folder / "jwks"))
        yield from _zip(clone, bundle.path, VARIANTS[1], progress)


@contextmanager
def cloned(progress: Callable[[str], None]) -> Iterator[Clone]:
    """Clone the committed HEAD; afterwards stop and delete what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="ks-bench-"))
    folder.chmod(0o711)  # the parts of the stack run as others, who must pass
    clone = Clone(folder)
    try:
        subprocess.run(
            ["git", "clone", "--quiet", str(REPOSITORY), str(clone.repository)],
            capture_output=True,
            text=True,
            check=True,
        )
        yield clone
    except subprocess.CalledProcessError as error:
        raise DeployError(
            f"git clone failed: {error.stderr.strip()}", remedy="git status"
        ) from error
    finally:
        progress("stopping and deleting the clone's stack")
        if clone.state.exists():
            clone.run("local.reset", "--yes")
        shutil.rmtree(folder, ignore_errors=True)


def deployed(clone: Clone) -> tuple[float, dict[str, Any]]:
    """Deploy; give the seconds of the whole process, and the report.

    Raises:
        DeployError: It failed.
    """
    began = time.perf_counter()
    done = clone.run("deploy", "--json")
    seconds = time.perf_counter() - began
    if done.returncode:
        raise DeployError(
            f"the deploy in the clone ended with {done.returncode}: {_reason(done)}",
            remedy="./bootstrap deploy",
        )
    return seconds, json.loads(done.stdout)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Say which checks failed, else what was said last."""
    try:
        checks = json.loads(done.stdout)["checks"]
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    failed = [one for one in checks if one["status"] == "fail"]
    return "; ".join(f"{one['id']}: {one['title']}" for one in failed)


def noop(clone: Clone, progress: Callable[[str], None]) -> Figure:
    """Deploy what is deployed; the median of a few runs.

    Raises:
        DeployError: A run changed something: it measured something else.
    """
    times = []
    for number in range(1, NOOP_RUNS + 1):
        progress(f"deploy {number} of {NOOP_RUNS} with nothing to do")
        seconds, report = deployed(clone)
        if report["changed"]:
            raise DeployError(
                "a second deploy changed something: it was not a no-op",
                remedy="./bootstrap deploy --check",
            )
        times.append(seconds)
    progress(f"took {', '.join(f'{one:.2f} s' for one in times)}")
    return Figure(
        id="main.noop_deploy_s",
        value=median(times),
        unit="s",
        target=NOOP_DEPLOY_MAX_S,
    )


def _made(folder: Path) -> Path:
    """Make a folder."""
    folder.mkdir()
    return folder


def _zip(
    clone: Clone, archive: Path, variant: Variant, progress: Callable[[str], None]
) -> Iterator[Figure]:
    """Yield the size of a zip and the import ratio of its handler."""
    yield Figure(
        id=f"main.zip_mb{variant.suffix}",
        value=archive.stat().st_size / 1e6,
        unit="MB",
        target=variant.max_mb,
    )
    tree = clone.folder / f"unzipped{variant.suffix}"
    with zipfile.ZipFile(archive) as file:
        file.extractall(tree)
    yield Figure(
        id=f"main.import_ratio{variant.suffix}",
        value=_import_ratio(clone.interpreter, tree, progress),
        unit="x",
        baseline=1.0,
        target=variant.max_ratio,
    )


def _import_ratio(
    interpreter: Path, tree: Path, progress: Callable[[str], None]
) -> float:
    """Compare the import of the handler with that of psycopg, from the same tree."""
    handler = CHAT_SEND.handler.rpartition(".")[0]
    times: dict[str, list[float]] = {"psycopg": [], handler: []}
    for number in range(IMPORT_RUNS + 1):
        progress(f"importing from the zip, round {number} of {IMPORT_RUNS}")
        for module, taken in times.items():
            taken.append(_import_ms(interpreter, tree, module))
    # The first round read the files from the disk.
    own, alone = (median(times[module][1:]) for module in (handler, "psycopg"))
    progress(f"handler {own:.0f} ms, psycopg alone {alone:.0f} ms")
    return own / alone


def _import_ms(interpreter: Path, tree: Path, module: str) -> float:
    """Import a module in a fresh process without site-packages."""
    done = subprocess.run(
        # -B: bytecode that is not in the zip is compiled each time, as on Lambda.
        [str(interpreter), "-I", "-S", "-B", "-c", IMPORT, str(tree), module],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise DeployError(f"importing {module} from the zip failed: {reason}")
    return float(done.stdout)
