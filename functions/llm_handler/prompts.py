"""What a language model is asked: pure functions from rows to prompts."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from functions.shared.prompts import Prompt, Turn

DEFAULT_INSTRUCTIONS = (
    "You are the assistant of a chat app. Answer the last message in its language,"
    " in a few sentences unless more is asked for. Use what you know of the person"
    " only where it helps."
)

SUMMARY_INSTRUCTIONS = (
    "Summarise the conversation for your own later use, in at most 200 words:"
    " what the person wants, decided, felt and asked to remember. Keep names, dates"
    " and numbers. Continue the earlier summary, if there is one. Write the summary"
    " only."
)

BUDGET_TEXT = (
    "You have reached today's limit for answers. Your message is saved; please write"
    " again tomorrow."
)
"""Answer to whoever used up the day's budget, unless the configuration has another."""

KNOWN = "What you know about the person:\n"
SUMMARISED = "Summary of the conversation so far:\n"

NAME_MAX = 60
"""Characters of a name that stand before what its owner said."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the history.

    Attributes:
        role: Who speaks.
        text: What was said.
        user_id: Who wrote it, if the app says.
        user_name: Name of the writer, likewise.
    """

    role: Literal["user", "assistant"]
    text: str
    user_id: UUID | None = None
    user_name: str | None = None


def turns_of(history: Sequence[Said]) -> list[Turn]:
    """Make turns of messages; with names where several people speak."""
    speakers = {said.user_id for said in history if said.role == "user"} - {None}
    if len(speakers) < 2:
        return [Turn(said.role, said.text) for said in history]
    return [Turn(said.role, _named(said)) for said in history]


def answer_prompt(
    history: Sequence[Turn],
    memories: Sequence[str],
    summary: str | None,
    instructions: str | None = None,
) -> Prompt:
    """Ask for the answer to the last turn.

    Args:
        history: Oldest first; the last is the message to answer.
        memories: What is known about the person, most relevant first.
        summary: Summary of what came before ``history``.
        instructions: Replaces the default instructions.
    """
    parts = [instructions or DEFAULT_INSTRUCTIONS]
    if memories:
        facts = "\n".join(f"- {memory}" for memory in memories)
        parts.append(f"{KNOWN}{facts}")
    if summary:
        parts.append(f"{SUMMARISED}{summary}")
    return Prompt("\n\n".join(parts), _from_user(history))


def summary_prompt(history: Sequence[Turn], summary: str | None) -> Prompt:
    """Ask for a summary that continues ``summary`` with ``history``."""
    lines = [f"{turn.role}: {turn.text}" for turn in history]
    if summary:
        lines.insert(0, f"earlier summary: {summary}")
    return Prompt(SUMMARY_INSTRUCTIONS, (Turn("user", "\n\n".join(lines)),))


def fixed_bytes(instructions: str | None) -> int:
    """Give the UTF-8 bytes of an answer's prompt besides what the database adds.

    Args:
        instructions: As in `answer_prompt`.
    """
    parts = [instructions or DEFAULT_INSTRUCTIONS, KNOWN, SUMMARISED]
    return len("\n\n".join(parts).encode())


def _named(said: Said) -> str:
    """Put the name of whoever said something before it, as one short line."""
    name = " ".join((said.user_name or "").split())[:NAME_MAX]
    return f"{name}: {said.text}" if said.role == "user" and name else said.text


def _from_user(history: Sequence[Turn]) -> tuple[Turn, ...]:
    """Drop leading answers: Gemini refuses contents that the model begins."""
    start = next(
        (index for index, turn in enumerate(history) if turn.role == "user"),
        len(history),
    )
    return tuple(history[start:])
