"""Open an image: limits first, then upright, in sRGB with 8 bits, without metadata."""

import re
from typing import TYPE_CHECKING, Any

from functions.compress_image.formats import GIF, LOADERS, TIFF, WEBP, kind_of
from functions.compress_image.limits import Limits, RefusedImageError

if TYPE_CHECKING:
    import pyvips

OUT_OF_MEMORY = "out of memory"
"""What libvips says where it cannot allocate (libvips/iofuncs/memory.c)."""

KEPT_EXIF = ("exif-ifd0-Copyright", "exif-ifd0-Artist")
"""Who made an image stays with it; where and with what it was made does not."""

_PNG_TEXTS = {"Copyright": KEPT_EXIF[0], "Author": KEPT_EXIF[1]}
_OWNER_CHARACTERS_MAX = 500
# libvips shows EXIF as "<value> (<value>, ASCII, <n> components, <n> bytes)".
_EXIF_SHOWN = re.compile(r"(.*?) *\(\1 *, \w+, \d+ components, \d+ bytes\)$", re.DOTALL)
_DROPPED = (
    "exif-",
    "xmp-",
    "iptc-",
    "icc-",
    "png-comment-",
    "gif-comment",
    "photoshop",
)
_COLOURED = {"rgb16", "grey16", "scrgb", "lab", "labs", "labq", "xyz", "hsv", "lch"}


def prepare() -> None:
    """Set libvips up for files of strangers; once a process."""
    import pyvips

    pyvips.cache_set_max(0)
    # The loaders that libvips itself marks as not fit for hostile files.
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in LOADERS.values():
        pyvips.operation_block_set(_class_name(loader), False)


def _class_name(loader: str) -> str:
    """Give the class of a loader and of its forms, e.g. ``VipsForeignLoadPng``.

    >>> _class_name("pngload")
    'VipsForeignLoadPng'
    """
    names = {"gifload": "Nsgif"}
    part = names.get(loader, loader.removesuffix("load").capitalize())
    return f"VipsForeignLoad{part}"


def open_image(data: bytes, limits: Limits) -> tuple[str, "pyvips.Image"]:
    """Decode an image.

    Args:
        data: The file.
        limits: Checked from its header; nothing larger is decoded.

    Returns:
        Its format and its pixels in memory: sRGB or grey, perhaps with alpha, all
        frames of an animation one below the other.

    Raises:
        RefusedImageError: It is too large, damaged, or no image; says which.
    """
    import pyvips

    if len(data) > limits.source_bytes:
        raise RefusedImageError(
            "too-many-bytes",
            f"{len(data)} bytes, at most {limits.source_bytes} are taken",
        )
    kind = kind_of(data)
    try:
        image = _load(kind, data)
        if kind == TIFF and _number(image, "n-pages") > 1:
            raise RefusedImageError("several-pages", "only one page would be left")
        check(image, limits)
        return kind, _plain(image).copy_memory()
    except pyvips.Error as error:
        if OUT_OF_MEMORY in str(error):
            raise MemoryError from error
        raise RefusedImageError(
            "damaged", f"the {kind.upper()} cannot be decoded"
        ) from error


def _load(kind: str, data: bytes) -> "pyvips.Image":
    """Read the header, by the loader of the format and no other."""
    import pyvips

    options: dict[str, Any] = {"access": "sequential", "fail_on": "error"}
    if kind in (GIF, WEBP):
        options["n"] = -1
    image = getattr(pyvips.Image, f"{LOADERS[kind]}_buffer")(data, **options)
    if not isinstance(image, pyvips.Image):
        raise TypeError(f"{LOADERS[kind]} gave {type(image).__name__}")
    return image


def frames(image: "pyvips.Image") -> int:
    """Give the number of frames that lie one below the other."""
    height = _number(image, "page-height")
    return image.height // height if 0 < height < image.height else 1


def _number(image: "pyvips.Image", name: str) -> int:
    """Give a number of the header; 0 if it is not there."""
    return int(image.get(name)) if image.get_typeof(name) else 0


def check(image: "pyvips.Image", limits: Limits) -> None:
    """Refuse what is too large to be decoded.

    Raises:
        RefusedImageError: Says which limit, and by how much.
    """
    count = frames(image)
    wide, high = image.width, image.height // count
    if image.bands > limits.bands:
        raise RefusedImageError(
            "too-many-bands", f"{image.bands} bands, at most {limits.bands} are taken"
        )
    if count > limits.frames:
        raise RefusedImageError(
            "too-many-frames", f"{count} frames, at most {limits.frames} are taken"
        )
    if max(wide, high) > limits.side:
        raise RefusedImageError(
            "too-long",
            f"{wide} x {high} pixels, a side may have {limits.side}",
        )
    if image.width * image.height > limits.pixels:
        raise RefusedImageError(
            "too-many-pixels",
            f"{count} x {wide} x {high} pixels, at most {limits.pixels} are taken",
        )


def _plain(image: "pyvips.Image") -> "pyvips.Image":
    """Turn an image upright, into sRGB with 8 bits, and take its metadata off."""
    if frames(image) == 1:
        image = image.autorot()
    return _stripped(_in_srgb(image))


def _in_srgb(image: "pyvips.Image") -> "pyvips.Image":
    """Convert the colours.

    What browsers show of an image without a profile is sRGB, and a profile in each
    thumbnail would outweigh what wider colours give.
    """
    import pyvips

    if image.interpretation == "cmyk" or image.get_typeof("icc-profile-data"):
        by = {"input_profile": "cmyk"} if image.interpretation == "cmyk" else {}
        try:
            converted = image.icc_transform(
                "srgb", embedded=True, intent="perceptual", **by
            )
            image = converted.copy_memory()
        except pyvips.Error:
            # A broken profile: its colours are taken for those of its kind.
            image = image.colourspace("srgb")
    elif image.interpretation in _COLOURED:
        image = image.colourspace("srgb" if image.bands > 2 else "b-w")
    if image.bands > 4:
        image = image.extract_band(0, n=3)
    return image if image.format == "uchar" else image.cast("uchar")


def _stripped(image: "pyvips.Image") -> "pyvips.Image":
    """Take all metadata off but the names of copyright owner and artist."""
    owners = _owners(image)
    image = image.copy()
    for name in image.get_fields():
        if name.startswith(_DROPPED) or name == "orientation":
            image.remove(name)
    for name, owner in owners.items():
        image.set_type(_string_type(), name, owner)
    return image


def _string_type() -> int:
    """Give GLib's type of a string."""
    import pyvips

    return int(pyvips.GValue.gstr_type)


def _owners(image: "pyvips.Image") -> dict[str, str]:
    """Read who made an image: from EXIF, or from the texts of a PNG."""
    found = {}
    for name in image.get_fields():
        text = name.split("-", 3)[-1] if name.startswith("png-comment-") else ""
        kept = name if name in KEPT_EXIF else _PNG_TEXTS.get(text, "")
        if kept and kept not in found:
            value = str(image.get(name))
            if name == kept and (shown := _EXIF_SHOWN.match(value)):
                value = shown[1]
            found[kept] = value.strip()[:_OWNER_CHARACTERS_MAX]
    return {name: value for name, value in found.items() if value}


def owners_kept(image: "pyvips.Image") -> bool:
    """Tell whether an opened image names its owner."""
    return any(image.get_typeof(name) for name in KEPT_EXIF)
