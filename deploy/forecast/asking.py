"""What is asked of a forecast, checked before anything is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import UsageError
from deploy.options import number

FORMATS = (".png", ".svg")
HORIZON = (7, 1_825)
WITHIN = 90
TASK = "db.forecast"
EXAMPLE = "./bootstrap db.forecast --horizon-days 180 --plot growth.png"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of ``db.forecast``.

    Attributes:
        horizon: Days to look ahead, 7 to 1825.
        within: A limit that is most likely reached within so many days fails; 1 to
            the horizon.
        limits: ``NAME=VALUE`` each, in place of the stack's own.
        plot: Where the picture goes; empty for none.
    """

    horizon: int = 365
    within: int = WITHIN
    limits: tuple[str, ...] = ()
    plot: str = ""

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            UsageError: Names the option, its value and its range.
        """
        number("--horizon-days", str(self.horizon), HORIZON, TASK)
        number("--within-days", str(self.within), (1, self.horizon), TASK)
        self.path()

    def path(self) -> Path | None:
        """Give where the picture goes.

        Raises:
            UsageError: It is no kind of picture, or its folder is not there.
        """
        if not self.plot:
            return None
        path = Path(self.plot)
        if path.suffix.lower() not in FORMATS or not path.parent.is_dir():
            raise UsageError(
                f"--plot {self.plot}: must end with {' or '.join(FORMATS)} and be in a"
                " folder that exists; nothing was read",
                remedy=EXAMPLE,
            )
        return path


def typed(horizon: str, within: str, limits: Sequence[str], plot: str) -> Asked:
    """Read the options as they were typed.

    Args:
        horizon: Days to look ahead.
        within: Days; if empty 90, or the horizon if that is less.
        limits: ``NAME=VALUE`` each.
        plot: Where the picture goes; empty for none.

    Raises:
        UsageError: One of the days is no number, or out of range.
    """
    days = number("--horizon-days", horizon, HORIZON, TASK)
    within = within or str(min(WITHIN, days))
    return Asked(
        horizon=days,
        within=number("--within-days", within, (1, days), TASK),
        limits=tuple(limits),
        plot=plot,
    )
