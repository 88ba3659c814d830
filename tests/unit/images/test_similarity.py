"""The similarity is the one of the literature: compared with another implementation."""

import doctest

import pytest
import pyvips

from functions.compress_image import (
    addresses,
    limits,
    naming,
    opening,
    similarity,
)

WIDE, HIGH = 64, 48


def drawn(of):
    """A grey image by a formula."""
    pixels = bytes(of(x, y) % 256 for y in range(HIGH) for x in range(WIDE))
    return pyvips.Image.new_from_memory(pixels, WIDE, HIGH, 1, "uchar")


WAVES = drawn(lambda x, y: (x * x + 3 * y * y + x * y) // 7)
STEPS = drawn(lambda x, y: ((x * x + 3 * y * y + x * y) // 7 // 16) * 16)
RAMP = drawn(lambda x, y: (x * 5 + y * 3) // 2)
ROUGH = drawn(lambda x, y: (x * 5 + y * 3) // 2 + ((x * 31 + y * 17) % 11 - 5))


# Values of scikit-image 0.26.0: structural_similarity(gaussian_weights=True, sigma=1.5,
# use_sample_covariance=False, data_range=255) of the same pixels.
@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (WAVES, STEPS, 0.9899052858281452),
        (RAMP, ROUGH, 0.906345152402641),
        (WAVES, RAMP, 0.0987224385690085),
    ],
)
def test_the_similarity_is_that_of_scikit_image(one, other, expected):
    assert similarity.whole(one, other) == pytest.approx(expected, abs=1e-9)


def test_an_image_is_like_itself():
    assert similarity.similarity(RAMP, RAMP) == pytest.approx(1)


def test_an_image_without_room_for_a_window_is_compared_at_once():
    small = WAVES.crop(0, 0, 5, 5)

    assert similarity.similarity(small, small) == pytest.approx(1)
    assert similarity.similarity(small, STEPS.crop(20, 20, 5, 5)) < 0.9


def test_tiles_of_a_large_image_stand_for_all_of_it():
    large = WAVES.replicate(24, 32)
    worse = STEPS.replicate(24, 32)

    assert large.width * large.height > similarity.SAMPLED_FROM
    assert similarity.similarity(large, worse) == pytest.approx(
        similarity.whole(large, worse), abs=0.005
    )


def test_what_is_transparent_does_not_count():
    black = RAMP.bandjoin([RAMP, RAMP, RAMP * 0]).cast("uchar")
    white = black.copy().linear([1, 1, 1, 1], [90, 0, 50, 0]).cast("uchar")
    black, white = (each.copy(interpretation="srgb") for each in (black, white))

    assert similarity.similarity(black, white) == pytest.approx(1)


@pytest.mark.parametrize("module", [addresses, limits, naming, opening, similarity])
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(module)

    assert result.attempted
    assert not result.failed
