"""What is replayed: requests in the order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DAY_S = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as the server saw it, or one view of an image as a browser did.

    Attributes:
        at: When, in seconds since 1970.
        method: In upper case.
        target: Path and query as they were sent.
        status: Status of the answer today.
        size: Bytes of the answer's body today.
        viewer: Tells browsers apart; empty for who keeps nothing, as bots do.
        place: Data center that answers; empty if the log does not tell.
    """

    at: float
    method: str
    target: str
    status: int
    size: int
    viewer: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Requests, and where they come from.

    Attributes:
        name: The log's file, or how they were made.
        requests: In the order of time.
        counted_from: What is before only fills the caches; seconds since 1970.
        ends: End of what is counted, in seconds since 1970.
        are_views: Whether browsers' caches are still to come: a log has only what they
            asked for.
        lines: Lines of the log.
        unread: Number of lines that are no requests, by reason.
        examples: For each reason the first numbers of such lines.
    """

    name: str
    requests: Sequence[Request]
    counted_from: float
    ends: float
    are_views: bool = False
    lines: int = 0
    unread: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def days(self) -> float:
        """Days that are counted; an hour at least, so that a rate can be told."""
        return max(self.ends - self.counted_from, 3_600) / DAY_S
