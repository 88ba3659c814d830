"""The queries of llm_handler: what goes into each statement and what comes out."""

from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from functions.llm_handler import statements
from functions.shared.database import Connection
from functions.shared.extraction_policy import MATURE_AT, Reading
from functions.shared.prompts import Turn
from functions.shared.providers.models import CONFIG_KEY

HISTORY_MESSAGES = 20
MEMORIES = 20
"""As many of each as the app's own path reads for a turn."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose lease is ours, with all that its answer needs.

    Attributes:
        message_id: The message to answer.
        chat_id: Its conversation.
        user_id: Owner of the conversation.
        history: Oldest first, the message last.
        message_count: Messages of the conversation, at most `MATURE_AT`.
        memories: Most relevant first.
        summary: The latest one.
        config: Value of the row ``llm_provider`` of ``system_config``.
        has_realtime: Whether this database has Supabase's ``realtime.send``.
    """

    message_id: UUID
    chat_id: UUID
    user_id: UUID
    history: list[Turn]
    message_count: int
    memories: list[str]
    summary: str | None
    config: dict[str, Any] | None
    has_realtime: bool


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The row of `statements.TAKE`.

    Attributes:
        is_waiting: Whether the outbox row still exists.
        is_leased: Whether the lease is ours.
        message: The fields of `Taken` as JSON; ``None`` if the message was deleted.
    """

    is_waiting: bool
    is_leased: bool
    message: dict[str, Any] | None

    def taken(self) -> Taken | None:
        """Give what the lease is for."""
        return msgspec.convert(self.message, Taken) if self.message else None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What `save` writes.

    Attributes:
        outbox_id: The row that asked for it.
        message_id: The message that it answers.
        answer_id: Its id, and its ``client_msg_id``. Derived from ``message_id``: a
            second answer has the same.
        text: The answer.
        reading: When the turn is read for memories; ``None`` for never.
        meta: ``messages.meta`` as JSON.
    """

    outbox_id: int
    message_id: UUID
    answer_id: UUID
    text: str
    reading: Reading | None
    meta: str


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What `save` did.

    Attributes:
        answer_id: The answer; ``None`` if another consumer had saved one.
        turn_count: Turns of the conversation, this one included.
        last_summary_at_turn: Its turns when the last summary was written.
        notice_id: Outbox row of the realtime event; 0 if it went with the commit,
            ``None`` if there is none.
        extraction_id: Outbox row that asks for memories and is to be sent now;
            ``None`` if the turn waits or is never read.
    """

    answer_id: UUID | None
    turn_count: int
    last_summary_at_turn: int
    notice_id: int | None
    extraction_id: int | None


def take(connection: Connection, outbox_id: int, lease_s: int) -> Found:
    """Take the lease of a row and read all that its answer needs."""
    parameters = {
        "outbox_id": outbox_id,
        "lease_s": lease_s,
        "history": HISTORY_MESSAGES,
        "memories": MEMORIES,
        "mature_at": MATURE_AT,
        "config_key": CONFIG_KEY,
    }
    with connection.cursor(row_factory=class_row(Found)) as cursor:
        return cursor.execute(statements.TAKE, parameters).fetchall()[0]


def save(connection: Connection, answer: Answer, statement: str) -> Saved:
    """Save an answer, delete its outbox row, count the turn, announce it, sample it.

    Args:
        connection: In autocommit mode: the statement is the transaction.
        answer: The answer.
        statement: One of the three of ``statements.py`` that begin with ``SAVE_``.
    """
    reading = answer.reading
    parameters = {
        "outbox_id": answer.outbox_id,
        "message_id": answer.message_id,
        "answer_id": answer.answer_id,
        "text": answer.text,
        "meta": answer.meta,
        "turns_max": reading.turns_max if reading else None,
        "idle_s": reading.idle_s if reading else None,
        "window": reading.window if reading else None,
    }
    with connection.cursor(row_factory=class_row(Saved)) as cursor:
        return cursor.execute(statement, parameters).fetchall()[0]


def discard(connection: Connection, outbox_id: int) -> None:
    """Delete an outbox row whose work is done or void."""
    connection.execute(statements.DISCARD, (outbox_id,))


def give_up(connection: Connection, outbox_id: int, reason: str) -> None:
    """Release a lease and record why there is no answer yet."""
    connection.execute(statements.GIVE_UP, {"outbox_id": outbox_id, "reason": reason})


def save_summary(connection: Connection, parameters: dict[str, object]) -> bool:
    """Save a summary, unless another consumer saved one since; say whether."""
    return connection.execute(statements.SAVE_SUMMARY, parameters).rowcount == 1
