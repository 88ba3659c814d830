"""Benchmarks: what a figure is, and how a suite of them is run and shown.

A suite is a module or a package of ``benchmarks/`` with ``measure(progress)``, which
yields figures.
"""

import importlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from deploy import console
from deploy.deployment import LOCAL
from deploy.errors import ExitCode, UsageError
from deploy.paths import REPOSITORY
from deploy.run import ending

FOLDER = REPOSITORY / "benchmarks"
GIB = 1024**3

ID_WIDTH = 32
"""Characters of the longest id of a figure, about: the columns stand straight."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value and what it may be at most.

    Attributes:
        id: ``<suite>.<name>``, stable: scripts match on it.
        value: What was measured.
        unit: Its unit, e.g. ``s``.
        target: The most that it may be, or the least if ``at_least``; ``None`` for a
            figure that stands beside another and is not judged.
        baseline: The same measurement of what it is compared with, in the same unit;
            ``None`` if it is compared with nothing.
        at_least: Whether more is better.
    """

    id: str
    value: float
    unit: str
    target: float | None
    baseline: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times the baseline it is."""
        return self.value / self.baseline if self.baseline else None

    @property
    def ok(self) -> bool:
        """Whether the target is met; where there is none, nothing is missed."""
        if self.target is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target

    def as_json(self) -> dict[str, object]:
        """Give the figure in the form that every suite prints under ``--json``."""
        return {
            "id": self.id,
            "value": _rounded(self.value),
            "unit": self.unit,
            "baseline": _rounded(self.baseline),
            "ratio": _rounded(self.ratio),
            "target": self.target,
            "ok": self.ok,
        }


class Suite(Protocol):
    """A module or a package of ``benchmarks/``."""

    def measure(self, progress: Callable[[str], None]) -> Iterator[Figure]:
        """Measure, and yield each figure when it is known."""


def run(suite: str, *, as_json: bool, debug: bool = False) -> int:
    """Run a suite; ``NOT_VERIFIED`` if a figure misses its target."""
    if suite in ("--help", "-h"):
        # Invoke takes it for the suite, since that has no option of its own.
        asked = [sys.executable, "-m", "invoke", "--help", "bench"]
        return subprocess.run(asked, cwd=REPOSITORY, check=False).returncode
    with ending("bench", LOCAL, as_json=as_json, debug=debug):
        module = _load(suite)
        progress = console.Progress()
        progress.step_started(suite, "measuring")
        figures = []
        try:
            for figure in module.measure(progress.say):
                figures.append(figure)
                progress.say(line(figure))
        finally:
            progress.close()
        console.say_lines([document(suite, figures)] if as_json else table(figures))
        met = all(figure.ok for figure in figures)
        return int(ExitCode.DONE if met else ExitCode.NOT_VERIFIED)


def suites() -> list[str]:
    """List the suites that exist, sorted; what has no ``measure`` serves several."""
    files = (*FOLDER.glob("[a-z]*.py"), *FOLDER.glob("[a-z]*/__init__.py"))
    return sorted(
        file.parent.name if file.stem == "__init__" else file.stem
        for file in files
        if "\ndef measure(" in file.read_text()
    )


def _load(suite: str) -> Suite:
    """Import a suite.

    Raises:
        UsageError: There is no such suite.
    """
    known = suites()
    if suite not in known:
        raise UsageError(
            f"no suite named {suite!r}; the suites are {', '.join(known)}",
            remedy="./bootstrap bench main",
        )
    module: Suite = importlib.import_module(f"benchmarks.{suite}")
    return module


def document(suite: str, figures: list[Figure]) -> str:
    """Write a suite as one JSON document."""
    content = {
        "suite": suite,
        "machine": machine(),
        "figures": [figure.as_json() for figure in figures],
    }
    return json.dumps(content, indent=2)


def table(figures: list[Figure]) -> list[str]:
    """Write a suite as lines, the verdict last."""
    judged = [figure for figure in figures if figure.target is not None]
    missed = [figure.id for figure in judged if not figure.ok]
    told = ", ".join(f"{name} {value}" for name, value in machine().items())
    verdict = f"{len(judged) - len(missed)} of {len(judged)} targets met"
    return [
        *(line(figure) for figure in figures),
        "",
        told,
        verdict + (f"; missed: {', '.join(missed)}" if missed else ""),
    ]


def line(figure: Figure) -> str:
    """Write a figure as one line.

    >>> line(Figure(id="main.zip_mb", value=5.2, unit="MB", target=6))
    'ok      main.zip_mb                             5.2 MB  (at most 6)'
    >>> line(Figure(id="a.rate", value=31, unit="/s", target=None, baseline=7.5))
    '        a.rate                                   31 /s  (baseline 7.5)'
    """
    value = f"{_rounded(figure.value):>10} {figure.unit}"
    told = []
    if figure.target is not None:
        bound = "at least" if figure.at_least else "at most"
        told.append(f"{bound} {figure.target:g}")
    if figure.baseline is not None:
        told.append(f"baseline {_rounded(figure.baseline):g}")
    sign = "" if figure.target is None else "ok" if figure.ok else "missed"
    beside = f"  ({', '.join(told)})" if told else ""
    return f"{sign:<7} {figure.id:<{ID_WIDTH}} {value}{beside}"


def machine() -> dict[str, object]:
    """Say what it was measured on; no name and no path of it."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory": f"{pages * page / GIB:.1f} GiB",
        "python": platform.python_version(),
        "platform": f"{_system()} {platform.machine()}",
    }


def _system() -> str:
    """Name the operating system."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _rounded(value: float | None) -> float | None:
    """Keep three decimals."""
    return None if value is None else round(value, 3)
