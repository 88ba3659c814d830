"""What is read of a conversation, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from functions.extract_memory.material import chosen
from functions.extract_memory.prompts import Message


class Limit(msgspec.Struct, frozen=True):
    """Calls of the model that one window admits for a user; its length in seconds."""

    hits: int
    window_s: int


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a conversation that is read, and whose memories it tells.

    Attributes:
        chat_id: The conversation.
        user_id: Its owner.
        profile_id: The profile that the memories belong to.
        mode: Mode of its newest message.
        messages: Oldest first.
        read_through: ``created_at`` of the newest of them; ``None`` without any.
        left_over: Unread messages that do not fit, at most as many again.
        turns: Turns that asked to be read.
        idle_s: How long they waited for another one, in seconds.
        token: End of the lease; nothing is saved for a lease that is not ours.
        is_window: Whether it is the newest messages, read or not, that were asked for.
    """

    chat_id: UUID
    user_id: UUID
    profile_id: UUID | None
    mode: str | None
    messages: list[Message]
    read_through: datetime | None
    left_over: int
    turns: int
    idle_s: int
    token: datetime
    is_window: bool

    @property
    def shown(self) -> list[Message]:
        """What the model is shown; nothing if the user said nothing to be read."""
        if not self.is_window:
            return chosen(self.messages)
        has_sources = any(each.role == "user" for each in self.messages)
        return self.messages if has_sources else []


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The row of ``statements.TAKE``.

    Attributes:
        waiting: Outbox rows that still exist.
        leased: Those of them whose lease is ours.
        is_there: Whether the conversation exists.
        is_admitted: Whether the limit admits a call.
        conversation: The fields of `Conversation` as JSON; ``None`` without a lease.
    """

    waiting: list[int]
    leased: list[int]
    is_there: bool
    is_admitted: bool
    conversation: dict[str, Any] | None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The row of `effects.FINISH` and `effects.SAVE`.

    Attributes:
        is_ours: Whether the lease still was ours; else nothing was done.
        saved: Memories that were saved.
    """

    is_ours: bool
    saved: int


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What was saved, in memories; see `known.Sorted`."""

    saved: int = 0
    told_again: int = 0
    taken_back: int = 0
