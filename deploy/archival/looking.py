"""What a run of archival would do, as the database itself foretells it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow, class_row

from deploy.database import explained
from deploy.errors import DeployError

Connection = psycopg.Connection[TupleRow]
Row = TypeVar("Row")

STATS = "select * from public.message_archival_stats"
ARCHIVE = "select * from kiloscale.preview_archive_old_messages(%s, %s)"
RECLAIM = "select * from kiloscale.forecast_reclaim()"
HARD_DELETE = "select * from kiloscale.preview_hard_delete_archived_messages(%s)"
RESTORE = """
select c.archived_through, c.archive_hold as on_hold,
       case when c.archived_through is null then 0
           else kiloscale.messages_through(
               c.id, c.archived_through, c.archived_through_id) end as in_place,
       coalesce((select k.moved from kiloscale.archive_counts k
                  where k.chat_id = c.id), 0) as moved,
       (select string_agg(g.tgname, ', ' order by g.tgname)
          from pg_catalog.pg_trigger g
         where g.tgrelid = 'public.messages'::regclass and not g.tgisinternal
           and g.tgname !~ '^kiloscale_' and g.tgenabled <> 'D'
           and g.tgtype & 4 <> 0) as insert_triggers
  from public.conversations c
 where c.id = %s
"""
NOT_MIGRATED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
)


@dataclass(frozen=True, kw_only=True)
class Stats:
    """The one row of ``message_archival_stats``.

    Attributes:
        total_messages: Estimate of the planner, in the table and the archive.
        active_messages: The same without what is archived.
        archived_messages: Exact.
        archived_in_place: Below a watermark and still in the table; exact.
        archived_moved: In the archive; exact.
        conversations_archived: Conversations with a watermark.
        conversations_on_hold: Conversations that archival leaves alone.
        messages_bytes: Size of the table with its indexes, in bytes.
        archive_bytes: The same of the archive.
    """

    total_messages: int
    active_messages: int
    archived_messages: int
    archived_in_place: int
    archived_moved: int
    conversations_archived: int
    conversations_on_hold: int
    messages_bytes: int
    archive_bytes: int


@dataclass(frozen=True, kw_only=True)
class ToArchive:
    """What a run of archival would mark.

    Attributes:
        inactive_before: A conversation without a message since then is inactive.
        conversations_to_mark: Whose watermark would move.
        messages_to_archive: That would be below a watermark and are not.
        conversations_on_hold: Left alone since they were restored.
        update_triggers: Triggers of the app that fire for each conversation.
    """

    inactive_before: datetime
    conversations_to_mark: int
    messages_to_archive: int
    conversations_on_hold: int
    update_triggers: str | None


@dataclass(frozen=True, kw_only=True)
class ToMove:
    """What a reclaim would move.

    Attributes:
        messages_to_move: Below a watermark, and nothing references them.
        kept_by_references: Below a watermark, and something does.
        referencing_columns: By what.
        archived_rows_estimate: In the archive.
        reusable_bytes: Of the table and its indexes, about.
        without_index: References that PostgreSQL would search table by table.
        without_foreign_key: Columns that look like references and are not checked.
        move_triggers: Triggers of the app on messages that a move fires.
    """

    messages_to_move: int
    kept_by_references: int
    referencing_columns: str | None
    archived_rows_estimate: int
    reusable_bytes: int
    without_index: str | None
    without_foreign_key: str | None
    move_triggers: str | None


@dataclass(frozen=True, kw_only=True)
class ToDelete:
    """What a hard delete would delete.

    Attributes:
        moved_before: What was moved to the archive before then.
        rows_to_delete: How many messages.
        conversations: Of how many conversations.
        oldest_message: When it was written; ``None`` without any.
        newest_message: The same.
        archived_rows: In the archive before.
    """

    moved_before: datetime
    rows_to_delete: int
    conversations: int
    oldest_message: datetime | None
    newest_message: datetime | None
    archived_rows: int


@dataclass(frozen=True, kw_only=True)
class ToRestore:
    """What is archived of one conversation.

    Attributes:
        archived_through: Its watermark; ``None`` without one.
        on_hold: Whether archival leaves it alone.
        in_place: Messages below the watermark.
        moved: Messages in the archive.
        insert_triggers: Triggers of the app that fire for what comes back.
    """

    archived_through: datetime | None
    on_hold: bool
    in_place: int
    moved: int
    insert_triggers: str | None


@contextmanager
def readable(conn: Connection, doing: str) -> Iterator[None]:
    """Say what to do where our schema is missing, or older than this code.

    Raises:
        DeployError: The migrations are not applied, or the database refused.
    """
    try:
        with explained(conn, doing):
            yield
    except NOT_MIGRATED as error:
        raise DeployError(
            f"{doing}: {error.diag.message_primary}: the migrations are not applied;"
            " nothing was changed",
            remedy="./bootstrap deploy --only migrations",
            evidence={"sqlstate": error.sqlstate},
        ) from error


def look(conn: Connection, row: type[Row], query: str, *values: object) -> Row | None:
    """Read one row of a forecast; ``None`` if there is none."""
    with (
        readable(conn, "looking at what is archived"),
        conn.cursor(row_factory=class_row(row)) as cursor,
    ):
        return cursor.execute(query.encode(), values).fetchone()


def look_once(conn: Connection, row: type[Row], query: str, *values: object) -> Row:
    """Read the one row of a forecast that always has one."""
    found = look(conn, row, query, *values)
    if found is None:
        raise DeployError(f"{query.strip()} gave no row; nothing was changed")
    return found


def to_restore(conn: Connection, conversation: UUID) -> ToRestore | None:
    """See what is archived of a conversation; ``None`` if there is no such one."""
    return look(conn, ToRestore, RESTORE, conversation)


def evidence(
    row: Stats | ToArchive | ToMove | ToDelete | ToRestore,
) -> dict[str, object]:
    """Give a forecast as JSON."""
    return {
        key: value.isoformat(timespec="seconds")
        if isinstance(value, datetime)
        else value
        for key, value in asdict(row).items()
    }
