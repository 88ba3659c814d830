"""The process that decodes: ``python -m functions.compress_image.worker``.

A file of a stranger is decoded here and nowhere else, with no secret in the environment
and with limits of the kernel: a bomb or a fault of a decoder ends this process, and the
service says so. Reads a `Job` from stdin and writes an `Outcome` to stdout.
"""

import resource
import sys

import msgspec

from functions.compress_image.limits import Aims, Limits, RefusedImageError
from functions.compress_image.making import Made, make
from functions.compress_image.opening import OUT_OF_MEMORY, prepare

CPU_SLACK_S = 10
FILES_MAX = 64


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to do."""

    data: bytes
    limits: Limits
    aims: Aims


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing was made; see `RefusedImageError`."""

    code: str
    reason: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: one of the two is there."""

    made: Made | None = None
    refusal: Refusal | None = None


def confine(limits: Limits) -> None:
    """Have the kernel end what the checks did not foresee."""
    # Threads add up: two of them each use a core.
    seconds = int(limits.seconds * 4) + CPU_SLACK_S
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, FILES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def run(job: Job) -> Outcome:
    """Do a job; a refusal is an outcome and no error."""
    try:
        return Outcome(made=make(job.data, job.limits, job.aims))
    except RefusedImageError as error:
        return Outcome(refusal=Refusal(code=error.code, reason=error.reason))
    except Exception as error:
        # libvips says so by an error of its own.
        is_full = isinstance(error, MemoryError) or OUT_OF_MEMORY in str(error)
        if not is_full:
            raise
        reason = f"it takes more than {job.limits.memory_bytes} bytes of memory"
        return Outcome(refusal=Refusal(code="too-much-memory", reason=reason))


def main() -> None:
    """Do the one job of this process."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    prepare()
    confine(job.limits)
    sys.stdout.buffer.write(msgspec.msgpack.encode(run(job)))


if __name__ == "__main__":
    main()
