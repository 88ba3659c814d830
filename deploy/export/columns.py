"""Columns of the export: how each is read, staged, written and loaded elsewhere."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import LiteralString


@dataclass(frozen=True, kw_only=True)
class Form:
    """How values of one kind travel.

    Attributes:
        read: Expression of PostgreSQL, with ``{}`` for the column.
        staged: Type of DuckDB in which the text of PostgreSQL is parsed.
        written: Expression of DuckDB, with ``{}`` for the staged column.
        null: Typed NULL of PostgreSQL, where the app's table lacks the column.
        bigquery: Type there.
        snowflake: Type there.
        pseudonym: What is replaced by a pseudonym: ``user``, ``profile`` or nothing.
    """

    read: LiteralString
    staged: str
    written: str
    null: LiteralString
    bigquery: str
    snowflake: str
    pseudonym: str = ""


class Kind(Enum):
    """What a column holds. Only what BigQuery and Snowflake both document for Parquet.

    Both read a UUID and JSON of Parquet in ways of their own, if at all: text is read
    alike. All integers have 64 bits, so that a wider column of the app fits.
    """

    TEXT = Form(
        read="{}",  # a COPY writes the text of any type
        staged="VARCHAR",
        written="{}",
        null="null::text",
        bigquery="STRING",
        snowflake="VARCHAR",
    )
    PERSON = replace(TEXT, pseudonym="user")
    PROFILE = replace(TEXT, pseudonym="profile")
    INTEGER = Form(
        read="{}",
        staged="BIGINT",
        written="{}",
        null="null::bigint",
        bigquery="INT64",
        snowflake="NUMBER(38, 0)",
    )
    BYTES = replace(INTEGER, read="octet_length({})")
    FLOAT = Form(
        read="{}::double precision",
        staged="DOUBLE",
        written="{}",
        null="null::double precision",
        bigquery="FLOAT64",
        snowflake="FLOAT",
    )
    BOOLEAN = Form(
        read="{}::boolean",
        staged="BOOLEAN",
        written="{}",
        null="null::boolean",
        bigquery="BOOL",
        snowflake="BOOLEAN",
    )
    DATE = Form(
        read="case when isfinite({0}) then {0}::date end",
        staged="DATE",
        written="{}",
        null="null::date",
        bigquery="DATE",
        snowflake="DATE",
    )
    # Sent without an offset, which is parsed faster; the session's zone is UTC.
    TIME = Form(
        read="case when isfinite({0}) then {0}::timestamptz at time zone 'UTC' end",
        staged="TIMESTAMP",
        written="{}::TIMESTAMPTZ",
        null="null::timestamp",
        bigquery="TIMESTAMP",
        snowflake="TIMESTAMP_LTZ",
    )

    @property
    def form(self) -> Form:
        """How its values travel."""
        form: Form = self.value
        return form


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the export.

    Attributes:
        name: Its name in the files.
        kind: What it holds.
        of: Column of the app that it is made from; the same name if empty.
        private: Whether it holds what a user wrote, or leads to it: it leaves the
            database only with ``--include-text``.
    """

    name: str
    kind: Kind = Kind.TEXT
    of: str = ""
    private: bool = False

    @property
    def source(self) -> str:
        """Name of the column of the app."""
        return self.of or self.name


POSTGRES = {
    "int2": Kind.INTEGER,
    "int4": Kind.INTEGER,
    "int8": Kind.INTEGER,
    "numeric": Kind.FLOAT,
    "float4": Kind.FLOAT,
    "float8": Kind.FLOAT,
    "bool": Kind.BOOLEAN,
    "date": Kind.DATE,
    "timestamp": Kind.TIME,
    "timestamptz": Kind.TIME,
}
"""Kinds of columns that the catalog does not know; all other types become text."""
