"""Make all smaller forms of one image: what runs in the process of the decoder."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from functions.compress_image.encoding import (
    GRAPHIC_BITS_PER_PIXEL,
    THUMBNAIL_QUALITY,
    Encoded,
    best_avif,
    best_webp,
    thumbnail,
)
from functions.compress_image.formats import GIF, PNG
from functions.compress_image.limits import MEGAPIXEL, Aims, Limits
from functions.compress_image.opening import frames, open_image

if TYPE_CHECKING:
    import pyvips

LeftS = Callable[[], float]

AVIF_S_PER_MEGAPIXEL = 0.6
"""Time to leave for the first AVIF, in seconds; 0.16 were measured on x86_64."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A smaller form of an image.

    Attributes:
        format: ``webp`` or ``avif``.
        data: The file.
        width: In pixels.
        height: Of one frame, in pixels.
        thumbnail_side: Longest side that was asked for; ``None`` for the full size.
        quality: As the encoder takes it; 100 for WebP without loss.
        similarity: To the original, 0 to 1; ``None`` for a thumbnail.
    """

    format: str
    data: bytes
    width: int
    height: int
    thumbnail_side: int | None = None
    quality: int
    similarity: float | None = None


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of an image.

    Attributes:
        kind: Format of the original.
        width: In pixels, upright.
        height: Of one frame.
        frames: 1 for a still image.
        forms: Smaller than the original, each of them; empty if nothing was.
        notes: Why a form is missing.
    """

    kind: str
    width: int
    height: int
    frames: int
    forms: list[Form]
    notes: list[str]


def make(data: bytes, limits: Limits, aims: Aims) -> Made:
    """Make the smaller forms of an image.

    Args:
        data: The file; untrusted.
        limits: What it may be.
        aims: What to make.

    Raises:
        RefusedImageError: Nothing can be made of it; says why.
    """
    end = time.monotonic() + limits.seconds

    def left_s() -> float:
        return end - time.monotonic()

    kind, image = open_image(data, limits)
    count = frames(image)
    made = Made(
        kind=kind,
        width=image.width,
        height=image.height // count,
        frames=count,
        forms=[],
        notes=[],
    )
    _add_webp(made, image, data, aims, left_s)
    for side in aims.thumbnail_sides:
        _add_thumbnail(made, image, side, len(data))
    if aims.with_avif:
        _add_avif(made, image, limits, aims, len(data), left_s)
    return made


def _add_webp(
    made: Made, image: "pyvips.Image", data: bytes, aims: Aims, left_s: LeftS
) -> None:
    """Add the WebP, if it is smaller than the original."""
    bits_per_pixel = len(data) * 8 / (image.width * image.height)
    found = best_webp(
        image,
        aims,
        is_graphic=made.kind in {PNG, GIF} and bits_per_pixel < GRAPHIC_BITS_PER_PIXEL,
        left_s=left_s,
    )
    if found is None:
        made.notes.append("webp: nothing in time is similar enough")
    elif len(found.data) >= len(data):
        made.notes.append("webp: not smaller than the original")
    else:
        made.forms.append(_form(made, "webp", found))


def _add_thumbnail(made: Made, image: "pyvips.Image", side: int, size: int) -> None:
    """Add a thumbnail, unless the image is as small already."""
    if max(made.width, made.height) <= side:
        made.notes.append(f"thumbnail {side}: the image is not larger")
        return
    data, width, height = thumbnail(image, side)
    if len(data) >= size:
        made.notes.append(f"thumbnail {side}: not smaller than the original")
        return
    made.forms.append(
        Form(
            format="webp",
            data=data,
            width=width,
            height=height,
            thumbnail_side=side,
            quality=THUMBNAIL_QUALITY,
        )
    )


def _add_avif(
    made: Made,
    image: "pyvips.Image",
    limits: Limits,
    aims: Aims,
    size: int,
    left_s: LeftS,
) -> None:
    """Add the AVIF, if it fits the time and is smaller than all there is."""
    pixels = image.width * image.height
    if made.frames > 1:
        made.notes.append("avif: not made of animations")
    elif pixels > limits.avif_pixels:
        made.notes.append(f"avif: not made above {limits.avif_pixels} pixels")
    elif left_s() < AVIF_S_PER_MEGAPIXEL * pixels / MEGAPIXEL:
        made.notes.append("avif: no time was left")
    else:
        full = [len(form.data) for form in made.forms if form.thumbnail_side is None]
        found = best_avif(image, aims, smaller_than=min([size, *full]), left_s=left_s)
        if found is None:
            made.notes.append("avif: not smaller than the WebP")
        else:
            made.forms.append(_form(made, "avif", found))


def _form(made: Made, format_name: str, found: Encoded) -> Form:
    """Describe a form in full size."""
    return Form(
        format=format_name,
        data=found.data,
        width=made.width,
        height=made.height,
        quality=found.quality,
        similarity=found.similarity,
    )
