"""Make all smaller forms of one image: what runs in the process of the decoder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
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
    work = _Work(
        image=image,
        size=len(data),
        left_s=left_s,
        made=Made(
            kind=kind,
            width=image.width,
            height=image.height // count,
            frames=count,
            forms=[],
            notes=[],
        ),
    )
    _add_webp(work, aims)
    for side in aims.thumbnail_sides:
        _add_thumbnail(work, side)
    if aims.with_avif:
        _add_avif(work, limits, aims)
    return work.made


@dataclass(frozen=True, kw_only=True)
class _Work:
    """An opened image, and what was made of it so far.

    Attributes:
        image: All of its frames.
        size: Of the original, in bytes.
        left_s: Gives the time that is left, in seconds.
        made: What was made.
    """

    image: "pyvips.Image"
    size: int
    left_s: Callable[[], float]
    made: Made

    @property
    def pixels(self) -> int:
        """Pixels of all frames."""
        return int(self.image.width * self.image.height)


def _add_webp(work: _Work, aims: Aims) -> None:
    """Add the WebP, if it is smaller than the original."""
    made = work.made
    is_small = work.size * 8 / work.pixels < GRAPHIC_BITS_PER_PIXEL
    found = best_webp(
        work.image,
        aims,
        is_graphic=made.kind in {PNG, GIF} and is_small,
        left_s=work.left_s,
    )
    if found is None:
        made.notes.append("webp: nothing in time is similar enough")
    elif len(found.data) >= work.size:
        made.notes.append("webp: not smaller than the original")
    else:
        made.forms.append(_form(made, "webp", found))


def _add_thumbnail(work: _Work, side: int) -> None:
    """Add a thumbnail, unless the image is as small already."""
    made = work.made
    if max(made.width, made.height) <= side:
        made.notes.append(f"thumbnail {side}: the image is not larger")
        return
    data, width, height = thumbnail(work.image, side)
    if len(data) >= work.size:
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


def _add_avif(work: _Work, limits: Limits, aims: Aims) -> None:
    """Add the AVIF, if it fits the time and is smaller than all there is."""
    made = work.made
    if made.frames > 1:
        made.notes.append("avif: not made of animations")
    elif work.pixels > limits.avif_pixels:
        made.notes.append(f"avif: not made above {limits.avif_pixels} pixels")
    elif work.left_s() < AVIF_S_PER_MEGAPIXEL * work.pixels / MEGAPIXEL:
        made.notes.append("avif: no time was left")
    else:
        full = [len(form.data) for form in made.forms if form.thumbnail_side is None]
        smallest = min([work.size, *full])
        found = best_avif(work.image, aims, smaller_than=smallest, left_s=work.left_s)
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
