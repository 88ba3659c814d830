"""Files that are meant to do harm, made by code: bombs, lies, fragments, documents.

None is larger than 12 MB. What each would do if it were believed stands in its name.
"""

import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SHARES = (0.1, 0.5, 0.9)
FLIPS = 12
GARBAGE_BYTES = 20_000


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """A file of a stranger.

    Attributes:
        name: What it tries.
        data: The file.
        may_be_made: Whether a decoder may find an image in it all the same: what is
            written then is new, and nothing of the file but its pixels.
    """

    name: str
    data: bytes
    may_be_made: bool = False


def corpus(listener_port: int) -> list[Hostile]:
    """Make all files.

    Args:
        listener_port: Where on the loopback somebody listens: some files ask whoever
            reads them to fetch an address there.
    """
    return [
        *_fragments(),
        *_images("PNG", _png()),
        *_images("GIF", _gif()),
        *_images("JPEG", _jpeg()),
        *_images("WebP", _webp()),
        *_images("TIFF", _tiff()),
        *_images("AVIF", _avif()),
        *_documents(listener_port),
        *_others(),
        *_images("polyglot", _polyglots()),
    ]


def _images(kind: str, files: dict[str, bytes]) -> Iterator[Hostile]:
    for name, data in files.items():
        yield Hostile(name=f"{kind}: {name}", data=data, may_be_made=True)


def samples() -> dict[str, bytes]:
    """Make a good image of each format, 96 x 64 pixels."""
    import pyvips

    noise = pyvips.Image.perlin(96, 64, cell_size=16, seed=5)
    band = ((noise + 1) * 127).cast("uchar")
    image = band.bandjoin([band.rot180(), band.fliphor()])
    image = image.copy(interpretation="srgb")
    frames = pyvips.Image.arrayjoin([image, image.invert()], across=1).copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 64)
    return {
        "JPEG": image.jpegsave_buffer(Q=90),
        "PNG": image.pngsave_buffer(),
        "GIF": frames.gifsave_buffer(),
        "WebP": frames.webpsave_buffer(),
        "AVIF": image.heifsave_buffer(compression="av1"),
        "TIFF": image.tiffsave_buffer(compression="deflate"),
    }


def _fragments() -> Iterator[Hostile]:
    """Break good files off, flip bits in them, put noise behind their first bytes."""
    chance = random.Random(7)
    for kind, data in samples().items():
        for share in SHARES:
            name = f"{kind} broken off at {share:.0%}"
            part = data[: int(len(data) * share)]
            yield Hostile(name=name, data=part, may_be_made=True)
        flipped = bytearray(data)
        for _ in range(FLIPS):
            flipped[chance.randrange(12, len(data))] ^= 1 << chance.randrange(8)
        name = f"{kind} with {FLIPS} flipped bits"
        yield Hostile(name=name, data=bytes(flipped), may_be_made=True)
        noise = data[:32] + chance.randbytes(GARBAGE_BYTES)
        yield Hostile(name=f"{kind} start and noise", data=noise, may_be_made=True)
        yield Hostile(name=f"{kind} start alone", data=data[:12])


def chunk(kind: bytes, data: bytes) -> bytes:
    """Write a chunk of a PNG."""
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def png(
    wide: int,
    high: int,
    *,
    bits: int = 8,
    colour: int = 0,
    extra: bytes = b"",
    pixels: bytes | None = None,
) -> bytes:
    """Write a PNG whose header says what it likes."""
    if pixels is None:
        pixels = zlib.compress(bytes(65 * 64))
    header = struct.pack(">IIBBBBB", wide, high, bits, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), extra, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _zeros(megabytes: int) -> bytes:
    """Write what zlib makes of so many megabytes of zeros, without compressing them.

    >>> zlib.decompress(_zeros(3)) == bytes(3 * 2**20)
    True
    """
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    # After a full flush nothing refers to what came before: it may be repeated.
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.flush()
    checksum = (megabytes * 2**20 % 65_521) << 16 | 1  # Adler-32 of zeros
    return b"\x78\xda" + block * megabytes + end + struct.pack(">I", checksum)


def _png() -> dict[str, bytes]:
    """Lie in the header of a PNG, and hide bombs in its chunks."""
    text = chunk(b"zTXt", b"Copyright\0\0" + _zeros(200))
    profile = chunk(b"iCCP", b"icc\0\0" + _zeros(200))
    noise = chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"x" * 4_000))
    exif = chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")
    return {
        "bomb of 60,000 x 60,000": png(60_000, 60_000, bits=1, pixels=_zeros(100)),
        "2^31-1 x 2^31-1": png(2**31 - 1, 2**31 - 1),
        "1 x 100,000": png(1, 100_000, pixels=zlib.compress(bytes(200_000))),
        "100,000 x 1": png(100_000, 1, pixels=zlib.compress(bytes(100_001))),
        "0 x 0": png(0, 0),
        "0 x 100": png(0, 100),
        "more pixels than it says": png(64, 64, pixels=_zeros(300)),
        "fewer pixels than it says": png(5_000, 5_000),
        "49 megapixels of nothing": png(7_000, 7_000, pixels=_zeros(47)),
        "text of 200 MB": png(64, 64, extra=text),
        "profile of 200 MB": png(64, 64, extra=profile),
        "70,000 chunks": png(64, 64, extra=chunk(b"tEXt", b"Author\0x") * 70_000),
        "chunk of 2^31-1 bytes": png(64, 64)[:33] + b"\x7f\xff\xff\xfftEXt",
        "colour type 9": png(64, 64, colour=9),
        "animated": png(64, 64, extra=chunk(b"acTL", b"\0\0\0\2\0\0\0\0")),
        "broken EXIF": png(64, 64, extra=exif),
        "noise for a profile": png(64, 64, extra=noise),
    }


def gif(wide: int, high: int, frames: bytes) -> bytes:
    """Write a GIF whose header says what it likes."""
    screen = struct.pack("<HHBBB", wide, high, 0x80, 0, 0)
    return b"GIF89a" + screen + b"\0\0\0\xff\xff\xff" + frames + b";"


def _frame(wide: int, high: int, data: bytes = b"\x02\x02\x44\x01\0") -> bytes:
    return b"," + struct.pack("<HHHHB", 0, 0, wide, high, 0) + data


def _gif() -> dict[str, bytes]:
    """Lie in the header of a GIF, and in its frames."""
    endless = b"\x02" + b"\xff" + b"\x44" * 255
    comments = b"!\xfe" + (b"\xff" + b"c" * 255) * 8_000
    return {
        "65,535 x 65,535": gif(65_535, 65_535, _frame(1, 1)),
        "20,000 frames": gif(64, 64, _frame(8, 8) * 20_000),
        "299 frames of 16,000 x 16,000": gif(16_000, 16_000, _frame(9, 9) * 299),
        "frame outside of its screen": gif(8, 8, _frame(60_000, 60_000)),
        "no frame": gif(64, 64, b""),
        "0 x 0": gif(0, 0, _frame(0, 0)),
        "codes without an end": gif(64, 64, _frame(64, 64, endless)),
        "code size 255": gif(64, 64, _frame(8, 8, b"\xff\x01\0\0")),
        "comments without an end": gif(64, 64, comments),
    }


def _patched(data: bytes, mark: bytes, at: int, new: bytes) -> bytes:
    """Overwrite bytes at some distance behind a mark."""
    place = data.index(mark) + at
    return data[:place] + new + data[place + len(new) :]


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def _jpeg() -> dict[str, bytes]:
    """Lie in the header of a JPEG, and repeat its scans."""
    good = samples()["JPEG"]
    start, rest = good[:2], good[2:]
    scan = good[good.index(b"\xff\xda") : -2]
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0"
    loop = exif + b"\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    turned = exif + b"\x12\x01\x03\0\x01\0\0\0\xff\0\0\0\0\0\0\0"
    profile = b"ICC_PROFILE\0\x01\x01" + b"x" * 60_000
    endless = _segment(0xE1, b"Exif\0\0" + b"M" * 60_000) * 100
    largest = struct.pack(">HH", 65_535, 65_535)
    return {
        "65,535 x 65,535": _patched(good, b"\xff\xc0", 5, largest),
        "0 x 0": _patched(good, b"\xff\xc0", 5, bytes(4)),
        "5,000 scans": good[:-2] + scan * 5_000 + b"\xff\xd9",
        "200 components": _patched(good, b"\xff\xc0", 9, b"\xc8"),
        "EXIF that points at itself": start + _segment(0xE1, loop) + rest,
        "EXIF of 100 segments": start + endless + rest,
        "profile of 6 MB": start + _segment(0xE2, profile) * 100 + rest,
        "orientation 255": start + _segment(0xE1, turned) + rest,
    }


def _riff(*parts: tuple[bytes, bytes]) -> bytes:
    """Write a WebP of parts."""
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in parts
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _24(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def _webp() -> dict[str, bytes]:
    """Lie in the header of a WebP, and in its frames."""
    import pyvips

    inner = pyvips.Image.black(64, 64).webpsave_buffer()[12:]
    canvas = b"\x02\0\0\0" + _24(16_383) + _24(16_383)
    small = b"\x02\0\0\0" + _24(63) + _24(63)
    one = _24(0) + _24(0) + _24(63) + _24(63) + _24(10) + b"\0" + inner
    beyond = b"\0\0\0\0" + b"\xff" * 6
    lossless = b"\x2f" + b"\xff" * 400
    still = (b"ANIM", bytes(6))
    return {
        "canvas of 16,384 x 16,384, animated": _riff(
            (b"VP8X", canvas), still, *[(b"ANMF", one)] * 50
        ),
        "canvas of 2^24 x 2^24": _riff((b"VP8X", beyond), (b"VP8L", lossless)),
        "lossless header of 16,384 x 16,384": _riff((b"VP8L", lossless)),
        "no part": _riff(),
        "size of 4 GB": b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff" + bytes(64),
        "5,000 frames": _riff((b"VP8X", small), still, *[(b"ANMF", one)] * 5_000),
    }


def _tiff_of(*tags: tuple[int, int], following: int = 0) -> bytes:
    """Write a TIFF of one directory: tags and their values."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, of) for tag, of in sorted(tags))
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return b"II*\0\x08\0\0\0" + directory + bytes(64)


def _tags(wide: int, high: int, bands: int = 1) -> list[tuple[int, int]]:
    """Size, 8 bits, no compression, black is zero, one strip of 64 bytes."""
    plain = [(258, 8), (259, 1), (262, 1), (273, 130), (279, 64)]
    return [(256, wide), (257, high), (278, high), (277, bands), *plain]


def _tiff() -> dict[str, bytes]:
    """Lie in the directory of a TIFF."""
    tile = [(322, 10**6), (323, 10**6), (324, 130)]
    return {
        "10^6 x 10^6": _tiff_of(*_tags(10**6, 10**6)),
        "2^32-1 x 1": _tiff_of(*_tags(2**32 - 1, 1)),
        "0 x 0": _tiff_of(*_tags(0, 0)),
        "directory that follows itself": _tiff_of(*_tags(8, 8), following=8),
        "directory behind the end": b"II*\0\xff\xff\xff\x7f",
        "65,535 entries": b"MM\0*\0\0\0\x08\xff\xff" + bytes(600),
        "strip behind the end": _tiff_of(*_tags(5_000, 5_000)),
        "tile of 10^6 x 10^6": _tiff_of(*_tags(100, 100), *tile),
        "3,000 bands": _tiff_of(*_tags(4_000, 4_000, 3_000)),
        "BigTIFF of noise": b"II+\0\x08\0\0\0" + b"\xff" * 400,
    }


def _avif() -> dict[str, bytes]:
    """Lie in the boxes of an AVIF."""
    good = samples()["AVIF"]
    size = struct.pack(">II", 60_000, 60_000)
    return {
        "60,000 x 60,000": _patched(good, b"ispe", 8, size),
        "0 x 0": _patched(good, b"ispe", 8, bytes(8)),
        "box of 2^32-1 bytes": good[:32] + b"\xff\xff\xff\xffmeta" + good[40:],
        "boxes in boxes": good[:32] + b"\0\0\0\x10meta\0\0\0\0" * 5_000,
        "film": b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(200),
        "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
        "sequence": b"\0\0\0\x1cftypavis\0\0\0\0avifmif1miaf" + bytes(200),
    }


def _documents(port: int) -> Iterator[Hostile]:
    """Write documents that fetch, read, run or grow when they are rendered."""
    there = f"http://127.0.0.1:{port}/fetched"
    svg = (
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    )
    xml = '<?xml version="1.0"?>'
    laughs = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10)
    )
    outside = '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    names = {
        "SVG with a script": f"<svg {svg}><script>fetch('{there}')</script></svg>",
        "SVG that fetches an image": f'<svg {svg}><image xlink:href="{there}"/></svg>',
        "SVG that reads a file": f'<svg {svg}><image href="file:///etc/passwd"/></svg>',
        "SVG with an entity": f"{xml}{outside}<svg {svg}><text>&x;</text></svg>",
        "SVG that laughs": f"{xml}<!DOCTYPE svg [{laughs}]><svg {svg}>&l9;</svg>",
        "SVG of 10^9 x 10^9": f'<svg {svg} width="1000000000" height="1000000000"/>',
        "SVG behind a mark and blanks": f"\ufeff \n<svg {svg}/>",
        "HTML": f"<!doctype html><img src='{there}'>",
        "MVG that runs a command": f"push graphic-context\nfill 'url({there}\"|id\")'",
        "MSL that writes": f'{xml}<image><read filename="{there}"/></image>',
        "PostScript": "%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file pop\n",
        "PDF": "%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
        "XBM": "#define x_width 99999\n#define x_height 99999\nchar x_bits[]={0};",
        "playlist": f"#EXTM3U\n#EXTINF:10,\nconcat:{there}|file:///etc/passwd\n",
        "script": "#!/bin/sh\nid > /dev/null\n",
    }
    for name, text in names.items():
        yield Hostile(name=name, data=text.encode())


def _others() -> Iterator[Hostile]:
    """Write what other decoders of libvips and its kin would take."""
    bmp = struct.pack("<IIIIii", 99, 0, 54, 40, 2**31 - 1, 2**31 - 1)
    own = b"\x08\xf2\xa6\xb6" + struct.pack(">II", 99_999, 99_999)
    names = {
        "nothing at all": b"",
        "one byte": b"\xff",
        "a megabyte of zeros": bytes(2**20),
        "PPM of 99,999,999 x 99,999,999": b"P6 99999999 99999999 255\n" + bytes(64),
        "BMP of 2^31-1 x 2^31-1": b"BM" + bmp,
        "ICO": b"\0\0\1\0\xff\xff" + bytes(64),
        "PSD": b"8BPS\0\1" + bytes(6) + b"\0\3\x7f\xff\xff\xff\x7f\xff\xff\xff",
        "JPEG XL": b"\xff\x0a" + bytes(64),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(64),
        "Radiance": b"#?RADIANCE\n\n-Y 99999 +X 99999\n",
        "OpenEXR": b"v/1\x01\2\0\0\0" + bytes(64),
        "FITS": b"SIMPLE  =                    T" + b" " * 50,
        "libvips' own": own + bytes(64),
        "MATLAB": b"MATLAB 5.0 MAT-file" + bytes(120),
        "ZIP": b"PK\3\4" + bytes(64),
        "gzip of zeros": b"\x1f\x8b\x08" + bytes(7) + _zeros(10)[2:],
        "ELF": b"\x7fELF\2\1\1" + bytes(64),
    }
    for name, data in names.items():
        yield Hostile(name=name, data=data)


def _polyglots() -> dict[str, bytes]:
    """Write good images that are something else as well."""
    good = samples()
    code = _segment(0xFE, b"<?php system($_GET[0]); ?>")
    return {
        "PNG and ZIP": good["PNG"] + b"PK\3\4../../etc/passwd" + bytes(40),
        "JPEG and PHP": good["JPEG"][:2] + code + good["JPEG"][2:],
        "GIF and JavaScript": good["GIF"][:-1] + b"!\xfe\x0b*/alert(1)//\0;",
        "WebP and HTML": good["WebP"] + b"<script>alert(1)</script>",
        "TIFF and PDF": good["TIFF"] + b"%PDF-1.4",
        "JPEG behind a PNG": good["PNG"] + good["JPEG"],
    }


NAMES = (
    "../../etc/passwd",
    "a/../../b.png",
    "..%2f..%2fsecret.png",
    "a//b.png",
    "./a.png",
    "a\x00b.png",
    "a\nb.png",
    "a\\b.png",
    "caf\u00e9.png",
    "a/" * 500 + "a.png",
    "",
    "a.png#frag\u202egnp.exe",
)
"""Names of objects that lead elsewhere, or that storage does not take."""
