"""Files and names that are meant to do harm: what they do to the service.

Each file goes the way of any image, through the process that decodes. A crash is an
end of that process by a signal, or an error that is no refusal; a hang is one that had
to be killed. Somebody listens where some of the files want to fetch: nobody may come.
"""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from benchmarks.images.hostile_corpus import NAMES, Hostile, corpus
from deploy.bench import Figure
from deploy.errors import DeployError
from functions.compress_image.addresses import of_object
from functions.compress_image.decoder import compress
from functions.compress_image.limits import Aims, Limits, RefusedImageError

FILES_MIN = 60
AT_A_TIME = 2
CRASHED, HUNG = "decoder-ended", "too-slow"


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of hostile files.

    Raises:
        DeployError: A document was taken for an image, or fetched something.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        files = corpus(listener.getsockname()[1])
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            ends = dict(
                zip((f.name for f in files), pool.map(end_of, files), strict=True)
            )
        if _came(listener):
            raise DeployError("a hostile file had an address fetched")
    refused = sum(end != "made" for end in ends.values())
    progress(f"{len(files)} files: {refused} refused, {len(files) - refused} made anew")
    for name, end in ends.items():
        if end in {CRASHED, HUNG} or end.startswith("error"):
            progress(f"{name}: {end}")
    taken = [f.name for f in files if ends[f.name] == "made" and not f.may_be_made]
    if taken:
        raise DeployError(f"taken for images: {', '.join(taken)}")
    yield Figure(
        id="images.hostile",
        value=len(files) + sum(is_refused(name) for name in NAMES),
        unit="inputs",
        target=FILES_MIN,
        at_least=True,
    )
    crashes = sum(end == CRASHED or end.startswith("error") for end in ends.values())
    yield Figure(id="images.hostile_crashes", value=crashes, unit="", target=0)
    hangs = sum(end == HUNG for end in ends.values())
    yield Figure(id="images.hostile_hangs", value=hangs, unit="", target=0)


def end_of(hostile: Hostile) -> str:
    """Say how a file ended: ``made``, the code of its refusal, or an error's type."""
    try:
        compress(hostile.data, Limits(), Aims())
    except RefusedImageError as error:
        return error.code
    except Exception as error:  # what it must not do is counted
        return f"error {type(error).__name__}"
    return "made"


def is_refused(name: str) -> bool:
    """Tell whether the name of an object is refused."""
    try:
        of_object("generated-images", name)
    except RefusedImageError:
        return True
    return False


def _came(listener: socket.socket) -> bool:
    """Tell whether somebody connected."""
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True
