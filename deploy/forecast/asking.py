"""What is asked of a forecast, checked before anything is read."""

from dataclasses import dataclass
from pathlib import Path

from deploy.errors import UsageError

FORMATS = (".png", ".svg")
HORIZON_MIN, HORIZON_MAX = 7, 1_825
EXAMPLE = "./bootstrap db.forecast --horizon-days 180 --plot growth.png"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of ``db.forecast``.

    Attributes:
        horizon: Days to look ahead, 7 to 1825.
        within: A limit that is most likely reached within so many days fails.
        limits: ``NAME=VALUE`` each, in place of the stack's own.
        plot: Where the picture goes; empty for none.
    """

    horizon: int = 365
    within: int = 90
    limits: tuple[str, ...] = ()
    plot: str = ""

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            UsageError: Names the option, its value and its range.
        """
        if not HORIZON_MIN <= self.horizon <= HORIZON_MAX:
            raise UsageError(
                f"--horizon-days {self.horizon}: must be from {HORIZON_MIN} to"
                f" {HORIZON_MAX}; nothing was read",
                remedy=EXAMPLE,
            )
        if not 1 <= self.within <= self.horizon:
            raise UsageError(
                f"--within-days {self.within}: must be from 1 to --horizon-days"
                f" {self.horizon}; nothing was read",
                remedy=EXAMPLE,
            )
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
