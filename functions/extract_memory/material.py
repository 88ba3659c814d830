"""What a gathered reading shows of a conversation: a pure function.

Long material makes a model miss things, and costs. Most of a conversation is what the
assistant wrote, which tells nothing about the person: of it, only what a short message
needs to be understood is shown.
"""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from functions.extract_memory.prompts import Message
from functions.shared.personal_gate import may_tell

SHORT = 40
"""Characters up to which a message may be the answer to a question, or choose from a
list; a longer one says by itself what it is about. With 80 the longer material loses
more than the lists explain (``./bootstrap policy-lab``, 8 seeds)."""

QUESTION = 150
"""Characters at the end of an assistant's message that hold its question; with 300
less is found."""

_POINTS = re.compile(
    r"\d|\b(?:first|second|third|last|both|all|neither|none"
    r"|erste|zweite|dritte|letzte|beide|alle"
    r"|premier|première|deuxième|second|seconde|dernière?|deux"
    r"|primer|primera|segund[oa]|tercer[oa]?|últim[oa]|amb[oa]s)\w?\b",
    re.IGNORECASE,
)


def chosen(messages: Sequence[Message]) -> list[Message]:
    """Choose what can tell something about the person, and what it needs.

    What was read before is read again, for a model that missed something may see it at
    a second look; a message gives one memory at most, however often it is read.

    Args:
        messages: What is unread and some messages before it, oldest first.

    Returns:
        The user's messages that can tell something, each with the question or the
        list before it if it needs that. Nothing, if what is unread can tell nothing.
    """
    shown: list[Message] = []
    before: Message | None = None
    is_new = False
    for message in messages:
        if message.role == "user" and may_tell(message.text):
            if before is not None and (asked := _needed(before.text, message.text)):
                shown.append(replace(before, text=asked))
            shown.append(message)
            is_new = is_new or not message.is_read
        before = message if message.role == "assistant" else None
    return shown if is_new else []


def _needed(asked: str, said: str) -> str:
    """Give what a message needs of the assistant's message before it."""
    if len(said) > SHORT:
        return ""
    if _POINTS.search(said):
        return asked
    end = asked[-QUESTION:]
    return end if "?" in end else ""
