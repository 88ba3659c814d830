"""The indexes that the migrations build by name: they are declared there, once."""

import re
from dataclasses import dataclass
from pathlib import Path

from deploy.paths import REPOSITORY

MIGRATIONS = REPOSITORY / "migrations"

_BUILD = re.compile(
    r"^create\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?"
    r"(?P<name>\w+)\s+on\s+(?P<schema>\w+)\.(?P<table>\w+)\s*[^;]*;",
    re.MULTILINE | re.IGNORECASE,
)
_COMMENT = re.compile(r"--[^\n]*")


@dataclass(frozen=True, kw_only=True)
class DeclaredIndex:
    """An index that a migration builds.

    Attributes:
        version: Version of the migration.
        schema: Schema of the table, and so of the index.
        table: The table, bare.
        name: The index, bare.
        statement: What builds it.
    """

    version: str
    schema: str
    table: str
    name: str
    statement: str

    @property
    def command(self) -> str:
        """The statement on one line."""
        return " ".join(self.statement.split())


def declared(folder: Path = MIGRATIONS) -> list[DeclaredIndex]:
    """Read the migrations, in order."""
    return [
        DeclaredIndex(
            version=file.name.partition("_")[0],
            schema=found["schema"],
            table=found["table"],
            name=found["name"],
            statement=found[0],
        )
        for file in sorted(folder.glob("*.sql"))
        for found in _BUILD.finditer(_COMMENT.sub("", file.read_text()))
    ]
