"""The comment that heads a migration file: what it does, locks and takes back."""

import re
from dataclasses import dataclass

PHASES = ("expand", "backfill", "contract")
FIELDS = ("Phase", "Locks", "Transaction", "Reversal", "Follow-up")
REQUIRED = ("Phase", "Locks", "Reversal", "Follow-up")

_FIELD = re.compile(rf"({'|'.join(FIELDS)}):\s*(.*)")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The fields of a header, each with its lines joined.

    Attributes:
        purpose: What the file does; the text before the first field.
        phase: ``expand``, ``backfill`` or ``contract``, and a remark.
        locks: Which locks it takes, and whom they stop.
        in_transaction: Whether the file runs in one transaction; ``Transaction:
            none`` runs it statement by statement.
        reversal: How to undo it.
        follow_up: What comes after it.
    """

    purpose: str
    phase: str
    locks: str
    in_transaction: bool
    reversal: str
    follow_up: str


def parse_header(text: str) -> tuple[Header, list[str]]:
    """Read the header of a migration.

    Args:
        text: The whole file.

    Returns:
        The header, with empty texts for what is missing, and one line for each
        problem.
    """
    fields = {"Purpose": ""}
    current = "Purpose"
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        words = line[2:].strip()
        if found := _FIELD.match(words):
            current, words = found.group(1), found.group(2)
        fields[current] = f"{fields.get(current, '')} {words}".strip()
    header = Header(
        purpose=fields["Purpose"],
        phase=fields.get("Phase", ""),
        locks=fields.get("Locks", ""),
        in_transaction="Transaction" not in fields,
        reversal=fields.get("Reversal", ""),
        follow_up=fields.get("Follow-up", ""),
    )
    return header, _problems(fields)


def _problems(fields: dict[str, str]) -> list[str]:
    """List what a header lacks or says wrongly."""
    problems = []
    missing = [name for name in REQUIRED if not fields.get(name)]
    if not fields["Purpose"]:
        missing.insert(0, "a first line that says what it is for")
    if missing:
        problems.append(f"header lacks {', '.join(missing)}")
    phase = fields.get("Phase", "")
    if phase and phase.split()[0] not in PHASES:
        problems.append(f"Phase must begin with {' or '.join(PHASES)}, got {phase!r}")
    if fields.get("Transaction", "none") != "none":
        problems.append(f"Transaction can only be none, got {fields['Transaction']!r}")
    return problems
