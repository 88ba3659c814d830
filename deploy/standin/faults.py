"""Faults of a language model, chosen by each request for itself.

A model named ``standin-<fault>`` or the header ``x-standin-fault: <fault>`` chooses:
``echo``, ``slow-<ms>``, ``429``, ``500``, ``garbage``, ``empty``. Any other model
name echoes.
"""

import asyncio
from collections.abc import Mapping

from starlette.responses import Response

PREFIX = "standin-"
HEADER = "x-standin-fault"
LONGEST_MS = 120_000

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


def answer_to(text: str) -> str:
    """Make the answer to a message; the same message always gets the same one."""
    return f"You said: {text}" if text else "You said nothing."


def tokens(text: str) -> int:
    """Estimate the tokens of a text, 4 characters each; at least 1."""
    return max(1, len(text) // 4)
