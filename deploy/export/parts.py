"""What a table has in each of its files, told apart by a fingerprint.

A fingerprint is made from the key and the version of each row: PostgreSQL gives a row
another version (``xmin``) with every change. So a row that was inserted, changed,
deleted or moved since the last export changes it, whenever its transaction began and
whatever time it bears. No watermark could say that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from deploy.errors import DeployError
from deploy.export.catalog import By, Table
from deploy.export.shapes import Shape

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from deploy.export.manifest import File

COUNTED = """
select {part} as part, count(*), bit_xor(hashtextextended({key}, r.version)),
       {low}, {high}
  from ({rows}) r
 group by 1 order by 1
"""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one file.

    Attributes:
        table: Name of their table.
        value: Day, or first day of the month, in ISO format; empty for a whole table.
        rows: How many.
        fingerprint: Of their keys and versions.
        low: Oldest ``created_at``, in ISO format; ``None`` if none has any.
        high: Newest.
    """

    table: str
    value: str
    rows: int
    fingerprint: str
    low: str | None = None
    high: str | None = None


def path(table: Table, value: str) -> str:
    """Name the file of a part.

    >>> from deploy.export.catalog import TABLES
    >>> path(TABLES[1], "2026-11-01")
    'messages/month=2026-11-01/messages.parquet'
    >>> path(TABLES[0], "")
    'conversations/conversations.parquet'
    """
    folder = f"{table.by.value}={value}/" if table.by is not By.WHOLE else ""
    return f"{table.name}/{folder}{table.name}.parquet"


def count(
    connection: "psycopg.Connection[TupleRow]", shape: Shape, since: str
) -> list[Part]:
    """Count the rows of each part and take its fingerprint.

    Args:
        connection: Sees one moment.
        shape: The table.
        since: First day that counts, in ISO format; empty for all.
    """
    timed = "created_at" in {each.name for each in shape.columns}
    low, high = (
        (sql.SQL("min(r.created_at)::text"), sql.SQL("max(r.created_at)::text"))
        if timed
        else (sql.SQL("null"), sql.SQL("null"))
    )
    query = sql.SQL(COUNTED).format(
        part=shape.part(), key=shape.key(), rows=shape.rows(), low=low, high=high
    )
    whole = shape.table.by is By.WHOLE
    found = [
        Part(
            table=shape.table.name,
            value="" if whole else str(value),
            rows=int(rows),
            fingerprint=f"{int(mark) & (2**64 - 1):016x}",
            low=lowest,
            high=highest,
        )
        for value, rows, mark, lowest, highest in connection.execute(query)
    ]
    if whole and not found:  # an empty table is a file without rows
        return [Part(table=shape.table.name, value="", rows=0, fingerprint="0" * 16)]
    return [part for part in found if whole or part.value >= since]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What differs between a table and its files.

    Attributes:
        write: Parts whose file is missing or has other rows.
        keep: Files that stay as they are.
        drop: Paths of files whose rows are all gone.
    """

    write: Sequence[Part]
    keep: Sequence["File"]
    drop: Sequence[str]


def compare(
    shape: Shape,
    parts: Sequence[Part],
    files: Sequence["File"],
    *,
    since: str,
    dirty: frozenset[str],
) -> Difference:
    """Compare a table with its files.

    Args:
        shape: The table.
        parts: What it has.
        files: What the last export wrote of it.
        since: Files of earlier days are left alone.
        dirty: Paths that are written in any case.
    """
    table = shape.table
    there: Mapping[str, File] = {file.path: file for file in files}
    write, keep = [], []
    for part in parts:
        file = there.get(path(table, part.value))
        fewer = file is not None and part.rows < file.rows
        same = file is not None and file.fingerprint == part.fingerprint
        same = same and file is not None and file.rows == part.rows
        if file and ((same and file.path not in dirty) or (table.keeps and fewer)):
            keep.append(file)
        else:
            write.append(part)
    current = {path(table, part.value) for part in parts}
    gone = [file for file in files if file.path not in current]
    left = [file for file in gone if table.keeps or _before(file, since)]
    return Difference(
        write=write,
        keep=[*keep, *left],
        drop=[file.path for file in gone if file not in left],
    )


def _before(file: "File", since: str) -> bool:
    return bool(since and file.value and file.value < since)


def check(part: Part, written: int) -> None:
    """Compare what was written with what was counted in the same moment.

    Raises:
        DeployError: They differ: nothing of it may be published.
    """
    if written != part.rows:
        raise DeployError(
            f"{part.table} {part.value}: {written:,} rows were written and"
            f" {part.rows:,} counted in the same snapshot; nothing was published",
            remedy="run the same command again",
            evidence={"counted": part.rows, "written": written},
        )
