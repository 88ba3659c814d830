"""Names of what a conversion works on, and what is there of it."""

from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg.rows import TupleRow, class_row

Connection = psycopg.Connection[TupleRow]

LIVE = "public.edge_function_logs"
NEXT = "kiloscale.edge_function_logs_next"
"""The partitioned table while it is being prepared."""

TRIGGER = "kiloscale_redirect"
KEY_INDEX = "kiloscale_next_key"
"""The key that the old table gets: its primary key, and created_at."""

SEEN = f"""
select c.relkind::text as kind,
       c.reltuples::bigint as rows_estimate,
       pg_total_relation_size(c.oid) as bytes,
       to_regclass('{NEXT}') is not null as is_prepared,
       (select to_date(right(k.conname, 8), 'YYYYMMDD') from pg_constraint k
         where k.conrelid = c.oid and k.conname ~ '^kiloscale_before_\\d{{8}}$')
           as boundary,
       coalesce((select k.convalidated from pg_constraint k
         where k.conrelid = c.oid and k.conname ~ '^kiloscale_before_\\d{{8}}$'),
           false) as is_validated,
       exists (select from pg_index i join pg_class x on x.oid = i.indexrelid
         where i.indrelid = c.oid and x.relname = '{KEY_INDEX}' and i.indisvalid)
           as has_key_index,
       (select p.part::text from kiloscale.log_partitions(c.oid) p
         join pg_class x on x.oid = p.part
         where x.relname ~ '^edge_function_logs_until_\\d{{8}}$' limit 1) as old_part
  from pg_class c
 where c.oid = to_regclass('{LIVE}')
"""  # noqa: S608 - constants


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How far a conversion is.

    Attributes:
        kind: ``pg_class.relkind``: ``r`` plain, ``p`` partitioned.
        rows_estimate: What the planner takes for its number of rows; -1 if unknown.
        bytes: Size with indexes.
        is_prepared: Whether the table that replaces it is there.
        boundary: First day that the old table does not take; ``None`` before that.
        is_validated: Whether every row of the old table is known to be before it.
        has_key_index: Whether the old table has the key that it needs.
        old_part: The converted table as a partition; ``None`` if there is none.
    """

    kind: str
    rows_estimate: int
    bytes: int
    is_prepared: bool
    boundary: date | None
    is_validated: bool
    has_key_index: bool
    old_part: str | None

    @property
    def begun(self) -> bool:
        """Whether a conversion was begun and not ended."""
        return self.kind == "r" and (self.is_prepared or self.boundary is not None)


def look(conn: Connection) -> Seen | None:
    """Look how far it is; ``None`` if there is no table."""
    with conn.cursor(row_factory=class_row(Seen)) as cursor:
        return cursor.execute(SEEN.encode()).fetchone()


def old_name(boundary: date) -> str:
    """Name the old table as a partition.

    >>> old_name(date(2026, 11, 28))
    'edge_function_logs_until_20261128'
    """
    return f"edge_function_logs_until_{boundary:%Y%m%d}"


def check_name(boundary: date) -> str:
    """Name the constraint that keeps later rows out of the old table."""
    return f"kiloscale_before_{boundary:%Y%m%d}"
