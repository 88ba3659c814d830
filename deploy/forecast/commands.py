"""The task ``db.forecast``: check what is asked, forecast, show."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from deploy import console, run
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.errors import DeployError
from deploy.forecast.asking import TASK, Asked
from deploy.forecast.limits import of_stack

if TYPE_CHECKING:
    from deploy.forecast.looking import Looking


def forecast(stack: str, ask: Callable[[], Asked], out: Output) -> int:
    """Forecast the limits of a stack; give the exit code."""
    with run.ending(TASK, stack, as_json=out.as_json, debug=out.debug):
        asked = ask()
        asked.check()
        check_stack(stack)
        limits = of_stack(stack, asked.limits)
        progress = console.Progress()
        # numpy takes 0.1 s: only a forecast pays for it.
        from deploy.forecast.looking import Looking

        looking = Looking(asked=asked, limits=limits)
        report = run.checklist(
            TASK,
            Deployment(stack=stack, progress=progress.say),
            [looking.step()],
            progress,
            judge=run.plain_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        _show(stack, asked, looking, out)
        return int(report.exit_code)


def _show(stack: str, asked: Asked, looking: "Looking", out: Output) -> None:
    """Show the plot of the database, and write the picture if one is asked for.

    Raises:
        DeployError: There is nothing to draw.
    """
    lines = looking.plot(unicode=console.shows_unicode())
    if lines and not out.as_json:
        console.say_lines(["", *lines])
    path = asked.path()
    if path is None:
        return
    shown = [each for each in looking.outlooks if each.paths is not None]
    if not shown:
        raise DeployError(
            f"--plot {asked.plot}: there is no forecast to draw; no file was written",
            remedy=f"./bootstrap {TASK}",
        )
    from deploy.forecast.picture import draw

    draw(shown, stack, path)
    if not out.as_json:
        console.say_lines(["", f"plot: {path}"])
