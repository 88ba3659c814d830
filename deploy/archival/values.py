"""What the tasks of archival are told, checked before anything is touched."""

from uuid import UUID

from deploy.errors import UsageError

MONTHS = (1, 1200)
KEEP = (1, 100_000)
HARD_DELETE_MONTHS = (6, 1200)
ROWS = (0, 2**63 - 1)
"""Ranges that the database's own functions refuse to leave as well: see
``migrations/20251107000700_add_message_archival.sql`` and ``...000800``."""


def conversation(text: str) -> UUID:
    """Read the id of a conversation.

    Raises:
        UsageError: It is none.
    """
    try:
        return UUID(text)
    except ValueError:
        given = f"got {text!r}" if text else "nothing was given"
        raise UsageError(
            f"--conversation must be the id of a conversation, a UUID, {given};"
            " nothing was changed",
            remedy="./bootstrap db.restore --help",
        ) from None
