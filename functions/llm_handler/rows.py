"""What the queries of llm_handler take and give."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from functions.llm_handler.prompts import Said
from functions.shared.extraction_policy import Reading
from functions.shared.providers.spending import Cost

BudgetState = Literal["granted", "busy", "spent"]
"""What ``kiloscale.hold_llm_budget`` says."""


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds the cost of an answer whose history only the database knows yet.

    Attributes:
        input_usd: Price of a million tokens of the prompt, in USD.
        fixed_microusd: Cost of the instructions and of the longest output, in
            millionths of a USD.
        day_microusd: What a user may spend in a UTC day, likewise.
    """

    input_usd: float
    fixed_microusd: int
    day_microusd: int


class Memory(msgspec.Struct, frozen=True):
    """What is known about a user, and the row of it."""

    id: UUID
    text: str


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose lease is ours, with all that its answer needs.

    Attributes:
        message_id: The message to answer.
        chat_id: Its conversation.
        user_id: Owner of the conversation.
        history: Oldest first, the message last.
        unsummarised: Messages of the history that no summary covers.
        message_count: Messages of the conversation, at most `MATURE_AT`.
        memories: Most relevant first.
        summary: The latest one.
        budget: Whether the most that the answer may cost is held for it.
        ceiling_microusd: That most, in millionths of a USD.
        has_realtime: Whether this database has Supabase's ``realtime.send``.
    """

    message_id: UUID
    chat_id: UUID
    user_id: UUID
    history: list[Said]
    unsummarised: int
    message_count: int
    memories: list[Memory]
    summary: str | None
    budget: BudgetState
    ceiling_microusd: int
    has_realtime: bool


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The row of `statements.TAKE`.

    Attributes:
        is_waiting: Whether the outbox row still exists.
        leased_until: End of our lease; ``None`` if another consumer has one.
        message: The fields of `Taken` as JSON; ``None`` if the message was deleted.
    """

    is_waiting: bool
    leased_until: datetime | None
    message: dict[str, Any] | None

    def taken(self) -> Taken | None:
        """Give what the lease is for."""
        return msgspec.convert(self.message, Taken) if self.message else None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What `queries.save` writes.

    Attributes:
        outbox_id: The row that asked for it.
        message_id: The message that it answers.
        chat_id: Its conversation.
        answer_id: Its id, and its ``client_msg_id``. Derived from ``message_id``: a
            second answer has the same.
        text: The answer.
        reading: When the turn is read for memories; ``None`` for never.
        meta: ``messages.meta`` as JSON.
        call_id: ``call_id`` in it: names the call of the model.
        cost: What the call cost; ``None`` if there was none.
        memory_ids: Memories that the model was told.
    """

    outbox_id: int
    message_id: UUID
    chat_id: UUID
    answer_id: UUID
    text: str
    reading: Reading | None
    meta: str
    call_id: str
    cost: Cost | None
    memory_ids: list[UUID]


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What `queries.save` did.

    Attributes:
        answer_id: The answer; ``None`` if another consumer had saved one.
        turn_count: Turns of the conversation, this one included.
        last_summary_at_turn: Its turns when the last summary was written.
        notice_id: Outbox row of the realtime event; 0 if it went with the commit,
            ``None`` if there is none.
        extraction_id: Outbox row that asks for memories and is to be sent now;
            ``None`` if the turn waits or is never read.
        settled: 1 if the cost was counted; 0 on a second run.
    """

    answer_id: UUID | None
    turn_count: int
    last_summary_at_turn: int
    notice_id: int | None
    extraction_id: int | None
    settled: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What `queries.save_summary` writes.

    Attributes:
        outbox_id: The row of the turn after which it was written.
        user_id: Owner of the conversation.
        chat_id: The conversation.
        message_id: The newest message that it covers.
        text: The summary.
        turn_count: Turns of the conversation.
        last_summary_at_turn: Its turns when the last summary was written.
        message_count: Messages that the model read for it.
        cost: What the call of the model cost.
    """

    outbox_id: int
    user_id: UUID
    chat_id: UUID
    message_id: UUID
    text: str
    turn_count: int
    last_summary_at_turn: int
    message_count: int
    cost: Cost
