"""From a model's answer to the memories that may be kept: pure functions."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from functions.extract_memory.safety import refusal

CONFIDENCE_MIN = 0.82
"""Least confidence of a memory: the lowest that the app's own memories have, whose
values run from 0.82 to 0.99."""

TEXT_MIN = 8
TEXT_MAX = 500
"""Characters of a memory: a sentence, not a word and not an essay."""

ANSWER_MEMORIES_MAX = 50
"""Memories of one answer; the prompt asks for 5. More is not an answer to it."""

_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_FIELD = re.compile(r" - at `([^`]*)`$")


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """One memory, as the model writes it."""

    memory_text: str
    memory_type: Literal["fact", "emotion", "goal", "pattern", "relationship"]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One memory, as the columns of ``user_memory`` name it.

    Attributes:
        canonical_hash: Equal for texts that differ in case, spaces or punctuation.
    """

    memory_text: str
    memory_type: str
    confidence_score: float
    canonical_hash: str


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


def keep(memories: Sequence[Memory]) -> tuple[list[Kept], Counter[str]]:
    """Choose the memories that may be kept.

    Returns:
        Those, the surest first, and how many of the others each reason refused.
    """
    kept: dict[str, Kept] = {}
    refused: Counter[str] = Counter()
    for memory in sorted(memories, key=lambda each: -each.confidence):
        # PostgreSQL's text holds every character but this one.
        text = " ".join(memory.memory_text.replace("\0", " ").split())
        digest = canonical_hash(text)
        if reason := _why_not(memory, text):
            refused[reason] += 1
        elif digest in kept:
            refused["repeated"] += 1
        else:
            kept[digest] = Kept(
                memory_text=text,
                memory_type=memory.memory_type,
                # The column has three decimals.
                confidence_score=round(memory.confidence, 3),
                canonical_hash=digest,
            )
    return list(kept.values()), refused


def canonical_hash(text: str) -> str:
    """Digest what a text says, without case, accents' encoding and punctuation.

    >>> canonical_hash("Likes  tea.") == canonical_hash("likes tea")
    True
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = re.sub(r"[^\w]+", " ", folded).split()
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def _why_not(memory: Memory, text: str) -> str | None:
    """Say why a memory is refused."""
    if memory.confidence < CONFIDENCE_MIN:
        return "unsure"
    if not TEXT_MIN <= len(text) <= TEXT_MAX:
        return "length"
    return refusal(text)
