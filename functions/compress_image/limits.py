"""What an image may be, and what its smaller forms should be."""

import msgspec

MEGAPIXEL = 1_000_000
MIB = 1024**2


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds that are checked from an image's header, before it is decoded.

    Attributes:
        source_bytes: Largest file, in bytes; what a Supabase project takes by default.
        pixels: Most pixels of all frames together: 48 megapixels are the largest
            picture of a phone. Decoded they are 200 MB.
        side: Longest side, in pixels; WebP has 14 bits for it (RFC 9649, section 2.6).
        bands: Most bands: four colours of print, alpha and one more.
        frames: Most frames of an animation.
        avif_pixels: Above it no AVIF is made: 4,000 x 4,000 take 2.5 s and 374 MB at
            effort 2 (measured), more does not fit the time of an invocation.
        seconds: Time for all of it, in seconds.
        memory_bytes: Address space of the process that decodes, in bytes.
    """

    source_bytes: int = 50 * MIB
    pixels: int = 50 * MEGAPIXEL
    side: int = 16_383
    bands: int = 6
    frames: int = 300
    avif_pixels: int = 17 * MEGAPIXEL
    seconds: float = 40.0
    memory_bytes: int = 1_400 * MIB


class Aims(msgspec.Struct, frozen=True, kw_only=True):
    """What is made of an image.

    Attributes:
        bytes_per_megapixel: Budget of the WebP, in bytes: quality is given up for it
            down to the floor, and no further.
        bytes_min: Smallest budget, in bytes: there is nothing to win below it.
        similarity_min: Floor of the quality: structural similarity of the luma, 0 to
            1. Above 0.95 hardly anybody sees a difference.
        thumbnail_sides: Longest sides of the thumbnails, in pixels.
        with_avif: Whether an AVIF is made too.
    """

    bytes_per_megapixel: int = 200_000
    bytes_min: int = 40_000
    similarity_min: float = 0.95
    thumbnail_sides: tuple[int, ...] = (320,)
    with_avif: bool = True

    def budget(self, pixels: int) -> int:
        """Give the budget of an image, in bytes.

        >>> Aims().budget(2_000_000)
        400000
        """
        return max(self.bytes_per_megapixel * pixels // MEGAPIXEL, self.bytes_min)


class RefusedImageError(Exception):
    """An image is left as it is, for a reason of its own; another try changes nothing.

    Attributes:
        code: Stable name of the reason, e.g. ``too-many-pixels``.
        reason: The reason, for a person; never a part of the file.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
