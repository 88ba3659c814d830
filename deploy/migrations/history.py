"""What a database remembers of its migrations.

``supabase_migrations.schema_migrations`` has exactly the shape that the Supabase CLI
makes, so that both can read and write it. What it has no column for stands beside it in
schema ``kiloscale``: checksums, and how far a file without a transaction came.
"""

import hashlib
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow, class_row

from deploy.migrations.files import Migration

Connection = psycopg.Connection[TupleRow]

HISTORY = "supabase_migrations.schema_migrations"
CHECKSUMS = "kiloscale.migration_checksums"
PROGRESS = "kiloscale.migration_progress"

TABLES = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
    version text primary key,
    statements text[],
    name text
);
create schema if not exists kiloscale;
create table if not exists kiloscale.migration_checksums (
    version text primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp(),
    applied_by text not null default session_user,
    ms integer,
    statements integer not null
);
create table if not exists kiloscale.migration_progress (
    version text primary key,
    done integer not null,
    done_digest text not null,
    error text,
    updated_at timestamptz not null default clock_timestamp()
);
alter table kiloscale.migration_checksums enable row level security;
alter table kiloscale.migration_progress enable row level security;
revoke all on kiloscale.migration_checksums, kiloscale.migration_progress
    from public;
do $$
declare
    who name;
begin
    for who in select rolname from pg_roles where rolname in ('anon', 'authenticated')
    loop
        execute format('revoke all on kiloscale.migration_checksums,'
            ' kiloscale.migration_progress from %I', who);
    end loop;
end
$$;
"""

READ = """
select version, h.name, c.checksum
  from supabase_migrations.schema_migrations h
  left join kiloscale.migration_checksums c using (version)
"""
READ_HISTORY_ONLY = """
select version, name, null as checksum from supabase_migrations.schema_migrations
"""
READ_PROGRESS = """
select version, done, done_digest, error from kiloscale.migration_progress
"""
RECORD = """
insert into supabase_migrations.schema_migrations (version, statements, name)
values (%s, %s, %s)
"""
RECORD_CHECKSUM = """
insert into kiloscale.migration_checksums (version, name, checksum, ms, statements)
values (%s, %s, %s, %s, %s)
"""
RECORD_PROGRESS = """
insert into kiloscale.migration_progress (version, done, done_digest, error)
values (%s, %s, %s, %s)
    on conflict (version) do update
   set done = excluded.done, done_digest = excluded.done_digest,
       error = excluded.error, updated_at = clock_timestamp()
"""
FORGET_PROGRESS = "delete from kiloscale.migration_progress where version = %s"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One row of the history.

    Attributes:
        version: As recorded, 14 digits or another tool's choice.
        name: As recorded; other tools may leave it out.
        checksum: Of the file at that time; ``None`` if another tool applied it.
    """

    version: str
    name: str | None
    checksum: str | None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a file without a transaction came before a statement failed.

    Attributes:
        version: The file's version.
        done: Number of its statements that are done.
        done_digest: Digest of their texts.
        error: What the next one failed with.
    """

    version: str
    done: int
    done_digest: str
    error: str | None


def exists(conn: Connection, table: str) -> bool:
    """Whether a table exists; a schema that is missing counts as no."""
    found = conn.execute("select to_regclass(%s) is not null", [table]).fetchone()
    return bool(found and found[0])


def create_tables(conn: Connection) -> None:
    """Create what is missing of the history's tables, in one transaction."""
    if not all(exists(conn, table) for table in (HISTORY, CHECKSUMS, PROGRESS)):
        with conn.transaction():
            conn.execute(TABLES)


def read(conn: Connection) -> dict[str, Recorded]:
    """Give the applied migrations by version; empty if nothing was ever applied."""
    if not exists(conn, HISTORY):
        return {}
    query = READ if exists(conn, CHECKSUMS) else READ_HISTORY_ONLY
    with conn.cursor(row_factory=class_row(Recorded)) as cursor:
        return {row.version: row for row in cursor.execute(query).fetchall()}


def read_progress(conn: Connection) -> dict[str, Progress]:
    """Give the files that are half done, by version."""
    if not exists(conn, PROGRESS):
        return {}
    with conn.cursor(row_factory=class_row(Progress)) as cursor:
        return {row.version: row for row in cursor.execute(READ_PROGRESS).fetchall()}


def record(conn: Connection, migration: Migration, ms: float) -> None:
    """Write that a migration is applied; the caller has opened a transaction."""
    texts = [statement.text for statement in migration.statements]
    conn.execute(RECORD, [migration.version, texts, migration.name])
    record_checksum(conn, migration, ms)
    conn.execute(FORGET_PROGRESS, [migration.version])


def record_checksum(conn: Connection, migration: Migration, ms: float | None) -> None:
    """Write the checksum of an applied migration; without ms, another tool's."""
    values = [
        migration.version,
        migration.name,
        migration.checksum,
        None if ms is None else round(ms),
        len(migration.statements),
    ]
    conn.execute(RECORD_CHECKSUM, values)


def record_progress(
    conn: Connection, migration: Migration, done: int, error: str | None = None
) -> None:
    """Write how many statements of a file without a transaction are done."""
    values = [migration.version, done, digest(migration, done), error]
    conn.execute(RECORD_PROGRESS, values)


def digest(migration: Migration, count: int) -> str:
    """Give a digest of a migration's first statements."""
    texts = [item.text for item in migration.statements[:count]]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
