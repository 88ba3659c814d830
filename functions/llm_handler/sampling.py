"""Decide in which answers memories are looked for: the plan's policy ``sampled``."""

import hashlib
from uuid import UUID

TEXT_MIN = 50
"""Answers under this many characters are skipped: generic ones, says the plan."""

MESSAGES_MIN = 3
"""Conversations with fewer messages are skipped: too little context, says the plan."""

RATE = 0.20
MATURITY_RATE = 0.10
MATURE_AT = 100
"""The plan's shares: 20 % of the rest, and up to 10 % more in proportion to the
messages of the conversation, of which 100 make it mature."""


def rate(text: str, messages: int) -> float:
    """Give the share of such answers that is read for memories.

    Args:
        text: The answer.
        messages: Messages of its conversation, this one included; more than
            `MATURE_AT` count like `MATURE_AT`.
    """
    if len(text) < TEXT_MIN or messages < MESSAGES_MIN:
        return 0.0
    return RATE + MATURITY_RATE * min(messages / MATURE_AT, 1.0)


def is_sampled(message_id: UUID, text: str, messages: int) -> bool:
    """Decide for one answer; a repetition decides the same.

    Args:
        message_id: The answer's id: its hash is the lot that is drawn.
        text: As in `rate`.
        messages: As in `rate`.
    """
    digest = hashlib.sha256(message_id.bytes).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < rate(text, messages)
