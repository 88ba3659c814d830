"""A picture of what is declared: components, and which uses which.

An arrow goes from a component to another one whose ARN, URL or name stands in its
inputs. So it shows what the inputs say, and nothing that was drawn by hand.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.errors import UsageError
from deploy.planning.components import Component
from infra.policies.resources import Registered, is_secret

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

SUFFIXES = (".svg", ".png")

COLUMNS = (
    ("CronSchedule", "PgCronJob", "CloudflareCdn", "CloudFrontCdn"),
    ("ApiFrontWorker", "ApiFrontCloudFront", "QueueConsumer"),
    ("PythonService",),
    ("WorkQueue",),
    ("EncryptionKey", "Alarms", "Dashboard"),
)
"""Kinds of components from left to right; any other is in the last column."""

IDENTITIES = ("arn", "url", "functionUrl")
"""Outputs by which a resource is named in another one's inputs."""

COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7")
"""Okabe and Ito's palette, by column: told apart without seeing red or green."""

Edge = tuple[str, str]


def check_path(path: Path) -> None:
    """Refuse a picture that could not be written, before the work is done.

    Raises:
        UsageError: The suffix is unknown, or there is no such folder.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(
            f"--graph {path}: must end with {' or '.join(SUFFIXES)}; nothing was drawn",
            remedy=f"./bootstrap plan --graph {path.with_suffix('.svg').name}",
        )
    if not path.parent.is_dir():
        raise UsageError(
            f"--graph {path}: there is no folder {path.parent}; nothing was drawn",
            remedy=f"mkdir -p {path.parent}",
        )


def edges(components: Sequence[Component]) -> list[Edge]:
    """Find which component uses which, by name, sorted."""
    owners = {
        str(resource.outputs[key]): each.name
        for each in components
        for resource in each.resources
        for key in IDENTITIES
        if resource.outputs.get(key)
    }
    found = set()
    for each in components:
        text = "\n".join(_text(resource) for resource in each.resources)
        for identity, owner in owners.items():
            if owner != each.name and _names(text, identity):
                found.add((each.name, owner))
    return sorted(found)


def _names(text: str, identity: str) -> bool:
    """Whether a text names an identity, and not one that only begins like it."""
    rest = text.split(identity)[1:]
    return any(not part[:1].isalnum() and part[:1] not in {"-", "_"} for part in rest)


def _text(resource: Registered) -> str:
    """Write all inputs of a resource, secret ones too: it is searched, never shown."""
    return json.dumps(_plain(dict(resource.inputs)), default=str).replace("\\", "")


def _plain(value: Any) -> Any:
    """Take secrets out of their wrappers."""
    if is_secret(value):
        return _plain(value["value"])
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def places(components: Sequence[Component]) -> dict[str, tuple[int, float]]:
    """Give each component a column, and a height within it from 0 to 1."""
    columns: dict[int, list[str]] = {}
    for each in components:
        columns.setdefault(_column(each.kind), []).append(each.name)
    return {
        name: (column, 1 - (row + 0.5) / len(names))
        for column, names in columns.items()
        for row, name in enumerate(names)
    }


def _column(kind: str) -> int:
    """Give the column of a kind."""
    for column, kinds in enumerate(COLUMNS):
        if kind in kinds:
            return column
    return len(COLUMNS) - 1


def draw(components: Sequence[Component], title: str, path: Path) -> None:
    """Write the picture as SVG or PNG, by the path's suffix."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "plan"
    at = places(components)
    columns = [column for column, _ in at.values()]
    tallest = max(columns.count(column) for column in columns)
    figure = Figure(figsize=(15, max(4.0, 0.75 * tallest + 1)), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left")
    axes.set_axis_off()
    axes.set_xlim(-0.5, len(COLUMNS) - 0.5)
    axes.set_ylim(0, 1)
    boxes = {each.name: _box(axes, each, at[each.name]) for each in components}
    # An arrow ends at a box, and a box has no place before it was drawn.
    figure.draw_without_rendering()
    for start, end in edges(components):
        _arrow(axes, at[start], at[end], boxes[start], boxes[end])
    metadata: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {}
    figure.savefig(path, metadata=metadata)


def _box(axes: "Axes", component: Component, place: tuple[int, float]) -> "Text":
    """Draw a component: its name, its kind and how many resources it has."""
    return axes.text(
        *place,
        f"{component.name}\n{component.kind}, {len(component.resources)}",
        ha="center",
        va="center",
        fontsize=8,
        bbox={
            "boxstyle": "round,pad=0.4",
            "facecolor": COLOURS[place[0]],
            "edgecolor": "#333333",
        },
        zorder=2,
    )


def _arrow(
    axes: "Axes",
    start: tuple[int, float],
    end: tuple[int, float],
    box: "Text",
    target: "Text",
) -> None:
    """Draw an arrow from the edge of one box to the edge of another."""
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": "#777777",
            "patchA": box.get_bbox_patch(),
            "patchB": target.get_bbox_patch(),
            "connectionstyle": "arc3,rad=0.08",
            "linewidth": 0.8,
        },
        zorder=1,
    )
