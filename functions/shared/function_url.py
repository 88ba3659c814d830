"""Lambda function URLs: payload format 2.0 in, the same format out."""

import base64
import binascii
import re
from typing import Any

from functions.shared.application import Application
from functions.shared.http import HttpError, Request, Response, problem

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def answer(application: Application, event: dict[str, Any]) -> dict[str, Any]:
    """Serve one function-URL event.

    Args:
        application: The service.
        event: Payload 2.0: ``requestContext.http.method``, ``rawPath``,
            ``rawQueryString``, ``headers``, ``body``, ``isBase64Encoded``.

    Returns:
        ``{"statusCode", "headers", "body", "isBase64Encoded"}``.
    """
    request_id = _request_id(event)
    try:
        request = _request(event, request_id, application.route.path)
    except HttpError as error:
        return _event(problem(error, request_id))
    return _event(application(request))


def _request(event: dict[str, Any], request_id: str, route_path: str) -> Request:
    """Translate the event."""
    path = event.get("rawPath") or "/"
    return Request(
        method=event["requestContext"]["http"]["method"].upper(),
        # A function URL has a host of its own: its root is the service's route too.
        path=route_path if path == "/" else path,
        query=event.get("rawQueryString") or "",
        headers={
            name.lower(): value for name, value in (event.get("headers") or {}).items()
        },
        body=_body(event),
        request_id=request_id,
    )


def _body(event: dict[str, Any]) -> bytes:
    """Give the raw body; function URLs encode what does not look like text."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        # A lone surrogate is passed on; decoding the JSON refuses it with a 400.
        return str(body).encode(errors="surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HttpError(400, "Malformed body", "the body is not Base64") from error


def _request_id(event: dict[str, Any]) -> str:
    """Take the caller's ``x-request-id`` if it is harmless, else the URL's own."""
    headers = event.get("headers") or {}
    for name, value in headers.items():
        if name.lower() == "x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value)
    return str(event.get("requestContext", {}).get("requestId") or "-")


def _event(response: Response) -> dict[str, Any]:
    """Translate the answer; every body of ours is UTF-8 text."""
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": response.body.decode(),
        "isBase64Encoded": False,
    }
