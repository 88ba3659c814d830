"""What is said to PostgreSQL and DuckDB to read and write the rows of a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import sql

from deploy.export.catalog import By
from deploy.export.parts import Part
from deploy.export.pipe import MIB, ROW_MAX
from deploy.export.shapes import NO_TIME, Shape

if TYPE_CHECKING:
    import duckdb

GROUP_BYTES = 24 * MIB
"""Of a row group, as CSV. BigQuery advises 16 MiB or more; DuckDB holds one in memory
several times over."""

GROUP_ROWS = (2048, 122_880)
"""Fewest and most rows of a row group: a vector of DuckDB, and its default."""


def query(shape: Shape, parts: Sequence[Part], *, everything: bool) -> sql.Composed:
    """Make the COPY of the parts of a table."""
    some = sql.SQL("").format()
    if not everything and shape.table.by is not By.WHOLE:
        days = sql.SQL(", ").join(sql.Literal(part.value) for part in parts)
        some = sql.SQL(" where {} = any (array[{}]::date[])").format(shape.part(), days)
    return sql.SQL(
        "copy (select {values} from ({rows}) r{some}) to stdout (format csv)"
    ).format(values=shape.values(), rows=shape.rows(), some=some)


def reading(shape: Shape, descriptor: int) -> str:
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


def writing(shape: Shape, part: Part, target: Path) -> str:
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
