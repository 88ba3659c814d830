"""A mixed corpus: photos, charts, screenshots and pictures as models draw them.

All but three are made by code, the same ones each time. The three are matplotlib's own
sample data: a photo, a drawing and a logo.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyvips

OCTAVES = 6
SAMPLES = ("grace_hopper.jpg", "Minduka_Present_Blue_Pack.png", "logo2.png")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A file as an app stores it.

    Attributes:
        name: What it shows.
        kind: ``photo``, ``chart``, ``screenshot``, ``art`` or ``sample``.
        data: The file.
    """

    name: str
    kind: str
    data: bytes


def corpus() -> Iterator[Picture]:
    """Make all pictures, one at a time."""
    for seed, side in enumerate((1_600, 2_000, 2_400), 1):
        data = photo(side, side * 2 // 3, seed).jpegsave_buffer(Q=92)
        yield Picture(name=f"photo {seed}", kind="photo", data=data)
    for number, draw in enumerate((_lines, _bars, _heat), 1):
        yield Picture(name=f"chart {number}", kind="chart", data=_figure(draw))
    for number in (1, 2, 3):
        data = _figure(_page, number)
        yield Picture(name=f"screenshot {number}", kind="screenshot", data=data)
    for seed in (11, 12, 13):
        data = art(1_024, seed).pngsave_buffer()
        yield Picture(name=f"art {seed}", kind="art", data=data)
    yield from _samples()


def _samples() -> Iterator[Picture]:
    """Give the pictures that matplotlib ships."""
    import matplotlib as mpl

    folder = Path(mpl.get_data_path()) / "sample_data"
    for name in SAMPLES:
        path = folder / name
        if path.exists():
            yield Picture(name=name, kind="sample", data=path.read_bytes())


def _octaves(wide: int, high: int, seed: int, *, first: int, fade: float) -> Any:
    """Add noise of ever finer grain; -1 to 1 or so."""
    import pyvips

    layers = [
        pyvips.Image.perlin(
            wide, high, cell_size=max(first >> octave, 2), seed=seed * 10 + octave
        )
        * fade**octave
        for octave in range(OCTAVES)
    ]
    return reduce(lambda one, other: one + other, layers)


def photo(wide: int, high: int, seed: int) -> "pyvips.Image":
    """Draw hills of texture under a sky, with the grain of a sensor."""
    import pyvips

    texture = _octaves(wide, high, seed, first=512, fade=0.55)
    ground = _octaves(wide, high, seed + 50, first=256, fade=0.7)
    xy = pyvips.Image.xyz(wide, high)
    sky = xy[1] * (120 / high) + texture * 10 + 110
    land = ground * 60 + texture * 30 + 90
    horizon = xy[1] > texture * (high / 8) + high / 2
    grain = pyvips.Image.gaussnoise(wide, high, sigma=2.5, mean=0, seed=seed)
    bands = [
        horizon.ifthenelse(land * warm, sky * cold) + grain
        for warm, cold in ((1.05, 0.8), (1.0, 0.95), (0.7, 1.25))
    ]
    joined = bands[0].bandjoin(bands[1:]).cast("uchar")
    return joined.copy(interpretation="srgb")


def art(side: int, seed: int) -> "pyvips.Image":
    """Draw soft gradients with rings and fine detail, as image models do."""
    import pyvips

    base = _octaves(side, side, seed, first=400, fade=0.45)
    detail = _octaves(side, side, seed + 70, first=64, fade=0.6)
    xy = pyvips.Image.xyz(side, side) - side / 2
    distance = (xy[0] * xy[0] + xy[1] * xy[1]) ** 0.5
    rings = (distance * 2 + base * 120).sin()
    bands = [
        base * 60 + rings * 35 * weight + detail * 12 + mean
        for weight, mean in ((1.0, 140), (0.6, 110), (-0.8, 150))
    ]
    joined = bands[0].bandjoin(bands[1:]).cast("uchar")
    return joined.copy(interpretation="srgb")


def _figure(draw: Any, *arguments: object) -> bytes:
    """Draw with matplotlib; give the PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), dpi=130)
    FigureCanvasAgg(figure)
    draw(figure, *arguments)
    to = io.BytesIO()
    figure.savefig(to, format="png")
    return to.getvalue()


def _lines(figure: Any) -> None:
    """Draw lines over time."""
    import numpy as np

    chance = np.random.default_rng(1)
    axes = figure.subplots(2, 1)
    for axis in axes:
        for number in range(4):
            axis.plot(chance.normal(size=200).cumsum(), label=f"series {number}")
        axis.legend()
        axis.grid(visible=True)


def _bars(figure: Any) -> None:
    """Draw bars and shares."""
    import numpy as np

    chance = np.random.default_rng(2)
    left, right = figure.subplots(1, 2)
    left.bar(range(24), chance.integers(5, 90, 24))
    right.pie(chance.integers(5, 40, 6), labels=[f"group {n}" for n in range(6)])


def _heat(figure: Any) -> None:
    """Draw a field of values."""
    import numpy as np

    chance = np.random.default_rng(3)
    axis = figure.subplots()
    figure.colorbar(axis.imshow(chance.random((40, 60)).cumsum(axis=1), aspect="auto"))


def _page(figure: Any, number: int) -> None:
    """Draw a page of text with a bar and boxes, as a screenshot has them."""
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set_axis_off()
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    axis.add_patch(_box(0, 0.93, 1, 0.07, "#20324f"))
    axis.add_patch(_box(0, 0, 0.2, 0.93, "#eef1f6"))
    for line in range(34):
        text = f"{number}.{line}  The conversation of user {line * 37 % 91} has"
        text += f" {line * 53 % 400} messages; the newest is {line % 9} minutes old."
        axis.text(0.23, 0.9 - line * 0.026, text, fontsize=11)
    for line in range(20):
        axis.text(0.02, 0.88 - line * 0.043, f"Chat {line * number}", fontsize=12)


def _box(x: float, y: float, wide: float, high: float, colour: str) -> Any:
    """Make a filled box."""
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), wide, high, color=colour)
