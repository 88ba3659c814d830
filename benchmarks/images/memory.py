"""Peak memory of the process that decodes, for an image of 4,000 x 4,000 pixels.

Each in a fresh process, with the libraries and the interpreter in it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.images.pictures import photo
from deploy.bench import Figure
from deploy.errors import DeployError
from deploy.paths import REPOSITORY

SIDE = 4_000
TARGETS_MB = {"webp": 256.0, "avif": 512.0}

PROGRAM = """
import resource, sys
from functions.compress_image.decoder import compress
from functions.compress_image.limits import Aims, Limits
with_avif = sys.argv[2] == "avif"
made = compress(
    open(sys.argv[1], "rb").read(), Limits(seconds=120), Aims(with_avif=with_avif)
)
formats = {form.format for form in made.forms}
assert "webp" in formats, made.notes
# One that is not smaller is not kept, but was made.
tried = "avif" in formats or "avif: not smaller than the WebP" in made.notes
assert tried == with_avif, made.notes
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Makes the forms as the service does, and prints the peak of the decoder's process, in
KiB (getrusage(2), Linux)."""


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of the memory.

    Raises:
        DeployError: A form was not made.
    """
    progress(f"drawing {SIDE} x {SIDE} pixels")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "large.jpg")
        file.write_bytes(photo(SIDE, SIDE, 5).jpegsave_buffer(Q=90))
        for name, target in TARGETS_MB.items():
            yield Figure(
                id=f"images.peak_mb_{name}",
                value=_peak_mb(file, name),
                unit="MB",
                target=target,
            )


def _peak_mb(file: Path, name: str) -> float:
    """Make a form in a fresh process; give the peak of its memory, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file), name],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DeployError(f"the {name} of {SIDE} x {SIDE} was not made: {last}")
    return int(done.stdout) * 1024 / 1e6
