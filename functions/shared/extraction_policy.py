"""When a conversation is read for memories: pure functions, by name."""

import hashlib
from collections.abc import Callable, Mapping
from uuid import UUID

import msgspec

from functions.shared.personal_gate import may_tell

TEXT_MIN = 50
"""Answers under this many characters are skipped: generic ones, says the plan."""

MESSAGES_MIN = 3
"""Conversations with fewer messages are skipped: too little context, says the plan."""

RATE = 0.20
MATURITY_RATE = 0.10
MATURE_AT = 100
"""The plan's shares: 20 % of the rest, and up to 10 % more in proportion to the
messages of the conversation, of which 100 make it mature."""

WINDOW = 8
"""Messages that a reading of the plan's kind sees: four turns."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that has just been completed.

    Attributes:
        message_id: Id of the assistant's message: its hash is the lot that is drawn.
        asked: What the user said.
        answered: What the assistant said.
        messages: Messages of the conversation, these included; more than `MATURE_AT`
            count like `MATURE_AT`.
    """

    message_id: UUID
    asked: str
    answered: str
    messages: int


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """When the turn is read; the arguments of ``kiloscale.defer_extraction``.

    Attributes:
        turns_max: With so many turns waiting, the conversation is read at once; 1 reads
            each turn.
        idle_s: It is read as well when nothing was said for so long, in seconds.
        window: Messages that the reading sees, the newest included; ``None`` for all
            that was not read before.
    """

    turns_max: int
    idle_s: int
    window: int | None


Policy = Callable[[Answered], Reading | None]
"""Decides for one turn; ``None`` does not count it. A repetition decides the same."""

AT_ONCE = Reading(turns_max=1, idle_s=0, window=WINDOW)

RESTED = Reading(turns_max=20, idle_s=300, window=None)
"""Read when nothing was said for five minutes, and before so much waits that one
reading cannot hold it: 20 turns are 40 messages."""

GATHERED = Reading(turns_max=8, idle_s=900, window=None)
"""Eight turns that can tell something, or a quarter of an hour of rest. Measured on two
seeds with ``./bootstrap policy-lab``: 6 turns or 5 minutes find no more and call more
often, 20 turns find 1 % less, half an hour makes memories late and saves nothing."""


def rate(text: str, messages: int) -> float:
    """Give the share of such answers that the plan reads.

    Args:
        text: The answer.
        messages: As in `Answered`.
    """
    if len(text) < TEXT_MIN or messages < MESSAGES_MIN:
        return 0.0
    return RATE + MATURITY_RATE * min(messages / MATURE_AT, 1.0)


def lot(message_id: UUID) -> float:
    """Draw a number from 0 to 1, always the same for a message."""
    digest = hashlib.sha256(message_id.bytes).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def sampled(turn: Answered) -> Reading | None:
    """Draw a share of the turns: the plan's policy."""
    drawn = lot(turn.message_id) < rate(turn.answered, turn.messages)
    return AT_ONCE if drawn else None


def every_turn(turn: Answered) -> Reading | None:
    """Read each turn: what the policies are measured against."""
    return AT_ONCE


def debounced(turn: Answered) -> Reading | None:
    """Wait until the conversation rests, then read all that is unread."""
    return RESTED


def gathered(turn: Answered) -> Reading | None:
    """Count turns that can tell something, and read many of them together."""
    return GATHERED if may_tell(turn.asked) else None


_POLICIES: Mapping[str, Policy] = {
    "gathered": gathered,
    "debounced": debounced,
    "sampled": sampled,
    "every-turn": every_turn,
}
POLICIES = tuple(_POLICIES)


def policy(name: str) -> Policy:
    """Give a policy by its name, one of `POLICIES`."""
    return _POLICIES[name]
