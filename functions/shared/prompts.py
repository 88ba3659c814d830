"""What a language model is asked, whichever it is."""

from typing import Literal

import msgspec


class Turn(msgspec.Struct, frozen=True):
    """One message of the conversation."""

    role: Literal["user", "assistant"]
    text: str


class Prompt(msgspec.Struct, frozen=True):
    """Instructions, and the turns, of which the last is the user's."""

    instructions: str
    turns: tuple[Turn, ...]
