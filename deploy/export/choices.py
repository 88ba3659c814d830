"""What an export is asked for, read from the options of the task."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from deploy.errors import UsageError
from deploy.export.catalog import NAMES, TABLES, Table

HELP = "./bootstrap db.export --help"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def user(value: str) -> str:
    """Read ``--forget``.

    Raises:
        UsageError: It is no id of a user.
    """
    try:
        return str(UUID(value))
    except ValueError:
        raise UsageError(
            f"--forget {value!r}: must be the id of a user, a UUID; nothing was"
            " changed",
            remedy=HELP,
        ) from None


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The options of ``db.export``.

    Attributes:
        to: Folder, or ``s3://BUCKET/PREFIX``.
        tables: Names, comma-separated; empty for all that are not optional.
        since: First day in ISO format; empty for all.
        full: Whether every file is written anew.
        include_text: Whether what users wrote is exported.
        all_columns: Whether columns that the catalog does not know are exported.
        real_ids: Whether users keep their ids.
        from_replica: Whether a replica is read.
        forget: Id of a user who is removed from the files; empty for an export.
    """

    to: str
    tables: str = ""
    since: str = ""
    full: bool = False
    include_text: bool = False
    all_columns: bool = False
    real_ids: bool = False
    from_replica: bool = False
    forget: str = ""

    @property
    def is_private(self) -> bool:
        """Whether what users wrote, or who they are, may leave the database."""
        return self.include_text or self.all_columns or self.real_ids

    @property
    def bucket(self) -> bool:
        """Whether the export is in a bucket."""
        return self.to.startswith("s3://")

    @property
    def folder(self) -> Path:
        """The folder that is meant."""
        return Path(self.to).expanduser().absolute()

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: Says which option, and what it may be.
        """
        if not self.to:
            raise UsageError(
                "--to is missing: a folder, or s3://BUCKET/PREFIX; nothing was"
                " exported",
                remedy="./bootstrap db.export --to exported",
            )
        if "://" in self.to and not self.bucket:
            raise UsageError(
                f"--to {self.to}: must be a folder or s3://BUCKET/PREFIX; nothing was"
                " exported",
                remedy=HELP,
            )
        if self.full and self.since:
            raise UsageError(
                "--full writes all files anew and --since leaves some as they are: give"
                " one of them; nothing was exported",
                remedy=HELP,
            )
        if self.forget:
            self._check_forget()
        self.chosen()
        self.first_day()

    def _check_forget(self) -> None:
        """Refuse options that mean an export beside one that means a user.

        Raises:
            UsageError: Names what cannot be together.
        """
        user(self.forget)
        if self.tables or self.since or self.full or self.include_text:
            raise UsageError(
                "--forget removes a user from all files: it takes no --tables, --since,"
                " --full or --include-text; nothing was changed",
                remedy=HELP,
            )

    def chosen(self) -> tuple[Table, ...]:
        """Give the tables that are meant.

        Raises:
            UsageError: One is unknown, or none is named.
        """
        named = [each.strip() for each in self.tables.split(",") if each.strip()]
        unknown = [each for each in named if each not in NAMES]
        if unknown or (self.tables and not named):
            raise UsageError(
                f"--tables {self.tables!r}: no table"
                f" {', '.join(unknown) or 'is named'};"
                f" the tables are {', '.join(NAMES)}. Nothing was exported",
                remedy=HELP,
            )
        if not named:
            return tuple(table for table in TABLES if not table.optional)
        return tuple(table for table in TABLES if table.name in named)

    def first_day(self) -> str:
        """Give the first day of the month in which ``--since`` is, in ISO format.

        Raises:
            UsageError: It is no day, or lies ahead.
        """
        if not self.since:
            return ""
        try:
            if not _DAY.fullmatch(self.since):
                raise ValueError
            day = date.fromisoformat(self.since)
        except ValueError:
            raise UsageError(
                f"--since {self.since!r}: must be a day as 2026-01-31; nothing was"
                " exported",
                remedy=HELP,
            ) from None
        return day.replace(day=1).isoformat()
