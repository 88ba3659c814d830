"""Cloudflare Logpush, data set HTTP requests: a JSON object in each line."""

import json
from datetime import UTC, datetime
from typing import Any

from deploy.cdn.simulation.logs import lines
from deploy.cdn.simulation.logs.lines import LineError
from deploy.cdn.simulation.traffic import Request

NANOSECONDS = 10**16
"""Above, a number is no time in seconds or milliseconds: that would be year 300,000."""

MILLISECONDS = 10**11


def parse(line: str) -> Request:
    """Read a line: of ``timestamps`` rfc3339, unix and unixnano.

    Raises:
        LineError: It is no request.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError("not JSON") from error
    if not isinstance(found, dict):
        raise LineError("not a JSON object")
    uri = found.get("ClientRequestURI", found.get("ClientRequestPath"))
    if not isinstance(uri, str):
        raise LineError("ClientRequestURI is missing")
    return Request(
        at=_time(found.get("EdgeStartTimestamp", found.get("Datetime"))),
        method=lines.method(str(found.get("ClientRequestMethod", ""))),
        target=lines.target(uri),
        status=lines.status(_given(found, "EdgeResponseStatus")),
        # Bodies alone, where the job has them; else with the headers.
        size=lines.size(_given(found, "EdgeResponseBodyBytes", "EdgeResponseBytes")),
        viewer=lines.viewer(
            str(found.get("ClientIP", "")), str(found.get("ClientRequestUserAgent", ""))
        ),
        place=str(found.get("EdgeColoCode", "")),
    )


def _given(found: dict[str, Any], *names: str) -> object:
    """Give the first of some fields that is there.

    Raises:
        LineError: None of them is.
    """
    for name in names:
        if found.get(name) is not None:
            return found[name]
    raise LineError(f"{names[-1]} is missing")


def _time(value: object) -> float:
    """Read a time in seconds since 1970.

    Raises:
        LineError: It is none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        scale = 1e9 if value > NANOSECONDS else 1e3 if value > MILLISECONDS else 1
        return value / scale
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise LineError("EdgeStartTimestamp is no time") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
