"""What a plan of the conversion is made of: read, nothing changed."""

from dataclasses import dataclass, field
from pathlib import Path

from deploy.migrations.session import Connection

OBSTACLES = Path(__file__).with_name("obstacles.sql")

SIZE = """
select case when c.reltuples >= 0 then c.reltuples::bigint
            else (select count(*) from public.messages) end,
       pg_table_size(c.oid), pg_indexes_size(c.oid), c.relkind = 'p'
  from pg_class c where c.oid = 'public.messages'::regclass
"""
WEAKENED = """
select i.name from kiloscale.partition_indexes() i
 where i.is_unique and i.statement like '%, chat_id)%'
"""
REALTIME = """
select pubname from pg_publication_tables
 where schemaname = 'public' and tablename = 'messages' order by pubname
"""
CONFLICTS = r"""
select p.oid::regprocedure::text from pg_proc p
 where p.prosrc ~* 'messages' and p.prosrc ~* 'on conflict \(\s*(id|client_msg_id)\s*\)'
   and p.pronamespace not in ('pg_catalog'::regnamespace,
       'information_schema'::regnamespace)
 order by 1
"""
REFERENCES = """
select child || '.' || col from kiloscale.references_to_messages() order by 1
"""
DEPENDENTS = (
    "select kind || ' ' || place from kiloscale.messages_dependents() order by 1"
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The table and what hangs on it.

    Attributes:
        rows: The planner's estimate; counted if it has none.
        table_bytes: Size of the rows, with TOAST.
        index_bytes: Size of the indexes.
        is_partitioned: Whether it is partitioned already.
        obstacles: Name and text of what has to be removed first.
        weakened: Unique indexes that will hold within a conversation only.
        publications: Publications that send its changes.
        conflicts: Routines with ON CONFLICT on a key that will be gone.
        references: Columns that refer to a message, whose foreign keys become
            triggers.
        dependents: What is bound again at the swap.
    """

    rows: int
    table_bytes: int
    index_bytes: int
    is_partitioned: bool
    obstacles: tuple[tuple[str, str], ...] = ()
    weakened: tuple[str, ...] = ()
    publications: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    dependents: tuple[str, ...] = field(default_factory=tuple)


def look(conn: Connection) -> Facts:
    """Read the facts; a partitioned table has no more than its size."""
    row = conn.execute(SIZE).fetchone()
    if row is None or row[3]:
        return Facts(rows=0, table_bytes=0, index_bytes=0, is_partitioned=True)
    return Facts(
        rows=int(row[0]),
        table_bytes=int(row[1]),
        index_bytes=int(row[2]),
        is_partitioned=False,
        obstacles=tuple(
            (str(name), str(text))
            for name, text in conn.execute(OBSTACLES.read_bytes()).fetchall()
        ),
        weakened=_names(conn, WEAKENED),
        publications=_names(conn, REALTIME),
        conflicts=_names(conn, CONFLICTS),
        references=_names(conn, REFERENCES),
        dependents=_names(conn, DEPENDENTS),
    )


def _names(conn: Connection, query: str) -> tuple[str, ...]:
    """Run a query of ours that gives names."""
    return tuple(str(name) for (name,) in conn.execute(query.encode()).fetchall())
