"""Faults of a language model, chosen by each request for itself.

A model named ``standin-<fault>`` or the header ``x-standin-fault: <fault>`` chooses:
``echo``, ``slow-<ms>``, ``429``, ``500``, ``garbage``, ``empty``. Any other model
name echoes.
"""

import asyncio
import json
import re
from collections.abc import Mapping

from starlette.responses import Response

PREFIX = "standin-"
HEADER = "x-standin-fault"
LONGEST_MS = 120_000

MEMORY_FIELD = "memory_text"
"""Stands in the instructions of whoever asks for memories."""

_SAID = re.compile(r"\[(\d+)\] user: (.*)")

KNOWN = frozenset({"echo", "429", "500", "garbage", "empty"})


class UnknownFaultError(Exception):
    """No fault has this name."""


def fault_of(model: str, headers: Mapping[str, str]) -> str:
    """Name the fault that a request asks for; the header wins.

    Returns:
        ``echo`` for none.

    Raises:
        UnknownFaultError: There is no such fault.
    """
    fault = headers.get(HEADER) or (
        model.removeprefix(PREFIX) if model.startswith(PREFIX) else "echo"
    )
    if fault not in KNOWN and not _is_slow(fault):
        raise UnknownFaultError(fault)
    return fault


def _is_slow(fault: str) -> bool:
    kind, _, ms = fault.partition("-")
    return kind == "slow" and ms.isdigit() and int(ms) <= LONGEST_MS


async def wait(fault: str) -> None:
    """Wait as long as the fault says; no time for all but ``slow-<ms>``."""
    if _is_slow(fault):
        await asyncio.sleep(int(fault.partition("-")[2]) / 1000)


def garbage() -> Response:
    """Answer 200 with what a broken proxy would send."""
    return Response("<html><body>upstream", media_type="text/html")


def answer_to(text: str, instructions: str = "") -> str:
    """Make the answer to a message; the same message always gets the same one.

    Args:
        text: What the user said last.
        instructions: What the system prompt says. If it asks for JSON with the field
            ``memory_text``, the answer is such JSON.
    """
    if MEMORY_FIELD in instructions:
        return memories_of(text)
    return f"You said: {text}" if text else "You said nothing."


def memories_of(conversation: str) -> str:
    """Make one memory of each thing that the user said, as JSON.

    Args:
        conversation: Lines that begin with a number in brackets and ``user:`` are the
            user's.
    """
    said = [
        (int(found.group(1)), found.group(2))
        for line in conversation.splitlines()
        if (found := _SAID.match(line))
    ]
    return json.dumps(
        [
            {
                "source": number,
                "memory_text": f"Said: {text}",
                "memory_type": "fact",
                "confidence": 0.9,
                "value": 0.9,
                "horizon_days": 365,
            }
            for number, text in said
        ]
    )


def tokens(text: str) -> int:
    """Estimate the tokens of a text, 4 characters each; at least 1."""
    return max(1, len(text) // 4)
