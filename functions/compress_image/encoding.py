"""Encode within a budget of bytes and above a floor of quality; never larger."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from functions.compress_image.limits import Aims
from functions.compress_image.opening import frames, owners_kept
from functions.compress_image.similarity import similarity

if TYPE_CHECKING:
    import pyvips

WEBP_EFFORT = 4
WEBP_EFFORT_LARGE = 2
LARGE_PIXELS = 16_000_000
"""Above it WebP is made with less effort: 4 takes 2.3 times as long and saves 7 %
(measured on a photo of 16 megapixels), and 49 megapixels are to be done in time on one
slow core as well."""

AVIF_EFFORT = 2
"""From 3 on AVIF takes several times as long (4,000 x 4,000: 15 s at 4, measured)."""

THUMBNAIL_QUALITY = 75

GRAPHIC_BITS_PER_PIXEL = 3.0
"""A PNG or GIF with fewer is a chart or a screenshot: such are often smaller without
any loss. Photos have 10 and more."""


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """An encoder, its decoder, and the qualities that are tried.

    Attributes:
        encode: Called with an image and a quality.
        decode: Gives all frames of what was encoded.
        qualities: Worst first.
        first: Index of the one that is tried first: most images are within both bounds
            there.
    """

    encode: Callable[["pyvips.Image", int], bytes]
    decode: Callable[[bytes], "pyvips.Image"]
    qualities: tuple[int, ...]
    first: int


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """A form of an image.

    Attributes:
        data: The file.
        quality: As its encoder takes it; 100 for one without loss.
        similarity: To the image itself, 0 to 1; see `similarity.similarity`.
    """

    data: bytes
    quality: int
    similarity: float


def webp(image: "pyvips.Image", quality: int) -> bytes:
    """Encode as WebP; 100 is without loss."""
    data: bytes = image.webpsave_buffer(
        Q=min(quality, 99),
        lossless=quality == 100,
        effort=WEBP_EFFORT_LARGE
        if image.width * image.height > LARGE_PIXELS
        else WEBP_EFFORT,
        keep="exif" if owners_kept(image) else "none",
    )
    return data


def avif(image: "pyvips.Image", quality: int) -> bytes:
    """Encode as AVIF."""
    data: bytes = image.heifsave_buffer(
        Q=quality,
        compression="av1",
        effort=AVIF_EFFORT,
        keep="exif" if owners_kept(image) else "none",
    )
    return data


def thumbnail(image: "pyvips.Image", side: int) -> tuple[bytes, int, int]:
    """Make a small form of the first frame; give its width and height as well."""
    if frames(image) > 1:
        image = image.crop(0, 0, image.width, image.height // frames(image)).copy()
        for name in ("page-height", "n-pages", "delay", "loop"):
            image.remove(name)
    small = image.thumbnail_image(side, height=side, size="down", no_rotate=True)
    return webp(small, THUMBNAIL_QUALITY), small.width, small.height


def best_webp(
    image: "pyvips.Image", aims: Aims, *, is_graphic: bool, left_s: Callable[[], float]
) -> Encoded | None:
    """Encode as WebP, as well as the budget allows and no worse than the floor.

    Args:
        image: As `opening.open_image` gives it.
        aims: Budget and floor.
        is_graphic: Whether to try it without loss as well.
        left_s: Time that is left for it, in seconds.

    Returns:
        ``None`` if nothing that was tried in time is similar enough.
    """
    budget = aims.budget(image.width * image.height)
    before_s = left_s()
    found = search(image, WEBP, budget, aims.similarity_min, left_s)
    took_s = before_s - left_s()
    # Without loss it takes several times the memory.
    is_large = image.width * image.height > LARGE_PIXELS
    if is_graphic and not is_large and left_s() > took_s:
        exact = webp(image, 100)
        if found is None or len(exact) <= len(found.data):
            return Encoded(data=exact, quality=100, similarity=1.0)
    return found


def best_avif(
    image: "pyvips.Image", aims: Aims, *, smaller_than: int, left_s: Callable[[], float]
) -> Encoded | None:
    """Encode as AVIF, if that is smaller than what there is.

    Args:
        image: As `opening.open_image` gives it.
        aims: The floor.
        smaller_than: Size of the best form so far, in bytes; the budget as well.
        left_s: Time that is left for it, in seconds.
    """
    found = search(image, AVIF, smaller_than - 1, aims.similarity_min, left_s)
    return found if found and len(found.data) < smaller_than else None


def search(
    image: "pyvips.Image",
    codec: Codec,
    budget: int,
    floor: float,
    left_s: Callable[[], float],
) -> Encoded | None:
    """Find a quality: down while it is over the budget, up while it is below the floor.

    The floor wins: what is still over the budget at the lowest quality above it stays
    so. A further try begins only in time for it.
    """
    best: Encoded | None = None
    at, step = codec.first, 0
    while 0 <= at < len(codec.qualities):
        began = time.monotonic()
        quality = codec.qualities[at]
        data = codec.encode(image, quality)
        alike = similarity(image, codec.decode(data))
        took = time.monotonic() - began
        is_good = alike >= floor
        if is_good:
            best = Encoded(data=data, quality=quality, similarity=alike)
        wanted = 1 if not is_good else -1 if len(data) > budget else 0
        # Turning round would only meet what was tried before.
        if wanted == 0 or (step and wanted != step) or left_s() < 2 * took:
            break
        at, step = at + wanted, wanted
    return best


def _decode_webp(data: bytes) -> "pyvips.Image":
    """Decode what was just encoded, with all of its frames."""
    import pyvips

    return pyvips.Image.webpload_buffer(data, n=-1, access="sequential")


def _decode_avif(data: bytes) -> "pyvips.Image":
    """Decode what was just encoded."""
    import pyvips

    return pyvips.Image.heifload_buffer(data, access="sequential")


WEBP = Codec(
    encode=webp,
    decode=_decode_webp,
    qualities=(40, 50, 60, 70, 80, 86, 92, 97),
    first=4,
)
AVIF = Codec(
    encode=avif, decode=_decode_avif, qualities=(30, 38, 46, 55, 65, 75, 85), first=2
)
