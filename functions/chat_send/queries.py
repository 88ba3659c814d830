"""The SQL of chat_send: one statement, whatever a request holds.

The work is in the function ``kiloscale.accept_messages``, whose migration describes the
fields of both sides.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import psycopg

from functions.shared.database import Connection

ACCEPT = "select kiloscale.accept_messages(%s::jsonb, %s)::text"

AGAIN = (
    psycopg.errors.ForeignKeyViolation,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
"""Errors after which the statement is run once more. A conversation that was deleted
while it ran is not found by the second one, which then says so."""

OWNER = "select user_id from public.conversations where id = %s"


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Turns that ask to be read for memories; see ``kiloscale.defer_extraction``."""

    turns: int
    turns_max: int
    idle_s: int
    window: int | None


class Offer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message as the function takes it.

    Attributes:
        r: Number of its request in the statement; offers with the same number are saved
            together or not at all.
        chat_id: The conversation.
        user_id: Who must own the conversation; ``None`` for the app's own backend,
            whose messages count as the owner's.
        key: The client's own id of the message: its retries repeat it.
        role: ``user`` or ``assistant``.
        text: The message.
        mode: Mode of this message; ``None`` takes the conversation's.
        is_hit: Whether it counts against the owner's limit.
        hits_max: Messages that one window admits; 0 for nothing new; ``None`` where
            another store has counted.
        asks: Whether the model answers.
        asks_together: The same in a conversation of the mode ``together``.
        request_id: Goes along to the model's log.
        reading: On the last message of a voice batch: its turns to be read.
    """

    r: int = -1
    chat_id: UUID
    user_id: UUID | None = None
    key: UUID
    role: str
    text: str
    mode: str | None = None
    is_hit: bool
    hits_max: int | None = None
    asks: bool = False
    asks_together: bool = False
    request_id: str
    reading: Waiting | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an offer.

    Attributes:
        id: The message; ``None`` if it is not saved.
        is_new: Whether it was not there before.
        user_id: Owner of the conversation; ``None`` if it is unknown or not the
            caller's.
        is_admitted: Whether the limit had room for what is new in its request.
        hits: Hits of the window.
        reset_s: Time until the window ends, in seconds.
        outbox_id: Its outbox row, if it is new and the model is to answer.
        extraction_id: The outbox row of the conversation's reading, if it is to begin.
    """

    id: UUID | None
    is_new: bool
    user_id: UUID | None
    is_admitted: bool
    hits: int
    reset_s: int
    outbox_id: int | None
    extraction_id: int | None


_decoder = msgspec.json.Decoder(list[Found])


def parameters(requests: Sequence[Sequence[Offer]], window_s: int) -> tuple[str, int]:
    """Write the parameters of `ACCEPT` for some requests; numbers their offers."""
    offers: list[Offer] = []
    for number, request in enumerate(requests):
        for offer in request:
            offer.r = number
        offers += request
    return msgspec.json.encode(offers).decode(), window_s


def found(answer: object) -> list[Found]:
    """Read the one value of `ACCEPT`: one for each offer, in order."""
    return _decoder.decode(str(answer))


def accept(
    connection: Connection, offers: Sequence[Offer], window_s: int
) -> list[Found]:
    """Limit, look up, save and enqueue one request's messages, in one round trip."""
    values = parameters([offers], window_s)
    try:
        row = connection.execute(ACCEPT, values).fetchone()
    except AGAIN:
        row = connection.execute(ACCEPT, values).fetchone()
    return found(row[0] if row else "[]")


def owner(connection: Connection, chat_id: UUID) -> UUID | None:
    """Find the owner of a conversation."""
    row = connection.execute(OWNER, (chat_id,)).fetchone()
    return UUID(str(row[0])) if row else None
