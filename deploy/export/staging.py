"""Rows on their way from PostgreSQL into Parquet: bounded memory, sorted files.

``COPY`` streams the rows as CSV through a pipe into a DuckDB database in a scratch
folder; from there each file is written in order. DuckDB's own reader of PostgreSQL is
an extension that it downloads, which a locked-down machine cannot.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs
from psycopg import sql

from deploy.errors import DeployError
from deploy.export import parts as comparing
from deploy.export.manifest import File
from deploy.export.parts import Part
from deploy.export.pipe import MIB, Reader, Told, feed
from deploy.export.pseudonyms import Key
from deploy.export.shapes import Shape
from deploy.export.statements import in_groups, name, query, reading, writing

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

MEMORY = "150MiB"
"""Of DuckDB; with Python and the pipe the process stays below 300 MB (measured, see
docs/analytics.md). What does not fit goes to the scratch folder."""

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": MEMORY,
    "threads": 2,
    "preserve_insertion_order": False,
    # Nothing is downloaded, whatever a query names.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A file that is written and not yet published.

    Attributes:
        file: What the manifest says of it.
        path: Where it is.
    """

    file: File
    path: Path

    @classmethod
    def of(cls, path: Path, described: File) -> "Staged":
        """Measure a file: its bytes and its SHA-256 replace those of a description."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
        return cls(
            file=structs.replace(described, bytes=size, sha256=digest), path=path
        )


class Staging:
    """A DuckDB in a scratch folder, for one table after the other."""

    def __init__(self, folder: Path, key: Key) -> None:
        import duckdb

        self._folder = folder
        self._key = key
        with explained(folder, "the scratch database"):
            self._duck = duckdb.connect(
                folder / "rows.duckdb",
                config=SETTINGS | {"temp_directory": str(folder / "spilled")},
            )
        self._duck.execute("set TimeZone = 'UTC'")
        self._duck.execute("set enable_progress_bar = false")

    def close(self) -> None:
        """Give the database's files back."""
        self._duck.close()

    def stage(
        self,
        connection: "psycopg.Connection[TupleRow]",
        shape: Shape,
        parts: Sequence[Part],
        progress: Callable[[str], None],
        *,
        everything: bool = False,
    ) -> list[Staged]:
        """Read parts of a table and write their files into the scratch folder.

        Args:
            connection: Sees one moment.
            shape: The table.
            parts: What to write.
            progress: Told how far it is.
            everything: Whether the table has no other parts.

        Raises:
            DeployError: The disk is full, or a row is too long.
        """
        total = sum(part.rows for part in parts)
        with explained(self._folder, shape.table.name):
            copy = query(shape, parts, everything=everything)
            told = Told(shape, total, progress)
            self._read(connection, copy, told, shape)
            self._replace(shape)
            staged = []
            for part in parts:
                progress(f"{shape.table.name}: writing {part.value or 'its file'}")
                staged.append(self._write(shape, part, told.row_bytes))
            self._duck.execute("drop table staged")
        return staged

    def _read(
        self,
        connection: "psycopg.Connection[TupleRow]",
        copy: sql.Composed,
        told: Told,
        shape: Shape,
    ) -> None:
        """Stream rows through a pipe: this thread writes it, DuckDB reads it."""
        source, sink = os.pipe()
        reader = Reader(self._duck, reading(shape, source), source)
        reader.start()
        try:
            with (
                os.fdopen(sink, "wb", buffering=MIB) as pipe,
                connection.cursor() as cursor,
                cursor.copy(copy) as rows,
            ):
                feed(rows, pipe, told)
        except BrokenPipeError:
            # DuckDB gave up; it says why below. What is left of the COPY is not read.
            reader.join()
            if reader.error is None:
                raise
        finally:
            reader.join()
        if reader.error is not None:
            raise reader.error

    def _replace(self, shape: Shape) -> None:
        """Make the pseudonyms of all people who stand in the staged rows."""
        for column in shape.columns:
            kind = column.kind.form.pseudonym
            if not kind:
                continue
            quoted, table = name(column.name), name(f"of {column.name}")
            found = self._duck.execute(
                f"select distinct {quoted} from staged where {quoted} is not null"  # noqa: S608
            ).fetchall()
            ids = [str(value) for (value,) in found]
            self._duck.execute(
                f"create or replace table {table} as select"
                " unnest(?::varchar[]) as real, unnest(?::varchar[]) as shown",
                [ids, [self._key.pseudonym(kind, each) for each in ids]],
            )

    def _write(self, shape: Shape, part: Part, row_bytes: float) -> Staged:
        """Write one file."""
        path = comparing.path(shape.table, part.value)
        target = self._folder / path.replace("/", ".")
        in_groups(self._duck, writing(shape, part, target), row_bytes)
        counted = self._duck.execute(
            "select num_rows from parquet_file_metadata(?)", [str(target)]
        ).fetchall()
        comparing.check(part, int(counted[0][0]))
        described = File(
            path=path,
            value=part.value,
            rows=part.rows,
            bytes=0,
            sha256="",
            fingerprint=part.fingerprint,
            low=part.low,
            high=part.high,
        )
        return Staged.of(target, described)


class explained:  # noqa: N801 - a context manager
    """Turns what DuckDB refuses into an error without its text, which quotes rows."""

    def __init__(self, folder: Path, table: str) -> None:
        self._folder, self._table = folder, table

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        import duckdb

        if not isinstance(error, duckdb.Error):
            return
        said = str(error)
        if "space left" in said or "max_temp_directory_size" in said:
            raise DeployError(
                f"{self._folder}: the disk is full while {self._table} is written;"
                " nothing was published",
                remedy=f"df -h {self._folder.parent}",
            ) from None
        raise DeployError(
            f"{self._table}: DuckDB refuses its rows ({type(error).__name__}; its text"
            " may quote them and is not shown); nothing was published",
            remedy="report it with the version of DuckDB: pip show duckdb",
        ) from None
