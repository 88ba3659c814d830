"""The pipe between PostgreSQL and DuckDB: one thread writes, another reads."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from deploy.errors import DeployError
from deploy.export.shapes import Shape

if TYPE_CHECKING:
    import duckdb
    import psycopg

MIB = 1024**2
ROW_MAX = 16 * MIB
"""Bytes of a row as CSV. DuckDB keeps a buffer of twice that; BigQuery reads rows of up
to 50 MB (Google, "Loading Parquet data", input file requirements)."""

TOLD_EVERY = 100_000


class Reader(threading.Thread):
    """Runs one statement of DuckDB beside the thread that feeds it."""

    def __init__(
        self, duck: "duckdb.DuckDBPyConnection", statement: str, descriptor: int
    ) -> None:
        super().__init__(daemon=True)
        self._duck, self._statement = duck, statement
        self._descriptor = descriptor
        self.error: Exception | None = None

    def run(self) -> None:
        """Run the statement; keep what DuckDB refuses."""
        import duckdb

        try:
            self._duck.execute(self._statement)
        except duckdb.Error as error:
            self.error = error
        finally:
            # Else whoever feeds would wait for ever for somebody to read.
            os.close(self._descriptor)


class Told:
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
        """Tell that so many rows have been read."""
        self._progress(f"{self.table}: read {rows:,} of {self.total:,} rows")


def feed(rows: "psycopg.Copy", pipe: BinaryIO, told: Told) -> None:
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
