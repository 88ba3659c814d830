"""Tell formats by the first bytes of a file. Its name and its type are claims.

Only what is known here is ever given to a decoder, and to that one decoder: SVG, PDF
and whatever else libvips can read by guessing never reach it.
"""

import struct

from functions.compress_image.limits import RefusedImageError

JPEG = "jpeg"
PNG = "png"
GIF = "gif"
WEBP = "webp"
AVIF = "avif"
TIFF = "tiff"

LOADERS = {
    JPEG: "jpegload",
    PNG: "pngload",
    GIF: "gifload",
    WEBP: "webpload",
    AVIF: "heifload",
    TIFF: "tiffload",
}

_PNG_START = b"\x89PNG\r\n\x1a\n"
_TEXT_PEEK = 512
_CHUNKS_MAX = 1_000


def kind_of(data: bytes) -> str:
    """Name the format of a file.

    Raises:
        RefusedImageError: It is none that is made smaller; says why.
    """
    if not data:
        raise RefusedImageError("empty", "the file has no bytes")
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(_PNG_START):
        _refuse_animated_png(data)
        return PNG
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp":
        return _brand(data)
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return TIFF
    raise _unknown(data)


def _brand(data: bytes) -> str:
    """Tell AVIF from what shares its container."""
    size = struct.unpack(">I", data[:4])[0]
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, min(size, 128), 4))}
    if b"avis" in brands:
        raise RefusedImageError("animated", "an animated AVIF is left as it is")
    if b"avif" in brands:
        return AVIF
    raise RefusedImageError(
        "unsupported", "HEIC and films are left as they are: HEVC is not decoded here"
    )


def _refuse_animated_png(data: bytes) -> None:
    """Refuse a PNG with frames: only the first would be left of it."""
    at = len(_PNG_START)
    for _ in range(_CHUNKS_MAX):
        header = data[at : at + 8]
        if len(header) < 8 or header[4:] == b"IDAT":
            return
        if header[4:] == b"acTL":
            raise RefusedImageError("animated", "an animated PNG is left as it is")
        at += 12 + struct.unpack(">I", header[:4])[0]


def _unknown(data: bytes) -> RefusedImageError:
    """Say what a file is, as far as it is worth a name."""
    start = data[:_TEXT_PEEK].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml", b"<!doctype", b"<!--")):
        return RefusedImageError(
            "unsupported", "SVG and other documents are left as they are: no pixels"
        )
    if data[:2] == b"BM" or data[:4] == b"\0\0\1\0":
        return RefusedImageError("unsupported", "BMP and ICO are left as they are")
    return RefusedImageError(
        "not-an-image", "it is no JPEG, PNG, GIF, WebP, AVIF or TIFF"
    )
