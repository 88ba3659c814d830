"""Structured logs: one JSON object a line on stderr, by the standard library.

A line never holds the text of a message, a token or a setting. Exceptions are logged
by type, place and SQLSTATE: the text of a database error can quote the row.
"""

import logging
import sys
import time
import traceback
from contextvars import ContextVar

import msgspec

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""Identifies the request or queue message that is being worked on."""

CONNECTION_STATES = ("08", "53", "57")
"""SQLSTATE classes (PostgreSQL docs, appendix A) whose text is about the server, not
about a row: connection, resources, operator intervention."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object; ``extra={"fields": {...}}`` adds to it."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service
        self._second = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        line: dict[str, object] = {
            "time": f"{self._time(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "service": self._service,
            "message": record.getMessage(),
            "request_id": request_id.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe(record.exc_info[1])
        return msgspec.json.encode(line).decode()

    def _time(self, second: int) -> str:
        """Write a time; a busy server writes thousands of lines in the same second."""
        written, text = self._second
        if written != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second, text
        return text


def configure(service: str) -> None:
    """Send the logs of ``functions.*`` to stderr as JSON lines, once a process."""
    logger = logging.getLogger("functions")
    if logger.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    # The Lambda runtime has a handler on the root logger: it would write it again.
    logger.propagate = False
    # No line names them, and to find them costs a third of writing one.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def describe(error: BaseException) -> dict[str, object]:
    """Describe an exception without its text, except where that is about a server.

    Returns:
        ``{"type", "where", "sqlstate", "constraint", "reason", "code", "text",
        "cause"}``; absent facts are left out.
    """
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    diagnosis = getattr(error, "diag", None)
    sqlstate = getattr(error, "sqlstate", None)
    is_operational = any(
        base.__name__ == "OperationalError" for base in type(error).__mro__
    )
    about_server = is_operational and (
        sqlstate is None or sqlstate.startswith(CONNECTION_STATES)
    )
    cause = error.__cause__
    response = getattr(error, "response", None)
    reason = getattr(error, "reason", None)
    facts = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        "sqlstate": sqlstate,
        "constraint": getattr(diagnosis, "constraint_name", None),
        # Errors of ours that name what failed, e.g. a status code.
        "reason": reason if isinstance(reason, str) else None,
        # botocore: the error code of AWS, e.g. AccessDenied.
        "code": response.get("Error", {}).get("Code")
        if isinstance(response, dict)
        else None,
        "text": str(error).strip()[:300] if about_server else None,
        "cause": f"{type(cause).__module__}.{type(cause).__qualname__}"
        if cause
        else None,
    }
    return {name: value for name, value in facts.items() if value}
