"""CloudFront's standard logs: tab-separated, the names of the fields in a comment."""

from datetime import UTC, datetime
from urllib.parse import unquote

from deploy.cdn.simulation.logs import lines
from deploy.cdn.simulation.logs.lines import LineError
from deploy.cdn.simulation.traffic import Request

FIELDS = "#Fields:"
NEEDED = ("date", "time", "sc-bytes", "cs-method", "cs-uri-stem", "sc-status")


class CloudFront:
    """Reads lines; the fields are those of the last ``#Fields:`` line."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def parse(self, line: str) -> Request | None:
        """Read a line; ``None`` for a comment.

        Raises:
            LineError: It is no request.
        """
        if line.startswith("#"):
            if line.startswith(FIELDS):
                self._names = line.removeprefix(FIELDS).split()
            return None
        if absent := [name for name in NEEDED if name not in self._names]:
            raise LineError(f"no {FIELDS} line above names {', '.join(absent)}")
        values = line.split("\t")
        if len(values) != len(self._names):
            raise LineError("not as many fields as named")
        found = dict(zip(self._names, values, strict=True))
        query = found.get("cs-uri-query", "-")
        stem = found["cs-uri-stem"]
        return Request(
            at=_time(f"{found['date']}T{found['time']}"),
            method=lines.method(found["cs-method"]),
            target=lines.target(stem if query == "-" else f"{stem}?{query}"),
            status=lines.status(found["sc-status"]),
            size=lines.size(found["sc-bytes"]),
            viewer=lines.viewer(
                found.get("c-ip", ""), unquote(found.get("cs(User-Agent)", ""))
            ),
            place=_place(found.get("x-edge-location", "")),
        )


def _place(location: str) -> str:
    """Give the city of a location: ``FRA56-C1`` is one of several in Frankfurt."""
    return "" if location == "-" else location[:3]


def _time(text: str) -> float:
    """Read a time, which is UTC.

    Raises:
        LineError: It is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise LineError("date and time are no time") from error
    return at.replace(tzinfo=UTC).timestamp()
