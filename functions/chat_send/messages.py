"""Accept messages: decode, decide, answer."""

from typing import Annotated
from uuid import UUID

import msgspec

from functions.chat_send import queries
from functions.chat_send.queries import Acceptance, Offer
from functions.shared.auth import Caller
from functions.shared.database import Connection
from functions.shared.http import MAX_BODY_BYTES, HttpError, Response, json_response

TEXT_MAX = 8_000
"""Longest message, in characters."""


class Limit(msgspec.Struct, frozen=True):
    """Messages that one window admits for a user, and its length in seconds."""

    hits: int
    window_s: int


class NewMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a request.

    Attributes:
        chat_id: The conversation.
        text: 1 to 8,000 characters, not all of them blank.
        client_msg_id: The client's own id of the message; a retry repeats it.
        mode: Mode of this message; absent takes the conversation's.
        analyze: In a conversation of the mode ``together``, in which people talk to
            each other, the model answers only if asked to.
    """

    chat_id: UUID
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX)]
    client_msg_id: UUID
    mode: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    analyze: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one message.

    Attributes:
        message_id: Its id.
        duplicate: Whether it was there before.
        user_id: Owner of the conversation.
        outbox_id: Its outbox row, if it is new and the model is to answer.
        headers: The state of the limit.
    """

    message_id: UUID
    duplicate: bool
    user_id: UUID
    outbox_id: int | None
    headers: dict[str, str]


_decoder = msgspec.json.Decoder(NewMessage)


def decode(body: bytes) -> NewMessage:
    """Decode and validate a body.

    Raises:
        HttpError: 413 or 400; the detail names the field, never its value.
    """
    if len(body) > MAX_BODY_BYTES:
        detail = f"the body has {len(body)} bytes; at most {MAX_BODY_BYTES} are taken"
        raise HttpError(413, "Body too large", detail)
    try:
        message = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise HttpError(400, "Invalid field", str(error)) from error
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or too deep
        raise HttpError(400, "Malformed JSON", str(error)) from error
    for field, value in (("text", message.text), ("mode", message.mode or "-")):
        if not value.strip():
            raise HttpError(400, "Invalid field", f"blank - at `$.{field}`")
        if "\0" in value:  # PostgreSQL's text holds every character but this one
            raise HttpError(400, "Invalid field", f"NUL character - at `$.{field}`")
    return message


def accept(
    connection: Connection,
    message: NewMessage,
    caller: Caller,
    limit: Limit,
    request_id: str,
) -> Outcome:
    """Save one message once, within its user's limit.

    Raises:
        HttpError: 404, 409 or 429.
    """
    offer = Offer(
        **{field: getattr(message, field) for field in message.__struct_fields__},
        user_id=caller.user_id,
        hits_max=limit.hits,
        window_s=limit.window_s,
        request_id=request_id,
    )
    found = queries.accept(connection, offer)
    if not found.is_found or found.user_id is None:
        # One answer for both, so that nobody can ask which conversations exist.
        detail = "there is no such conversation, or it is another user's"
        raise HttpError(404, "Conversation not found", detail)
    stored = found.stored_id or _lost_race(connection, offer, found)
    message_id = found.message_id or stored
    if message_id is None:
        raise _refusal(found, limit)
    return Outcome(
        message_id=message_id,
        duplicate=found.message_id is None,
        user_id=found.user_id,
        outbox_id=found.outbox_id,
        headers=limit_headers(limit, found),
    )


def _lost_race(connection: Connection, offer: Offer, found: Acceptance) -> UUID | None:
    """Find the message that a simultaneous request with the same id saved."""
    # A message that was saved lost nothing; nor did one that met a full counter.
    if found.message_id or not (found.is_admitted or found.had_room):
        return None
    return queries.settle_race(connection, offer, found)


def limit_headers(limit: Limit, found: Acceptance) -> dict[str, str]:
    """Give the headers of draft-ietf-httpapi-ratelimit-headers-07, one each."""
    return {
        "ratelimit-limit": str(limit.hits),
        "ratelimit-remaining": str(max(limit.hits - found.hits, 0)),
        "ratelimit-reset": str(max(found.reset_s, 0)),
    }


def _refusal(found: Acceptance, limit: Limit) -> HttpError:
    """Say why nothing was saved although the conversation is the caller's."""
    if found.is_admitted:
        detail = "client_msg_id belongs to a message of another conversation"
        return HttpError(409, "Conflict", detail)
    headers = limit_headers(limit, found) | {
        "ratelimit-remaining": "0",
        "retry-after": str(max(found.reset_s, 1)),
    }
    detail = f"{limit.hits} messages in {limit.window_s} s are the limit"
    return HttpError(429, "Too many messages", detail, headers)


def work(message: NewMessage, outcome: Outcome, request_id: str) -> dict[str, object]:
    """Write the queue message: the outbox row's payload and its id."""
    return {
        "outbox_id": outcome.outbox_id,
        "message_id": outcome.message_id,
        "chat_id": message.chat_id,
        "user_id": outcome.user_id,
        "request_id": request_id,
    }


def answer(outcome: Outcome) -> Response:
    """Write the answer."""
    content = {"message_id": outcome.message_id, "duplicate": outcome.duplicate}
    return json_response(200 if outcome.duplicate else 201, content, outcome.headers)
