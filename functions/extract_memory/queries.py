"""The queries of extract_memory: what goes into each statement and what comes out."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from functions.extract_memory import statements
from functions.extract_memory.memories import Kept
from functions.shared.database import Connection
from functions.shared.prompts import Turn
from functions.shared.providers.models import CONFIG_KEY

SCOPE = "extraction"
"""``scope`` of the limit's counter."""

WINDOW_MESSAGES = 8
"""Messages that one call reads, up to the newest: four turns."""

MESSAGE_TEXT_MAX = 2_000
"""Characters that are read of each message: they bound what a call costs."""


class Limit(msgspec.Struct, frozen=True):
    """Calls of the model that one window admits for a user; its length in seconds."""

    hits: int
    window_s: int


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a conversation, and whose memories it tells.

    Attributes:
        chat_id: The conversation.
        user_id: Its owner.
        profile_id: The profile that the memories belong to.
        mode: Mode of its newest message.
        turns: Oldest first.
        config: Value of the row ``llm_provider`` of ``system_config``.
    """

    chat_id: UUID
    user_id: UUID
    profile_id: UUID | None
    mode: str | None
    turns: list[Turn]
    config: dict[str, Any] | None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The row of `statements.TAKE`.

    Attributes:
        waiting: Outbox rows that still exist.
        leased: Those of them whose lease is ours.
        is_admitted: Whether the limit admits a call.
        conversation: The fields of `Conversation` as JSON; ``None`` if every message
            was deleted.
    """

    waiting: list[int]
    leased: list[int]
    is_admitted: bool
    conversation: dict[str, Any] | None


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What `save` did, in memories.

    Attributes:
        unknown: Those that the user did not have.
        saved: Those that were saved: one for each message that asked.
    """

    unknown: int
    saved: int


def take(
    connection: Connection,
    chat_id: UUID,
    outbox_ids: Sequence[int],
    lease_s: int,
    limit: Limit,
) -> Found:
    """Lease the rows of one conversation, count the call, read the conversation."""
    parameters = {
        "chat_id": chat_id,
        "outbox_ids": list(outbox_ids),
        "lease_s": lease_s,
        "scope": SCOPE,
        "hits_max": limit.hits,
        "window_s": limit.window_s,
        "messages": WINDOW_MESSAGES,
        "text_max": MESSAGE_TEXT_MAX,
        "config_key": CONFIG_KEY,
    }
    with connection.cursor(row_factory=class_row(Found)) as cursor:
        return cursor.execute(statements.TAKE, parameters).fetchall()[0]


def save(
    connection: Connection,
    conversation: Conversation,
    outbox_ids: Sequence[int],
    memories: Sequence[Kept],
    metadata: Mapping[str, object],
) -> Saved:
    """Save what the user does not have yet; delete the rows that asked."""
    parameters = {
        "outbox_ids": list(outbox_ids),
        "user_id": conversation.user_id,
        "profile_id": conversation.profile_id,
        "chat_id": conversation.chat_id,
        "mode": conversation.mode,
        "memories": msgspec.json.encode(memories).decode(),
        "metadata": msgspec.json.encode(metadata).decode(),
    }
    with (
        connection.transaction(),
        connection.cursor(row_factory=class_row(Saved)) as cursor,
    ):
        connection.execute(statements.LOCK_USER, (conversation.user_id,))
        return cursor.execute(statements.SAVE, parameters).fetchall()[0]


def discard(connection: Connection, outbox_ids: Sequence[int]) -> None:
    """Delete rows whose work is done, void or not admitted."""
    connection.execute(statements.DISCARD, (list(outbox_ids),))


def give_up(
    connection: Connection, user_id: UUID, outbox_ids: Sequence[int], reason: str
) -> None:
    """Release the leases, give the call back, record why there is nothing yet."""
    parameters = {
        "scope": SCOPE,
        "user_id": user_id,
        "outbox_ids": list(outbox_ids),
        "reason": reason,
    }
    connection.execute(statements.GIVE_UP, parameters)
