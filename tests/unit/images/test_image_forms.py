"""What is made of an image: upright, in sRGB, within bounds, never larger."""

import re
import time

import pytest
import pyvips

from deploy.paths import REPOSITORY
from functions.compress_image import naming
from functions.compress_image.encoding import Codec, search
from functions.compress_image.limits import Aims, Limits, RefusedImageError
from functions.compress_image.making import make
from functions.compress_image.opening import open_image

SMALL = Aims(thumbnail_sides=(), with_avif=False)


def picture(wide=200, high=120, seed=3):
    noise = pyvips.Image.perlin(wide, high, cell_size=40, seed=seed)
    band = ((noise + 1) * 127).cast("uchar")
    bands = [band.fliphor(), band.flipver()]
    return band.bandjoin(bands).copy(interpretation="srgb")


def tagged(image, **texts):
    image = image.copy()
    for name, text in texts.items():
        image.set_type(pyvips.GValue.gstr_type, f"exif-{name.replace('_', '-')}", text)
    return image


def webp_of(made):
    (form,) = [f for f in made.forms if f.format == "webp" and not f.thumbnail_side]
    return pyvips.Image.webpload_buffer(form.data, n=-1)


def animation(count=5, side=64):
    frames = [picture(side, side, seed) for seed in range(count)]
    image = pyvips.Image.arrayjoin(frames, across=1).copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", side)
    image.set_type(pyvips.GValue.array_int_type, "delay", [70] * count)
    return image


def test_an_image_is_turned_upright():
    turned = picture().copy()
    turned.set_type(pyvips.GValue.gint_type, "orientation", 6)
    upright = picture().rot90()

    made = make(turned.pngsave_buffer(), Limits(), SMALL)

    shown = webp_of(made)
    assert (made.width, made.height) == (shown.width, shown.height) == (120, 200)
    assert (shown - upright).abs().avg() < 6


def test_colours_of_a_wide_gamut_become_those_of_srgb():
    wide = picture().icc_transform("p3")

    shown = webp_of(make(wide.pngsave_buffer(), Limits(), SMALL))

    assert not shown.get_typeof("icc-profile-data")
    assert (shown - picture()).abs().avg() < 6


@pytest.mark.parametrize(
    "image",
    [
        picture().colourspace("cmyk"),
        picture().colourspace("rgb16"),
        picture().extract_band(0).copy(interpretation="b-w"),
        picture().extract_band(0).copy(interpretation="b-w").colourspace("grey16"),
    ],
    ids=["cmyk", "16 bits", "grey", "grey of 16 bits"],
)
def test_every_kind_of_pixels_is_taken(image):
    made = make(image.tiffsave_buffer(), Limits(), SMALL)

    shown = webp_of(made)
    assert (shown.width, shown.height, shown.format) == (200, 120, "uchar")


def test_what_is_transparent_stays_so():
    mask = pyvips.Image.black(200, 120).draw_rect(255, 0, 0, 100, 120, fill=True)

    shown = webp_of(make(picture().bandjoin(mask).pngsave_buffer(), Limits(), SMALL))

    assert shown.hasalpha()
    assert (shown[3] - mask).abs().max() == 0


def test_an_animation_keeps_its_frames_and_its_pace():
    made = make(animation().gifsave_buffer(), Limits(), Aims())

    shown = webp_of(made)
    assert made.frames == shown.get("n-pages") == 5
    assert shown.get("page-height") == 64
    assert shown.get("delay") == [70] * 5
    assert "avif: not made of animations" in made.notes


def test_a_thumbnail_of_an_animation_is_its_first_frame():
    image = animation()

    made = make(image.gifsave_buffer(), Limits(), Aims(thumbnail_sides=(32,)))

    (form,) = [f for f in made.forms if f.thumbnail_side]
    shown = pyvips.Image.webpload_buffer(form.data)
    assert (shown.width, shown.height) == (32, 32)
    assert not shown.get_typeof("n-pages") or shown.get("n-pages") == 1


def test_only_the_names_of_owner_and_artist_stay_of_the_metadata():
    image = tagged(
        picture(),
        ifd0_Copyright="(c) Jane (Acme) Doe",
        ifd0_Artist="Jane",
        ifd0_Model="Spy 3",
        ifd3_GPSLatitude="1/1 2/1 3/1",
    )

    shown = webp_of(make(image.jpegsave_buffer(Q=98), Limits(), SMALL))

    exif = shown.get("exif-data")
    assert b"(c) Jane (Acme) Doe" in exif
    assert b"Spy" not in exif
    assert not [name for name in shown.get_fields() if "GPS" in name]


def test_an_image_without_an_owner_carries_no_metadata_at_all():
    image = tagged(picture(), ifd0_Model="Spy 3")

    shown = webp_of(make(image.jpegsave_buffer(Q=98), Limits(), SMALL))

    assert not shown.get_typeof("exif-data")


def test_what_is_not_smaller_is_not_made():
    made = make(picture().webpsave_buffer(Q=1, effort=6), Limits(), Aims())

    assert [form for form in made.forms if form.thumbnail_side is None] == []
    assert "webp: not smaller than the original" in made.notes


def test_no_form_is_larger_in_pixels_than_the_image():
    made = make(picture(100, 60).pngsave_buffer(), Limits(), Aims())

    assert {(form.width, form.height) for form in made.forms} == {(100, 60)}


def test_a_chart_is_kept_without_loss_where_that_is_smaller():
    chart = pyvips.Image.black(600, 400).draw_rect(255, 50, 50, 200, 90, fill=True)

    made = make(chart.pngsave_buffer(compression=0), Limits(), SMALL)
    packed = make(chart.pngsave_buffer(), Limits(), SMALL)

    assert (packed.forms[0].quality, packed.forms[0].similarity) == (100, 1.0)
    assert made.forms


def test_no_form_is_below_the_floor_even_over_the_budget():
    tight = Aims(bytes_per_megapixel=1, bytes_min=1, with_avif=False)

    made = make(picture(600, 400).pngsave_buffer(), Limits(), tight)

    assert made.forms[0].similarity >= 0.95
    assert len(made.forms[0].data) > tight.budget(240_000)


def test_the_search_stops_when_there_is_no_time_for_another_try():
    tried = []

    def encode(image, quality):
        tried.append(quality)
        time.sleep(0.01)
        return b"x" * quality

    codec = Codec(
        encode=encode, decode=lambda data: SAME, qualities=(1, 2, 3, 4), first=3
    )

    found = search(SAME, codec, 0, 0.9, lambda: 0.0)

    assert (tried, found.quality) == ([4], 4)


SAME = picture(20, 20)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(pixels=23_999), "too-many-pixels"),
        (Limits(side=199), "too-long"),
        (Limits(source_bytes=10), "too-many-bytes"),
    ],
)
def test_a_limit_is_checked_and_named(limits, code):
    with pytest.raises(RefusedImageError) as refused:
        open_image(picture().pngsave_buffer(), limits)

    assert refused.value.code == code


def test_too_many_frames_are_refused():
    with pytest.raises(RefusedImageError) as refused:
        open_image(animation().gifsave_buffer(), Limits(frames=4))

    assert str(refused.value) == "too-many-frames: 5 frames, at most 4 are taken"


def test_the_trigger_of_the_tables_knows_our_names_by_the_same_expression():
    file = REPOSITORY / "migrations" / "20251107002000_compress_images.sql"
    (written,) = re.findall(r"new\.image_url ~ '([^']+)'", file.read_text())

    assert written == naming._MADE.pattern.replace("(?:", "(")
