"""Web servers' logs: the common log format, and the combined one."""

import re
from datetime import datetime

from deploy.cdn.simulation.logs import lines
from deploy.cdn.simulation.logs.lines import LineError
from deploy.cdn.simulation.traffic import Request

QUOTED = r'"((?:[^"\\]|\\.)*)"'
LINE = re.compile(
    rf"(\S+) \S+ (?:.*?) ?\[([^\]]+)\] {QUOTED} (\S+) (\S+)(?: {QUOTED} {QUOTED})?.*"
)
TIME = "%d/%b/%Y:%H:%M:%S %z"


def parse(line: str) -> Request:
    """Read a line.

    Raises:
        LineError: It is no request.
    """
    found = LINE.fullmatch(line)
    if not found:
        raise LineError("not in the common or combined log format")
    host, time, asked, status, size, _, agent = found.groups()
    words = asked.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise LineError("the request is not METHOD PATH HTTP/x")
    try:
        at = datetime.strptime(time, TIME).astimezone().timestamp()
    except ValueError as error:
        raise LineError("the time is not day/Mon/year:hour:minute:second") from error
    return Request(
        at=at,
        method=lines.method(words[0]),
        target=lines.target(words[1]),
        status=lines.status(status),
        size=lines.size(size),
        viewer=lines.viewer(host, agent or ""),
    )
