"""The task ``cdn.simulate``: read or make requests, simulate, replay, show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy import console
from deploy.cdn.simulation import report
from deploy.cdn.simulation.document import document
from deploy.cdn.simulation.logs.reading import read
from deploy.cdn.simulation.making import made
from deploy.cdn.simulation.plans import PLANS, Plan
from deploy.cdn.simulation.replay import Replayed, replay
from deploy.cdn.simulation.result import Result, simulate
from deploy.cdn.simulation.settings import (
    COMPRESSED_SHARE,
    MODES,
    UPLOAD_CACHE_CONTROL_S,
    Settings,
)
from deploy.cdn.simulation.traffic import Traffic
from deploy.cdn.simulation.workload import MB_DAY
from deploy.deployment import LOCAL
from deploy.errors import ExitCode, UsageError
from deploy.run import ending
from infra.catalog.cdn import WEEK_S

TASK = "cdn.simulate"
FORMATS = (".png", ".svg")
DAYS, DAYS_MAX = 28, 365
"""Whole weeks, since weekends are quiet."""
MB_DAY_MIN, MB_DAY_MAX = 20.0, 20_000.0
CAPACITY_MAX_MB = 1_000_000.0
UPLOAD_MAX_S = 52 * WEEK_S
EXAMPLE = "./bootstrap cdn.simulate --plot savings.png"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for, as it was typed.

    Attributes:
        log: Path of an access log; empty for the made workload.
        days: Days that count: made, or the last ones of the log; 0 for 28, or all.
        seed: Of the made workload.
        mb_day: What Supabase sends a day in it, in MB.
        plan: Name of Supabase's plan.
        mode: Of the CDN.
        upload_s: Lifetime that the app's uploads name, in seconds.
        left: Share of a raster image's bytes that compression leaves.
        capacity_mb: What a data center keeps, in MB; 0 without a bound.
        plot: Path of the plot; empty for none.
        replays: Whether the requests go through the Worker as well.
    """

    log: str = ""
    days: float = 0.0
    seed: int = 42
    mb_day: float = MB_DAY
    plan: str = "pro"
    mode: str = MODES[0]
    upload_s: int = UPLOAD_CACHE_CONTROL_S
    left: float = COMPRESSED_SHARE
    capacity_mb: float = 0.0
    plot: str = ""
    replays: bool = False

    def check(self) -> None:
        """Look at every value before anything is read.

        Raises:
            UsageError: One is out of range; all that are, are named.
        """
        problems = [*self._unknown(), *self._beyond(), *self._unfit()]
        if problems:
            raise UsageError(
                f"{'; '.join(problems)}; nothing was simulated", remedy=EXAMPLE
            )

    def _unknown(self) -> list[str]:
        """Name the values that are none of the allowed ones."""
        choices = (("plan", self.plan, tuple(PLANS)), ("mode", self.mode, MODES))
        return [
            f"--{name} {value!r}: must be one of {', '.join(allowed)}"
            for name, value, allowed in choices
            if value not in allowed
        ]

    def _beyond(self) -> list[str]:
        """Name the numbers that are out of range."""
        ranges = (
            ("days", self.days or 1, 1 / 24, DAYS_MAX, "days"),
            ("mb-day", self.mb_day, MB_DAY_MIN, MB_DAY_MAX, "MB"),
            ("upload-s", self.upload_s, 0, UPLOAD_MAX_S, "seconds"),
            ("left", self.left, 0.01, 1, "of the bytes"),
            ("capacity-mb", self.capacity_mb, 0, CAPACITY_MAX_MB, "MB"),
        )
        return [
            f"--{name} {number:g}: must be {low:.4g} to {high:,.10g} {unit}"
            for name, number, low, high, unit in ranges
            if not low <= number <= high
        ]

    def _unfit(self) -> list[str]:
        """Name the values that do not go with others, or with the machine."""
        problems = []
        if not self.log and self.days % 1:
            problems.append(f"--days {self.days:g}: whole days without --log")
        if self.capacity_mb and self.replays:
            problems.append("--capacity-mb: the replay has no bound, leave one out")
        if self.log and self.mb_day != MB_DAY:
            problems.append("--mb-day: is for the made workload, not with --log")
        if self.plot and not self._may_plot():
            problems.append(
                f"--plot {self.plot}: must end with {' or '.join(FORMATS)} and be in a"
                " folder that exists"
            )
        return problems

    def _may_plot(self) -> bool:
        path = Path(self.plot)
        return path.suffix.lower() in FORMATS and path.parent.is_dir()

    def settings(self) -> Settings:
        """Give how the CDN is set up."""
        smart = not PLANS[self.plan].is_hard
        return Settings(
            mode=self.mode,
            smart=smart,
            upload_s=self.upload_s,
            capacity=round(self.capacity_mb * 1e6) or None,
        )

    def traffic(self, progress: Callable[[str], None]) -> Traffic:
        """Read the log, or make the workload."""
        if self.log:
            return read(Path(self.log), self.days or None, progress)
        progress("making requests")
        return made(self.seed, int(self.days or DAYS), mb_day=self.mb_day)


def typed(
    asked: Asked, numbers: Mapping[str, str], *, as_json: bool, debug: bool = False
) -> int:
    """Simulate with numbers as they were typed; an empty one is the default."""
    with ending(TASK, LOCAL, as_json=as_json, debug=debug):
        problems: list[str] = []
        values: dict[str, Any] = {}
        for name, text in numbers.items():
            kind = type(getattr(asked, name))
            try:
                values |= {name: kind(text)} if text else {}
            except ValueError:
                what = "a whole number" if kind is int else "a number"
                problems.append(f"--{name.replace('_', '-')} {text!r}: must be {what}")
        if problems:
            raise UsageError(
                f"{'; '.join(problems)}; nothing was simulated", remedy=EXAMPLE
            )
        asked = replace(asked, **values)
    return run(asked, as_json=as_json, debug=debug)


def run(asked: Asked, *, as_json: bool, debug: bool = False) -> int:
    """Simulate; nothing leaves the machine."""
    with ending(TASK, LOCAL, as_json=as_json, debug=debug):
        asked.check()
        progress = console.Progress()
        progress.step_started(TASK, "reading requests")
        try:
            result = _result(asked, PLANS[asked.plan], progress.say)
            if asked.plot:
                progress.say("drawing")
                _draw(result, Path(asked.plot))
        finally:
            progress.close()
        told = (
            [document(result)]
            if as_json
            else report.lines(result, unicode=console.shows_unicode())
        )
        if asked.plot and not as_json:
            told += ["", f"plot: {asked.plot}"]
        console.say_lines(told)
        return int(_code(result.replayed))


def _result(asked: Asked, plan: Plan, progress: Callable[[str], None]) -> Result:
    """Simulate what is asked for; the replay comes last, since it takes the longest."""
    if asked.replays:
        from deploy.local.edge.installing import modules

        progress("looking for workerd")
        modules()  # told before anything is simulated, if it cannot be had
    traffic = asked.traffic(progress)
    result = simulate(traffic, asked.settings(), plan, asked.left, progress)
    if not asked.replays:
        return result
    return replace(result, replayed=replay(traffic, result.settings, progress))


def _code(replayed: Replayed | None) -> ExitCode:
    """Tell by the exit code whether the Worker agrees."""
    if replayed is None or replayed.is_close:
        return ExitCode.DONE
    return ExitCode.NOT_VERIFIED


def _draw(result: Result, path: Path) -> None:
    """Write the plot; the import takes a second."""
    from deploy.cdn.simulation.plot import draw

    draw(result, path)
