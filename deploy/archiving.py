"""Whether a PostgreSQL server archives its WAL: what SQL can show of its backups."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import TupleRow, class_row

# archive_command may hold keys: it is asked about and never read. With archive_mode off
# the server shows "(disabled)" in its place.
ARCHIVER = """
select current_setting('archive_mode') as mode,
       coalesce(current_setting('archive_command', true), '')
           not in ('', '(disabled)')
       or coalesce(current_setting('archive_library', true), '') <> '' as has_target,
       a.last_archived_wal, a.last_archived_time, a.archived_count,
       a.last_failed_wal, a.last_failed_time, a.failed_count,
       (select count(*) from pg_stat_replication) as replicas,
       (select count(*) from pg_replication_slots) as slots
  from pg_stat_archiver a
"""


@dataclass(frozen=True, kw_only=True)
class Archiver:
    """What the server says of its archive.

    Attributes:
        mode: ``off``, ``on`` or ``always``.
        has_target: Whether a command or a library is set.
        last_archived_wal: Name of the file; ``None`` if none ever was.
        last_archived_time: When it was archived.
        archived_count: Files since the statistics were reset.
        last_failed_wal: Name of the file that could not be archived.
        last_failed_time: When that was.
        failed_count: Attempts that failed since the statistics were reset.
        replicas: Servers that follow this one: they repeat a mistake, so they are no
            backup.
        slots: Replication slots, which are none either.
    """

    mode: str
    has_target: bool
    last_archived_wal: str | None
    last_archived_time: datetime | None
    archived_count: int
    last_failed_wal: str | None
    last_failed_time: datetime | None
    failed_count: int
    replicas: int
    slots: int

    @property
    def is_failing(self) -> bool:
        """Whether the newest attempt failed."""
        if self.last_failed_time is None:
            return False
        archived = self.last_archived_time
        return archived is None or self.last_failed_time > archived


def archiver(conn: psycopg.Connection[TupleRow]) -> Archiver:
    """Ask the server about its archive."""
    with conn.cursor(row_factory=class_row(Archiver)) as cursor:
        return cursor.execute(ARCHIVER).fetchall()[0]
