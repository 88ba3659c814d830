"""One step that moves the day on which a limit is reached."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Lever:
    """A step that moves the day on which a limit is reached.

    Attributes:
        id: Name in the report.
        does: What it does, in a few words.
        bytes: What it frees, or leaves free for new rows, at once; an estimate.
        returned: How much of it the disk gets back at once.
        takes: By how much the database is larger at first, in bytes: what is moved is
            there twice until new rows fill the space that it left.
        per_day: By how much it slows growth, in bytes a day.
        limit: The limit afterwards; ``None`` if it stays.
        usd_month: What it costs a month, in USD.
        command: How it is done.
        loses: What is lost for good; empty if nothing.
        locks: What it locks meanwhile; empty if nothing.
        unknown: Why nothing can be said; empty if something is.
        basis: What the numbers rest on.
    """

    id: str
    does: str
    bytes: float = 0.0
    returned: float = 0.0
    takes: float = 0.0
    per_day: float = 0.0
    limit: int | None = None
    usd_month: float = 0.0
    command: str = ""
    loses: str = ""
    locks: str = ""
    unknown: str = ""
    basis: str = "estimate"

    @property
    def helps(self) -> bool:
        """Whether it does anything."""
        return not self.unknown and (
            self.bytes > 0 or self.per_day > 0 or self.limit is not None
        )
