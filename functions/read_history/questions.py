"""What a request asks for: the parameters of its query, and the cursor."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from functions.shared.http import HttpError

LIMIT_MAX = 100
LIMIT_DEFAULT = 50

CursorText = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{32}$", max_length=32)]
"""24 bytes as Base64 for URLs; the length refuses the line end that ``$`` admits."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of a request.

    Attributes:
        chat_id: The conversation.
        before: The cursor that the previous page gave; absent for the newest messages.
        limit: Messages of a page, 1 to 100.
        account: Whether to tell the owner's subscription and usage as well.
    """

    chat_id: UUID
    before: CursorText | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    account: bool = False


class Cursor(msgspec.Struct, frozen=True):
    """Where a page ended: its last message.

    Messages are ordered by both, newest first. New ones come before every cursor, so
    that the pages behind one stay what they are.

    Attributes:
        created_at: In UTC.
        id: Tells messages of one moment apart.
    """

    created_at: datetime
    id: UUID

    def encode(self) -> str:
        """Write it as 32 characters that a URL takes as they are."""
        microseconds = (self.created_at - _EPOCH) // _MICROSECOND
        data = microseconds.to_bytes(8, "big", signed=True) + self.id.bytes
        return base64.urlsafe_b64encode(data).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Read a cursor: 32 characters of Base64 for URLs, whatever they are."""
        data = base64.urlsafe_b64decode(text)
        microseconds = int.from_bytes(data[:8], "big", signed=True)
        # One that nobody was given is not an error: it stands before or behind all.
        microseconds = min(max(microseconds, _FIRST), _LAST)
        created_at = _EPOCH + timedelta(microseconds=microseconds)
        return cls(created_at, UUID(bytes=data[8:]))


def decode(query: str) -> tuple[Question, Cursor | None]:
    """Decode and check the query of a URL.

    Raises:
        HttpError: 400; the detail names the parameter, never its value.
    """
    try:
        pairs = parse_qsl(
            query,
            keep_blank_values=True,
            strict_parsing=bool(query),
            encoding="utf-8",
            errors="strict",
            max_num_fields=10,
        )
    except ValueError as error:
        detail = "the query is not of the form name=value&name=value"
        raise _invalid(detail) from error
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _invalid("a parameter is repeated")
    try:
        question = msgspec.convert({**values, **_typed(values)}, Question)
    except msgspec.ValidationError as error:
        # Its text says "field" and "object" of JSON; the names in it are the caller's.
        raise _invalid(str(error)[:200]) from error
    before = question.before
    return question, None if before is None else Cursor.decode(before)


def _typed(values: dict[str, str]) -> dict[str, object]:
    """Give the values that are no texts, as far as they have the form of their type."""
    typed: dict[str, object] = {}
    if _NUMBER.fullmatch(values.get("limit", "")):
        typed["limit"] = int(values["limit"])
    if values.get("account") in _BOOLEANS:
        typed["account"] = _BOOLEANS[values["account"]]
    return typed


def _invalid(detail: str) -> HttpError:
    """Build the 400."""
    return HttpError(400, "Invalid parameter", detail)
