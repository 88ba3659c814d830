"""What ``cdn.rewrite-urls`` is asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.errors import UsageError

TASK = "cdn.rewrite-urls"
HELP = f"./bootstrap {TASK} --help"
BATCH_ROWS_MAX = 10_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be done, as it was typed.

    Attributes:
        column: More columns that are one address, comma-separated.
        inside: Columns that hold addresses, comma-separated.
        from_host: More hosts whose addresses are replaced, comma-separated.
        object: Objects with which the CDN is proved, comma-separated.
        batch_rows: Rows of one transaction.
        undo: Put back what was changed.
        to_origin: Put back all that names the CDN.
        configure: Only write where the CDN is.
        unverified: Do not prove the CDN first.
        set_off: Change rows although triggers fire.
        dry_run: Look only.
        yes: Do not ask.
    """

    column: str = ""
    inside: str = ""
    from_host: str = ""
    object: str = ""
    batch_rows: str = "1000"
    undo: bool = False
    to_origin: bool = False
    configure: bool = False
    unverified: bool = False
    set_off: bool = False
    dry_run: bool = False
    yes: bool = False

    @property
    def target(self) -> str:
        """Where the addresses go."""
        return "undo" if self.undo else "origin" if self.to_origin else "cdn"


def check(asked: Asked) -> None:
    """Refuse options that do not go together.

    Raises:
        UsageError: Says which.
    """
    if sum((asked.undo, asked.to_origin, asked.configure)) > 1:
        raise UsageError(
            "only one of --undo, --to-origin and --configure is possible; nothing was"
            " changed",
            remedy=HELP,
        )
    batch_rows(asked)


def batch_rows(asked: Asked) -> int:
    """Read ``--batch-rows``.

    Raises:
        UsageError: It is no number in the range.
    """
    text = asked.batch_rows
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= BATCH_ROWS_MAX):
        raise UsageError(
            f"--batch-rows must be a whole number from 1 to {BATCH_ROWS_MAX:,}, got"
            f" {text!r}; nothing was changed",
            remedy=HELP,
        )
    return int(text)


def listed(text: str) -> Sequence[str]:
    """Read a list that is parted by commas."""
    return tuple(each.strip() for each in text.split(",") if each.strip())
