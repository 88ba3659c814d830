"""From a model's answer to the memories that may be kept: pure functions."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from functions.extract_memory.prompts import Message, numbered
from functions.extract_memory.safety import refusal
from functions.extract_memory.similarity import canonical_hash, tells_the_same

CONFIDENCE_MIN = 0.82
"""Least confidence of a memory: the lowest that the app's own memories have, whose
values run from 0.82 to 0.99."""

VALUE_MIN = 0.5
"""Least value, a choice and not measured: an answer is given at most 20 memories, so
one that is more likely of no use than of use takes the place of a better one."""

HORIZON_MIN_DAYS = 7.0
"""Shortest time that a memory must stay true, in days; a choice and not measured. A
memory is given to every later answer, so what is over within a week ("has an exam
tomorrow") would mislead for longer than it helps."""

TEXT_MIN = 8
TEXT_MAX = 500
"""Characters of a memory: a sentence, not a word and not an essay."""

ANSWER_MEMORIES_MAX = 50
"""Memories of one answer; the prompt asks for 5. More is not an answer to it."""

_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_FIELD = re.compile(r" - at `([^`]*)`$")

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """One memory, as the model writes it.

    Attributes:
        source: Number of the message that told it.
        value: How much it helps to know it.
        horizon_days: How long it will stay true.
    """

    source: int
    memory_text: str
    memory_type: Literal["fact", "emotion", "goal", "pattern", "relationship"]
    confidence: _Share
    value: _Share
    horizon_days: Annotated[float, msgspec.Meta(ge=0)]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One memory, as the columns of ``user_memory`` name it.

    Attributes:
        source_message_id: The user's message that told it.
        canonical_hash: Equal for texts that differ in case, spaces or punctuation.
        value: As `Memory` has it, for ``memory_metadata``; so has ``horizon_days``.
        is_second_look: Whether its message was read before.
    """

    source_message_id: UUID
    memory_text: str
    memory_type: str
    confidence_score: float
    canonical_hash: str
    value: float
    horizon_days: float
    is_second_look: bool = False


class UnreadableAnswerError(Exception):
    """The model's answer is not what was asked for.

    Attributes:
        reason: What is wrong with its form; never a part of it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_Answer = Annotated[list[Memory], msgspec.Meta(max_length=ANSWER_MEMORIES_MAX)]
_decoder = msgspec.json.Decoder(_Answer)


def decode(answer: str) -> list[Memory]:
    """Read a model's answer: JSON, or JSON within a Markdown fence.

    Raises:
        UnreadableAnswerError: It is no JSON, or of another form.
    """
    fenced = _FENCE.fullmatch(answer.strip())
    try:
        return _decoder.decode(fenced.group(1) if fenced else answer)
    except msgspec.ValidationError as error:
        # The error's text may quote the answer; the path in it does not.
        found = _FIELD.search(str(error))
        place = found.group(1) if found else "$"
        raise UnreadableAnswerError(f"answer: wrong at {place}") from error
    except (ValueError, RecursionError) as error:  # not JSON, or too deep
        raise UnreadableAnswerError("answer: not JSON") from error


def keep(
    memories: Sequence[Memory], messages: Sequence[Message]
) -> tuple[list[Kept], Counter[str]]:
    """Choose the memories that may be kept, at most one for each message.

    Args:
        memories: What the model answered.
        messages: What it was asked about, as `extraction_prompt` got it.

    Returns:
        Those, the surest first, and how many of the others each reason refused.
    """
    sources = {
        number: each
        for number, each in numbered(messages).items()
        if each.role == "user"
    }
    kept: dict[UUID, Kept] = {}
    refused: Counter[str] = Counter()
    for memory in sorted(memories, key=lambda each: -each.confidence):
        # PostgreSQL's text holds every character but this one.
        text = " ".join(memory.memory_text.replace("\0", " ").split())
        if reason := _why_not(memory, text):
            refused[reason] += 1
        elif (source := sources.get(memory.source)) is None:
            refused["unsourced"] += 1
        elif any(tells_the_same(text, each.memory_text) for each in kept.values()):
            refused["repeated"] += 1
        elif source.id in kept:
            refused["second of its message"] += 1
        else:
            kept[source.id] = Kept(
                source_message_id=source.id,
                memory_text=text,
                memory_type=memory.memory_type,
                # The column has three decimals.
                confidence_score=round(memory.confidence, 3),
                canonical_hash=canonical_hash(text),
                value=memory.value,
                horizon_days=memory.horizon_days,
                is_second_look=source.is_read,
            )
    return list(kept.values()), refused


def _why_not(memory: Memory, text: str) -> str | None:
    """Say why a memory is refused."""
    if memory.confidence < CONFIDENCE_MIN:
        return "unsure"
    if memory.value < VALUE_MIN:
        return "of little value"
    if memory.horizon_days < HORIZON_MIN_DAYS:
        return "soon over"
    if not TEXT_MIN <= len(text) <= TEXT_MAX:
        return "length"
    return refusal(text)
