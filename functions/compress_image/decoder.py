"""Have an image made smaller in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from functions.compress_image.limits import Aims, Limits, RefusedImageError

if TYPE_CHECKING:
    from functions.compress_image.making import Made

ROOT = Path(__file__).parents[2]
"""Has ``functions/``: the repository, or ``/var/task``."""

STARTING_S = 10.0
"""Time for the process to start, beside that for the image, in seconds."""

THREADS = 1
"""Of libvips; more take more memory, and Lambda gives one core at 1,769 MB."""


class DecoderError(Exception):
    """The process did not run; the image is not at fault and another try may help.

    Attributes:
        reason: Its exit code.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def compress(data: bytes, limits: Limits, aims: Aims) -> "Made":
    """Make the smaller forms of an image.

    Args:
        data: The file; untrusted.
        limits: What it may be.
        aims: What to make.

    Raises:
        RefusedImageError: Nothing can be made of it; says why.
        DecoderError: The process itself failed.
    """
    from functions.compress_image.formats import kind_of
    from functions.compress_image.worker import Job, Outcome

    # What is no image costs no process.
    kind = kind_of(data)
    job = msgspec.msgpack.encode(Job(data=data, limits=limits, aims=aims))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "functions.compress_image.worker"],
            input=job,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=_environment(),
            timeout=limits.seconds + STARTING_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RefusedImageError(
            "too-slow", f"the {kind.upper()} took longer than {limits.seconds:.0f} s"
        ) from error
    if done.returncode < 0:
        raise RefusedImageError(
            "decoder-ended",
            f"the {kind.upper()} ended its decoder with signal {-done.returncode}",
        )
    if done.returncode:
        raise DecoderError(f"exit code {done.returncode}")
    outcome = msgspec.msgpack.decode(done.stdout, type=Outcome)
    if outcome.refusal:
        raise RefusedImageError(outcome.refusal.code, outcome.refusal.reason)
    if outcome.made is None:
        raise DecoderError("no outcome")
    return outcome.made


def _environment() -> dict[str, str]:
    """Give the environment of the process: nothing of the service's own."""
    return {
        "PYTHONPATH": os.pathsep.join(
            dict.fromkeys([str(ROOT), *filter(None, sys.path)])
        ),
        "PATH": os.defpath,
        "VIPS_CONCURRENCY": str(THREADS),
        # The process may write no file: what is large stays in memory, or ends it.
        "VIPS_DISC_THRESHOLD": "4g",
        # Each thread would otherwise reserve 64 MiB and more of address space.
        "MALLOC_ARENA_MAX": "2",
        # Large buffers go back at once, so that they do not add up to the peak.
        "MALLOC_MMAP_THRESHOLD_": "1000000",
        "MALLOC_TRIM_THRESHOLD_": "1000000",
        "LANG": "C.UTF-8",
    }
