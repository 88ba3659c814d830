"""Structural similarity of two images' luma (Wang et al. 2004), by libvips.

The window is the paper's: 11 x 11, Gaussian with a standard deviation of 1.5;
K1 = 0.01, K2 = 0.03, L = 255. The mean leaves out the 5 pixels at each edge, where the
window would reach beyond the image. The same as scikit-image's
``structural_similarity(gaussian_weights=True, sigma=1.5,
use_sample_covariance=False)``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyvips

C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2
SIGMA = 1.5
RADIUS = 5
SMALLEST = 2 * RADIUS + 1

TILE = 256
TILES = 4
SAMPLED_FROM = (TILE * TILES) ** 2
"""Pixels from which tiles stand for the whole, 4 x 4 of 256 x 256: the larger images
are, the more parts they have of each kind."""

BEHIND_ALPHA = 128
"""What transparent parts are laid on: their own colours are nobody's to see."""


def similarity(one: "pyvips.Image", other: "pyvips.Image") -> float:
    """Give the similarity of two images of one size, 1 for equal ones.

    Large ones are compared in 16 tiles, spread evenly; `whole` compares all of them.
    """
    # The luma alone is kept of what was just encoded: it is a third of it, and is
    # looked at more than once.
    first, second = luma(one), luma(other).copy_memory()
    if first.width * first.height <= SAMPLED_FROM:
        return whole(first, second)
    wide, high = min(TILE, first.width), min(TILE, first.height)
    across, down = _starts(first.width, wide), _starts(first.height, high)
    values = [
        whole(first.crop(x, y, wide, high), second.crop(x, y, wide, high))
        for x in across
        for y in down
    ]
    return sum(values) / len(values)


def luma(image: "pyvips.Image") -> "pyvips.Image":
    """Give the luma of an image in sRGB: 8 bits, one band, nothing transparent."""
    if image.hasalpha():
        image = image.flatten(background=BEHIND_ALPHA)
    return image if image.bands == 1 else image.colourspace("b-w")


def whole(one: "pyvips.Image", other: "pyvips.Image") -> float:
    """Compare all pixels of two images with one band."""
    one, other = one.cast("double"), other.cast("double")
    if one.width < SMALLEST or one.height < SMALLEST:
        # No place for a window: the whole image is one.
        return float(_of(_moments(one, other, lambda image: image.avg())))
    import pyvips

    row = _gaussian()
    across = pyvips.Image.new_from_array([row])
    down = pyvips.Image.new_from_array([[weight] for weight in row])

    def weighted(image: "pyvips.Image") -> "pyvips.Image":
        return image.conv(across, precision="float").conv(down, precision="float")

    field = _of(_moments(one, other, weighted))
    inside = field.crop(RADIUS, RADIUS, one.width - 2 * RADIUS, one.height - 2 * RADIUS)
    return float(inside.avg())


def _moments(one: Any, other: Any, mean: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Give the means, the variances and the covariance of a window."""
    mu, nu = mean(one), mean(other)
    return (
        mu,
        nu,
        mean(one * one) - mu * mu,
        mean(other * other) - nu * nu,
        mean(one * other) - mu * nu,
    )


def _of(moments: tuple[Any, Any, Any, Any, Any]) -> Any:
    """Put the moments together."""
    mu, nu, variance, other_variance, covariance = moments
    return ((mu * nu * 2 + C1) * (covariance * 2 + C2)) / (
        (mu * mu + nu * nu + C1) * (variance + other_variance + C2)
    )


def _gaussian() -> list[float]:
    """Give the weights of one axis of the window; their sum is 1."""
    from math import exp

    raw = [exp(-(x * x) / (2 * SIGMA**2)) for x in range(-RADIUS, RADIUS + 1)]
    return [weight / sum(raw) for weight in raw]


def _starts(length: int, part: int) -> list[int]:
    """Spread the beginnings of tiles evenly over an axis.

    >>> _starts(1_024, 256)
    [0, 256, 512, 768]
    >>> _starts(100, 100)
    [0]
    """
    room = length - part
    if not room:
        return [0]
    return [room * number // (TILES - 1) for number in range(TILES)]
