"""Speed beside sharp, which has the same libvips behind Node.js.

Both get the same pixels in memory and the same quality, effort and number of threads,
and take turns. What is compared is the CPU time of a process with one thread: on a
machine with a free core that is the throughput, and on a busy one it is still the work
that each does. sharp is installed from a lock file.
"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from benchmarks.images.pictures import art
from deploy.bench import Figure
from deploy.errors import DeployError
from functions.compress_image import encoding
from functions.compress_image.decoder import THREADS

if TYPE_CHECKING:
    import pyvips

PEER = Path(__file__).with_name("peer")
SIDE = 1_024
ROUNDS = {"webp": 15, "avif": 9, "thumbnail": 60}
QUALITIES = {"webp": 80, "avif": 46, "thumbnail": encoding.THUMBNAIL_QUALITY}
THUMBNAIL_SIDE = 320
RATIO_MIN = 0.9


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of the speed.

    Raises:
        DeployError: sharp cannot be installed, or failed at the work.
    """
    import pyvips

    pyvips.concurrency_set(THREADS)
    pyvips.cache_set_max(0)
    image = art(SIDE, 21).copy_memory()
    with _sharp(image) as peer:
        for name in QUALITIES:
            yield _compared(name, image, peer, progress)


def _compared(
    name: str,
    image: "pyvips.Image",
    peer: Callable[[str], float],
    progress: Callable[[str], None],
) -> Figure:
    """Let both work in turns; compare the best of each: what else runs only slows."""
    _ours(name, image)
    peer(name)
    turns = [(_ours(name, image), peer(name)) for _ in range(ROUNDS[name])]
    ours = min(turn[0] for turn in turns)
    theirs = min(turn[1] for turn in turns)
    progress(
        f"{name}: {1 / ours:.1f} images a second of CPU here, {1 / theirs:.1f} by sharp"
    )
    return Figure(
        id=f"images.sharp_ratio_{name}",
        value=theirs / ours,
        unit="x",
        target=RATIO_MIN,
        at_least=True,
    )


def _ours(name: str, image: "pyvips.Image") -> float:
    """Do it once; give the CPU time, in seconds."""
    began = time.process_time()
    if name == "webp":
        encoding.webp(image, QUALITIES[name])
    elif name == "avif":
        encoding.avif(image, QUALITIES[name])
    else:
        encoding.thumbnail(image, THUMBNAIL_SIDE)
    return time.process_time() - began


@contextmanager
def _sharp(image: "pyvips.Image") -> Iterator[Callable[[str], float]]:
    """Run sharp; give a function that has it do something once.

    Raises:
        DeployError: There is no Node.js, or npm cannot install sharp.
        DeployError: It failed at the work.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _install(folder)
        pixels = folder / "pixels"
        pixels.write_bytes(image.write_to_memory())
        asked = {
            "pixels": str(pixels),
            "width": image.width,
            "height": image.height,
            "channels": image.bands,
            "threads": THREADS,
            "qualities": QUALITIES,
            "efforts": {"webp": encoding.WEBP_EFFORT, "avif": encoding.AVIF_EFFORT},
            "side": THUMBNAIL_SIDE,
        }
        command = ["node", "peer.mjs", json.dumps(asked)]
        with subprocess.Popen(
            command,
            cwd=folder,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise DeployError("node has no standard streams")
            lines: tuple[IO[str], IO[str]] = (process.stdin, process.stdout)
            yield lambda job: _seconds(job, *lines)
            process.stdin.close()


def _seconds(job: str, to: IO[str], answers: IO[str]) -> float:
    """Have sharp do something once; give the CPU time, in seconds."""
    to.write(f"{job}\n")
    to.flush()
    answer = answers.readline()
    if not answer:
        raise DeployError(f"sharp ended at {job}: its error stands above")
    return float(answer) / 1000


def _install(folder: Path) -> None:
    """Install sharp from its lock.

    Raises:
        DeployError: Says why it cannot be.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        raise DeployError(
            "sharp needs Node.js 20.9 or later, with npm: nothing was compared",
            remedy="install Node.js, then ./bootstrap bench images",
        )
    for file in PEER.iterdir():
        shutil.copy(file, folder)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise DeployError(
            f"`npm ci` of sharp failed: {reason}; nothing was compared",
            remedy="./bootstrap bench images",
        )
