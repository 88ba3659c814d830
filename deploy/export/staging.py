"""Rows on their way from PostgreSQL into Parquet: bounded memory, sorted files.

``COPY`` streams the rows as CSV through a pipe into a DuckDB database in a scratch
folder; from there each file is written in order. DuckDB's own reader of PostgreSQL is
an extension that it downloads, which a locked-down machine cannot.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import structs
from psycopg import sql

from deploy.errors import DeployError
from deploy.export import parts as comparing
from deploy.export.catalog import By
from deploy.export.manifest import File
from deploy.export.parts import Part
from deploy.export.pseudonyms import Key
from deploy.export.shapes import NO_TIME, Shape

if TYPE_CHECKING:
    import duckdb
    import psycopg
    from psycopg.rows import TupleRow

MIB = 1024**2
MEMORY = "150MiB"
"""Of DuckDB; with Python and the pipe the process stays below 300 MB (measured, see
docs/analytics.md). What does not fit goes to the scratch folder."""

ROW_MAX = 16 * MIB
"""Bytes of a row as CSV. DuckDB keeps a buffer of twice that; BigQuery reads rows of up
to 50 MB (Google, "Loading Parquet data", input file requirements)."""

GROUP_BYTES = 24 * MIB
"""Of a row group, as CSV. BigQuery advises 16 MiB or more; DuckDB holds one in memory
several times over."""

GROUP_ROWS = (2048, 122_880)
"""Fewest and most rows of a row group: a vector of DuckDB, and its default."""

TOLD_EVERY = 100_000

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
            query = _query(shape, parts, everything=everything)
            told = _Told(shape, total, progress)
            self._read(connection, query, told, shape)
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
        query: sql.Composed,
        told: "_Told",
        shape: Shape,
    ) -> None:
        """Stream rows through a pipe: this thread writes it, DuckDB reads it."""
        reading, writing = os.pipe()
        reader = _Reader(self._duck, _reading(shape, reading), reading)
        reader.start()
        try:
            with (
                os.fdopen(writing, "wb", buffering=MIB) as pipe,
                connection.cursor() as cursor,
                cursor.copy(query) as rows,
            ):
                _feed(rows, pipe, told)
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
        in_groups(self._duck, _writing(shape, part, target), row_bytes)
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


class _Reader(threading.Thread):
    """Runs one statement of DuckDB beside the thread that feeds it."""

    def __init__(
        self, duck: "duckdb.DuckDBPyConnection", statement: str, descriptor: int
    ) -> None:
        super().__init__(daemon=True)
        self._duck, self._statement = duck, statement
        self._descriptor = descriptor
        self.error: Exception | None = None

    def run(self) -> None:
        import duckdb

        try:
            self._duck.execute(self._statement)
        except duckdb.Error as error:
            self.error = error
        finally:
            # Else whoever feeds would wait for ever for somebody to read.
            os.close(self._descriptor)


class _Told:
    """Tells how many rows of a table have been read."""

    def __init__(
        self, shape: Shape, total: int, progress: Callable[[str], None]
    ) -> None:
        self.table, self.total = shape.table.name, total
        self.rows, self.bytes = 0, 0
        self._progress = progress

    @property
    def row_bytes(self) -> float:
        """Bytes of a row as CSV, on average."""
        return self.bytes / max(self.rows, 1)

    def at(self, rows: int) -> None:
        self._progress(f"{self.table}: read {rows:,} of {self.total:,} rows")


def _feed(rows: "psycopg.Copy", pipe: BinaryIO, told: _Told) -> None:
    """Write the rows of a COPY into a pipe.

    Raises:
        DeployError: A row is longer than what is read elsewhere.
    """
    total = number = 0
    for number, row in enumerate(rows, start=1):
        if len(row) > ROW_MAX:
            raise DeployError(
                f"{told.table}: a row has {len(row) / MIB:.0f} MiB, at most"
                f" {ROW_MAX / MIB:.0f} MiB can be exported; nothing was published",
                remedy="the same command without --include-text, or with --tables",
            )
        pipe.write(row)
        total += len(row)
        if number % TOLD_EVERY == 0:
            told.at(number)
    told.rows, told.bytes = number, total


def _query(shape: Shape, parts: Sequence[Part], *, everything: bool) -> sql.Composed:
    """Make the COPY of the parts of a table."""
    some = sql.SQL("").format()
    if not everything and shape.table.by is not By.WHOLE:
        days = sql.SQL(", ").join(sql.Literal(part.value) for part in parts)
        some = sql.SQL(" where {} = any (array[{}]::date[])").format(shape.part(), days)
    return sql.SQL(
        "copy (select {values} from ({rows}) r{some}) to stdout (format csv)"
    ).format(values=shape.values(), rows=shape.rows(), some=some)


def _reading(shape: Shape, descriptor: int) -> str:
    """Make the statement that reads the pipe into a table."""
    columns = ", ".join(
        f"{text(each.name)}: '{each.kind.form.staged}'" for each in shape.columns
    )
    part = f"date {text(NO_TIME)}"
    if shape.table.by is not By.WHOLE:
        part = (
            f"coalesce(date_trunc('{shape.table.by.value}', created_at)::date, {part})"
        )
    return (
        f'create or replace table staged as select *, {part} as "the part"'  # noqa: S608
        " from read_csv("
        f"'/dev/fd/{descriptor}', columns={{{columns}}}, header=false,"
        " auto_detect=false, delim=',', quote='\"', escape='\"', new_line='\\n',"
        " allow_quoted_nulls=false, parallel=false,"
        f" max_line_size={ROW_MAX + MIB}, buffer_size={2 * (ROW_MAX + MIB)})"
    )


def _writing(shape: Shape, part: Part, target: Path) -> str:
    """Make the statement that writes a file from the table."""
    chosen, joined = [], []
    for each in shape.columns:
        value = f"s.{name(each.name)}"
        if each.kind.form.pseudonym:
            table = name(f"of {each.name}")
            joined.append(f"left join {table} on {table}.real = {value}")
            value = f"{table}.shown"
        written = each.kind.form.written.format(value)
        chosen.append(f"{written} as {name(each.name)}")
    names = [each.name for each in shape.columns]
    order = [each for each in ("created_at", *shape.table.key) if each in names]
    where = f"where s.\"the part\" = date '{part.value}'" if part.value else ""
    ordered = ", ".join(f"s.{name(each)}" for each in dict.fromkeys(order))
    return (
        f"copy (select {', '.join(chosen)} from staged s {' '.join(joined)}"  # noqa: S608
        f" {where} order by {ordered}) to {text(str(target))}"
        " (format parquet, compression zstd, row_group_size {rows})"
    )


def in_groups(
    duck: "duckdb.DuckDBPyConnection", statement: str, row_bytes: float
) -> None:
    """Write a file in row groups that fit into memory.

    Rows may be far longer here than elsewhere in the table: where a group does not fit,
    the file is written again in smaller ones.

    Args:
        duck: Has the rows.
        statement: A COPY with ``{rows}`` for the rows of a group.
        row_bytes: Of a row, on average.
    """
    import duckdb

    low, high = GROUP_ROWS
    rows = int(min(max(GROUP_BYTES / max(row_bytes, 1.0), low), high))
    while True:
        try:
            duck.execute(statement.replace("{rows}", str(rows)))
        except duckdb.OutOfMemoryException:
            if rows == low:
                raise
            rows = max(rows // 4, low)
        else:
            return


def name(text: str) -> str:
    """Quote a name; the app's own columns may have any."""
    return '"' + text.replace('"', '""') + '"'


def text(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


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
