"""How many bytes an app saves, and how like the originals what is left is.

The similarity is that of all pixels, not of the tiles that the service looks at.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from benchmarks.images.pictures import corpus
from deploy.bench import Figure
from functions.compress_image.decoder import compress
from functions.compress_image.limits import Aims, Limits
from functions.compress_image.opening import open_image
from functions.compress_image.similarity import luma, whole

if TYPE_CHECKING:
    from functions.compress_image.making import Form, Made

SAVED_MIN = 50.0
SIMILARITY_MIN = 0.95


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of the savings."""
    before: dict[str, int] = defaultdict(int)
    after: dict[str, int] = defaultdict(int)
    with_avif, alike = 0, 1.0
    for picture in corpus():
        made = compress(picture.data, Limits(), Aims())
        size = len(picture.data)
        full = _full(made)
        served = len(full["webp"].data) if "webp" in full else size
        before[picture.kind] += size
        after[picture.kind] += served
        with_avif += min([served, *(len(form.data) for form in full.values())])
        likeness = [_likeness(picture.data, form) for form in full.values()]
        alike = min([alike, *likeness])
        progress(
            f"{picture.name}: {size} to {served} bytes, {min(likeness, default=1):.4f}"
        )
    for kind, size in before.items():
        progress(f"{kind}: {100 - 100 * after[kind] / size:.0f} % fewer bytes")
    total = sum(before.values())
    yield Figure(
        id="images.bytes_saved",
        value=100 - 100 * sum(after.values()) / total,
        unit="%",
        target=SAVED_MIN,
        at_least=True,
    )
    yield Figure(
        id="images.bytes_saved_with_avif",
        value=100 - 100 * with_avif / total,
        unit="%",
        target=None,
    )
    yield Figure(
        id="images.similarity_min",
        value=alike,
        unit="SSIM",
        target=SIMILARITY_MIN,
        at_least=True,
    )


def _full(made: "Made") -> "dict[str, Form]":
    """Give the forms in full size, by format."""
    return {form.format: form for form in made.forms if form.thumbnail_side is None}


def _likeness(data: bytes, form: "Form") -> float:
    """Compare a form with its original, all of it."""
    _, original = open_image(data, Limits())
    _, smaller = open_image(form.data, Limits())
    return whole(luma(original), luma(smaller))
