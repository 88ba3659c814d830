"""Files and names of strangers harm nobody; all of them with the mark sweep."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.images.hostile import CRASHED, HUNG, end_of, is_refused
from benchmarks.images.hostile_corpus import NAMES, corpus
from functions.compress_image.formats import kind_of
from functions.compress_image.limits import RefusedImageError

QUICK = (
    "PNG: bomb of 60,000 x 60,000",
    "GIF: 20,000 frames",
    "TIFF: 3,000 bands",
    "AVIF: 60,000 x 60,000",
    "JPEG: profile of 6 MB",
    "WebP with 12 flipped bits",
)


@pytest.fixture(scope="module")
def listener():
    """A port that hostile files want to be fetched from."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def files(listener):
    return corpus(listener.getsockname()[1])


def test_the_corpus_is_large_and_every_file_has_a_name_of_its_own(files):
    assert len(files) >= 60
    assert len({each.name for each in files}) == len(files)


def test_documents_never_reach_a_decoder(files):
    for each in files:
        if not each.may_be_made and not each.name.endswith("start alone"):
            with pytest.raises(RefusedImageError):
                kind_of(each.data)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere_is_refused(name):
    assert is_refused(name)


def test_some_of_each_format_end_as_refusals_or_as_new_images(files):
    some = [each for each in files if each.name in QUICK]
    with ThreadPoolExecutor(2) as pool:
        ends = dict(zip((f.name for f in some), pool.map(end_of, some), strict=True))

    assert ends == {
        "PNG: bomb of 60,000 x 60,000": "too-long",
        "GIF: 20,000 frames": "too-many-frames",
        "TIFF: 3,000 bands": "too-many-bands",
        "AVIF: 60,000 x 60,000": "too-long",
        "JPEG: profile of 6 MB": "made",
        "WebP with 12 flipped bits": "damaged",
    }


@pytest.mark.sweep
def test_no_file_crashes_hangs_or_has_anything_fetched(files, listener):
    with ThreadPoolExecutor(2) as pool:
        ends = dict(zip((f.name for f in files), pool.map(end_of, files), strict=True))

    bad = {CRASHED, HUNG}
    assert {n: e for n, e in ends.items() if e in bad or e.startswith("error")} == {}
    with pytest.raises(BlockingIOError):
        listener.accept()
