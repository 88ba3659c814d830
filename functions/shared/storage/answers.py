"""Reads what the REST API of Supabase Storage answers."""

from http.client import HTTPResponse
from typing import Any

import msgspec

from functions.shared.storage.errors import ObjectTooLargeError, failed
from functions.shared.storage.interface import ObjectInfo


class Answer(msgspec.Struct, frozen=True):
    """What the API answered; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def read(response: HTTPResponse, place: str, limit: int | None) -> Answer:
    """Read an answer, and no more of it than the caller takes."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    if limit is None or response.status >= 300:
        return Answer(response.status, headers, response.read())
    size = int(headers.get("content-length", 0))
    if size > limit:
        raise ObjectTooLargeError(place, size, limit)
    # Another byte tells a body without a length that is too long.
    body = response.read() if size else response.read(limit + 1)
    if len(body) > limit:
        raise ObjectTooLargeError(place, len(body), limit)
    return Answer(response.status, headers, body)


def status_of(answer: Answer) -> tuple[int, str]:
    """Give the real status of a refusal: storage answers 400 and writes it inside."""
    try:
        told = msgspec.json.decode(answer.body)
        return int(told["statusCode"]), str(told.get("error", ""))[:64]
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
        return answer.status, ""


def decoded(action: str, place: str, body: bytes) -> dict[str, Any]:
    """Decode an answer that must be a JSON object."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise failed(action, place, error) from error


def listed(told: dict[str, Any]) -> ObjectInfo:
    """Describe an object of a listing."""
    metadata = told.get("metadata") or {}
    return ObjectInfo(
        path=str(told.get("name") or told.get("key")),
        size=int(metadata.get("size") or 0),
        content_type=str(metadata.get("mimetype") or ""),
        cache_control=str(metadata.get("cacheControl") or ""),
        etag=str(metadata.get("eTag") or "").strip('"'),
    )
