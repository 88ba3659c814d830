"""The one message that answers another: what it holds, and its id."""

from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import msgspec

from functions.llm_handler.rows import Answer, Taken
from functions.shared.extraction_policy import Answered, Policy, Reading
from functions.shared.providers.interface import Completion
from functions.shared.providers.spending import Cost

ANSWERS = uuid5(NAMESPACE_URL, "kiloscale:answers")
"""Namespace of the answers' ids."""


def answer_id(message_id: UUID) -> UUID:
    """Give the id of the one answer to a message."""
    return uuid5(ANSWERS, str(message_id))


def reply(
    outbox_id: int,
    taken: Taken,
    *,
    completion: Completion,
    cost: Cost,
    policy: Policy,
) -> Answer:
    """Answer with what a model wrote.

    Args:
        outbox_id: The row that asked for it.
        taken: The message.
        completion: What the model wrote.
        cost: What that cost.
        policy: When the turn is read for memories.
    """
    # PostgreSQL's text holds every character but this one.
    text = completion.text.replace("\0", "")
    meta: dict[str, object] = {
        "model": completion.model,
        "input_tokens": cost.input_tokens,
        "output_tokens": cost.output_tokens,
    }
    if cost.is_estimate:
        meta["tokens"] = "estimated"
    turn = Answered(
        message_id=answer_id(taken.message_id),
        asked=taken.history[-1].text if taken.history else "",
        answered=text,
        messages=taken.message_count + 1,
    )
    return _answer(
        outbox_id, taken, text=text, meta=meta, cost=cost, reading=policy(turn)
    )


def refusal(outbox_id: int, taken: Taken, text: str) -> Answer:
    """Answer without a model, because the day's budget is used up.

    Args:
        outbox_id: The row that asked for an answer.
        taken: The message.
        text: What the user is told.
    """
    meta: dict[str, object] = {"refused": "budget"}
    return _answer(outbox_id, taken, text=text, meta=meta, cost=None, reading=None)


def _answer(
    outbox_id: int,
    taken: Taken,
    *,
    text: str,
    meta: dict[str, object],
    cost: Cost | None,
    reading: Reading | None,
) -> Answer:
    """Put an answer together."""
    call_id = uuid4().hex
    whole = {"reply_to": taken.message_id, "call_id": call_id, **meta}
    return Answer(
        outbox_id=outbox_id,
        message_id=taken.message_id,
        chat_id=taken.chat_id,
        answer_id=answer_id(taken.message_id),
        text=text,
        reading=reading,
        meta=msgspec.json.encode(whole).decode(),
        call_id=call_id,
        cost=cost,
        memory_ids=[memory.id for memory in taken.memories] if cost else [],
    )
