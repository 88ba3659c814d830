"""Reads an export of one's own conversations: JSON lines, one message a line."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

from deploy.errors import UsageError
from deploy.policy_lab.conversations import Corpus, Message, Told

ROLES = ("user", "assistant", "system")
PROBLEMS_MAX = 5
"""Problems that an error shows; the others are counted."""

NAMES = UUID("5d0f1f2e-6f0a-4f7e-8a52-0c6a6f2b7d11")
REMEDY = "see docs/policy-lab.md for the form of the file and the command that makes it"


class LineError(Exception):
    """A line is not a message."""


def exported(path: Path) -> Corpus:
    """Read an export.

    Each line is ``{"conversation": str, "role": "user" | "assistant" | "system",
    "text": str, "created_at": ISO 8601}``, and may have ``"person": str`` and
    ``"facts": [str]``, the facts that the message tells. Messages of the system are
    left out.

    Raises:
        UsageError: The file is not there, or not of this form. It names lines and
            fields, never what they say.
    """
    messages, problems = [], []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            message = _message(number, line)
        except LineError as error:
            problems.append(f"line {number}: {error}")
        else:
            messages += [message] if message.role != "system" else []
    if problems:
        more = len(problems) - PROBLEMS_MAX
        shown = problems[:PROBLEMS_MAX] + ([f"and {more} more"] if more > 0 else [])
        raise UsageError(f"{path}: {'; '.join(shown)}", remedy=REMEDY)
    if not any(each.role == "assistant" for each in messages):
        raise UsageError(
            f"{path}: no answer of an assistant in {len(messages)} messages; there is"
            " no turn to replay",
            remedy=REMEDY,
        )
    messages.sort(key=lambda each: each.at)
    several = len({each.person for each in messages}) > 1
    return Corpus(
        name=path.name,
        messages=messages,
        clusters="person" if several else "chat",
    )


def _lines(path: Path) -> Iterator[str]:
    """Give the lines of a file."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from file
    except OSError as error:
        reason = (error.strerror or "not readable").lower()
        raise UsageError(f"--input {path}: {reason}", remedy=REMEDY) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--input {path}: not UTF-8", remedy=REMEDY) from error


def _message(number: int, line: str) -> Message:
    """Read one line."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError("not JSON") from error
    if not isinstance(found, dict):
        raise LineError("must be an object")
    role = found.get("role")
    if role not in ROLES:
        raise LineError(f"role must be one of {', '.join(ROLES)}")
    for name in ("conversation", "text"):
        if not isinstance(found.get(name), str):
            raise LineError(f"{name} must be a string")
    person = found.get("person", "")
    if not isinstance(person, str):
        raise LineError("person must be a string")
    facts = found.get("facts")
    if facts is not None and not (
        isinstance(facts, list) and all(isinstance(each, str) for each in facts)
    ):
        raise LineError("facts must be a list of strings")
    return Message(
        id=uuid5(NAMES, f"{number}:{found['conversation']}"),
        chat=found["conversation"],
        person=person,
        role=role,
        text=found["text"],
        at=_time(found.get("created_at")),
        told=tuple(Told(fact=each, way="labelled") for each in facts or ()),
    )


def _time(value: object) -> float:
    """Read a time; without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise LineError("created_at must be a time in ISO 8601") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
