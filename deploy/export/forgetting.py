"""Removes a user from the files of an export.

A normal export removes whoever was deleted in the database, since it mirrors it. This
names the files that have rows of the user and changes those alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from deploy.errors import UsageError
from deploy.export.manifest import File
from deploy.export.staging import SETTINGS, Staged, explained
from deploy.export.statements import in_groups, name, text

if TYPE_CHECKING:
    from deploy.export.bucket import Bucket
    from deploy.export.folder import Folder
    from deploy.export.manifest import Manifest

FORGOTTEN = "forgotten"
"""Fingerprint of a file that was changed here: no part of the database has it."""


ZIPPED = 6
"""How many times the bytes of a file its rows are as CSV, about (measured: 5 to 7)."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Rows of a user in one file.

    Attributes:
        table: Name of the table.
        file: The file.
        rows: How many of its rows are his.
    """

    table: str
    file: File
    rows: int


class Forgetting:
    """Looks for a user in the files of an export, and writes them without."""

    def __init__(
        self, place: "Folder | Bucket", made: "Manifest", folder: Path, shown: str
    ) -> None:
        import duckdb

        self._place, self._made, self._folder = place, made, folder
        self._shown = shown
        self._duck: duckdb.DuckDBPyConnection = duckdb.connect(
            folder / "rows.duckdb",
            config=SETTINGS | {"temp_directory": str(folder / "spilled")},
        )
        self._duck.execute("set TimeZone = 'UTC'")
        self._duck.execute("set enable_progress_bar = false")
        self._duck.execute("create table chats (id varchar)")

    def close(self) -> None:
        """Give the database's files back."""
        self._duck.close()

    def look(self) -> Iterator[Found]:
        """Find his rows: by his id, and by the ids of his conversations."""
        for table in sorted(
            self._made.tables, key=lambda each: each != "conversations"
        ):
            for file in self._made.tables[table].files:
                local = self._fetched(file)
                with explained(self._folder, table):
                    if table == "conversations":
                        self._duck.execute(
                            "insert into chats select id from read_parquet(?)"
                            " where user_id = ?",
                            [str(local), self._shown],
                        )
                    rows = self._count(table, local)
                if rows:
                    yield Found(table=table, file=file, rows=rows)
                else:
                    local.unlink()

    def write(self, found: Found) -> Staged:
        """Write a file without his rows."""
        local = self._fetched(found.file)
        target = local.with_suffix(".without")
        columns = {each.name for each in self._made.tables[found.table].columns}
        order = "order by created_at" if "created_at" in columns else ""
        with explained(self._folder, found.table):
            in_groups(
                self._duck,
                f"copy (select * from read_parquet({text(str(local))})"  # noqa: S608
                f" where not ({self._his(found.table)}) {order}) to {text(str(target))}"
                " (format parquet, compression zstd, row_group_size {rows})",
                ZIPPED * found.file.bytes / max(found.file.rows, 1),
            )
        local.unlink()
        rows = found.file.rows - found.rows
        described = structs.replace(found.file, rows=rows, fingerprint=FORGOTTEN)
        return Staged.of(target, described)

    def _fetched(self, file: File) -> Path:
        """Give a file on this machine."""
        local = self._folder / file.path.replace("/", ".")
        if not local.exists():
            try:
                self._place.fetch(file.path, local)
            except FileNotFoundError:
                raise UsageError(
                    f"{self._place.name}: {file.path} is in the manifest and not there;"
                    " nothing was changed",
                    remedy=f"./bootstrap db.export --to {self._place.name}",
                ) from None
        return local

    def _count(self, table: str, local: Path) -> int:
        rows = self._duck.execute(
            f"select count(*) from read_parquet(?) where {self._his(table)}",  # noqa: S608
            [str(local)],
        ).fetchall()
        return int(rows[0][0])

    def _his(self, table: str) -> str:
        """Give the condition of his rows; never NULL."""
        columns = {each.name: each.kind for each in self._made.tables[table].columns}
        terms = [
            f"{name(column)} is not distinct from {text(self._shown)}"
            for column, kind in columns.items()
            if kind == "person"
        ]
        terms += [
            f"coalesce({name(column)} in (select id from chats), false)"  # noqa: S608
            for column in ("chat_id", "conversation_id")
            if column in columns
        ]
        return " or ".join(terms) or "false"


def without(made: "Manifest", staged: list[Staged]) -> "Manifest":
    """Give the manifest with the files that were written anew."""
    new = {each.file.path: each.file for each in staged}
    tables = {
        table: structs.replace(
            found, files=[new.get(file.path, file) for file in found.files]
        )
        for table, found in made.tables.items()
    }
    return structs.replace(made, tables=tables)
