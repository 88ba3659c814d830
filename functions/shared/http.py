"""Requests and responses without a web framework; errors as problem details.

A service sees only these types. ``function_url.py`` and ``asgi.py`` translate.
"""

from collections.abc import Mapping

import msgspec

MAX_BODY_BYTES = 128 * 1024
"""Largest body read, in bytes: 8,000 characters outside the BMP, each written as two
JSON escapes of 6 bytes, are 96 KB."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request.

    Attributes:
        method: Upper-case method.
        path: Path without the query.
        query: What follows the question mark, as it was sent.
        headers: Headers, names in lower case.
        body: Raw body.
        request_id: Identifies the request in logs, answers and outbox rows.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str]
    body: bytes = b""
    request_id: str


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer; ``headers`` has names in lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer with an error (RFC 9457).

    Attributes:
        type: ``about:blank``, which section 4.2.1 gives the meaning of the status code
            itself; ``title`` and ``detail`` tell one 400 from another.
        title: What is wrong, in a few words, the same for each occurrence.
        status: The HTTP status code again.
        detail: What is wrong this time.
        request_id: Finds the request in the logs.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str


class HttpError(Exception):
    """Ends a request with a problem-details answer (RFC 9457).

    Attributes:
        status: HTTP status code.
        title: What is wrong, in a few words, the same for each occurrence.
        detail: What is wrong this time; never a secret or the text of a message.
        headers: Headers of the answer, e.g. ``retry-after``.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = headers or {}


def json_response(
    status: int, content: object, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON; ``content`` is anything that msgspec encodes."""
    return Response(
        status=status,
        headers={"content-type": "application/json", **(headers or {})},
        body=msgspec.json.encode(content),
    )


def problem(error: HttpError, request_id: str) -> Response:
    """Answer with the problem details of an error."""
    content = Problem(
        title=error.title,
        status=error.status,
        detail=error.detail,
        request_id=request_id,
    )
    return Response(
        status=error.status,
        headers={"content-type": "application/problem+json", **error.headers},
        body=msgspec.json.encode(content),
    )
