"""What a language model is asked: pure functions from rows to prompts."""

from collections.abc import Sequence

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
        parts.append(f"What you know about the person:\n{facts}")
    if summary:
        parts.append(f"Summary of the conversation so far:\n{summary}")
    return Prompt("\n\n".join(parts), _from_user(history))


def summary_prompt(history: Sequence[Turn], summary: str | None) -> Prompt:
    """Ask for a summary that continues ``summary`` with ``history``."""
    lines = [f"{turn.role}: {turn.text}" for turn in history]
    if summary:
        lines.insert(0, f"earlier summary: {summary}")
    return Prompt(SUMMARY_INSTRUCTIONS, (Turn("user", "\n\n".join(lines)),))


def _from_user(history: Sequence[Turn]) -> tuple[Turn, ...]:
    """Drop leading answers: Gemini refuses contents that the model begins."""
    start = next(
        (index for index, turn in enumerate(history) if turn.role == "user"),
        len(history),
    )
    return tuple(history[start:])
