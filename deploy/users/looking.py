"""What a deletion of a user would do, table by table."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow, class_row

from deploy.errors import DeployError, UsageError

Connection = psycopg.Connection[TupleRow]

PREVIEW = """
select tab as table, act, rows, why from kiloscale.preview_user_deletion(%s) order by n
"""
SLOW_ROWS = 10_000
"""Rows above which a foreign key without an index makes a deletion slow."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the preview.

    Attributes:
        table: Qualified name.
        act: ``delete``, ``hand``, ``stop``, ``others``, ``clears``, ``kept``, ``slow``.
        rows: How many rows; ``None`` if the role may not read the table.
        why: What points there, or what is to be done.
    """

    table: str
    act: str
    rows: int | None
    why: str


@dataclass(frozen=True, kw_only=True)
class Looked:
    """All that was found of a user."""

    lines: Sequence[Line]

    def of(self, *acts: str) -> list[Line]:
        """Give the lines of some acts that are about any row."""
        return [line for line in self.lines if line.act in acts and line.rows != 0]

    @property
    def to_delete(self) -> dict[str, int]:
        """Rows that a deletion would delete, by table."""
        return {line.table: line.rows or 0 for line in self.of("delete")}

    def stops(self, allowed: Sequence[str]) -> list[Line]:
        """Give what stops a deletion."""
        return [
            line
            for line in self.of("stop", "others")
            if line.act == "stop" or line.table not in allowed
        ]

    @property
    def slow(self) -> list[Line]:
        """Give the foreign keys that need an index first."""
        return [line for line in self.of("slow") if (line.rows or 0) > SLOW_ROWS]


def user_id(text: str) -> UUID:
    """Read ``--user``.

    Raises:
        UsageError: It is no UUID.
    """
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(
            f"--user {text!r} is no id of a user (a UUID); nothing was changed",
            remedy="./bootstrap user.delete --user ID --dry-run",
        ) from None


def mark(user: UUID) -> str:
    """Give what stands for a user in the run log, as ``kiloscale.user_mark`` does.

    >>> mark(UUID("00000000-0000-0000-0000-00000000000a"))
    '39d3159fe171bad3'
    """
    return hashlib.sha256(str(user).encode()).hexdigest()[:16]


def look(conn: Connection, user: UUID) -> Looked:
    """Count what is theirs; reads every table that may hold it.

    Raises:
        DeployError: The migrations are not applied.
    """
    try:
        with conn.cursor(row_factory=class_row(Line)) as cursor:
            return Looked(lines=cursor.execute(PREVIEW, [user]).fetchall())
    except (
        psycopg.errors.UndefinedFunction,
        psycopg.errors.InvalidSchemaName,
    ) as error:
        raise DeployError(
            "the migrations are not applied; nothing was changed",
            remedy="./bootstrap deploy --only migrations",
        ) from error
