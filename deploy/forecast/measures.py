"""What the database says of the space that could be freed: cheap queries, estimates.

Each runs alone, reads only, and is given two seconds: what takes longer is left out
and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from deploy.forecast.history import Connection

PATIENCE_MS = 2_000

COUNTED = 500_000
"""Messages that are counted at most, about: of a larger table a share of the
conversations stands for all. At two million it is a quarter: 0.1 s, and 4 % off."""

MONTHS = 6
KEEP = 100
"""As `kiloscale.run_archive_old_messages` archives."""

LOG_DAYS = 7
DELETE_MONTHS = 12

ARCHIVABLE = """
with size as (
    select pg_relation_size('public.messages') as heap,
           pg_total_relation_size('public.messages') as total,
           greatest(c.reltuples, 0) as rows
      from pg_catalog.pg_class c where c.oid = 'public.messages'::regclass
), moved as (
    select pg_total_relation_size(c.oid) as total, greatest(c.reltuples, 0) as rows
      from pg_catalog.pg_class c where c.oid = 'kiloscale.messages_archive'::regclass
), sample as (
    select greatest(1, round(s.rows / %(counted)s))::integer as share from size s
), counted as (
    select count(*) as messages
      from public.conversations c
      left join public.conversation_activity a on a.conversation_id = c.id
      join public.messages m on m.chat_id = c.id
     where not c.archive_hold
       and coalesce(a.last_activity_at, '-infinity')
           < now() - make_interval(months => %(months)s)
       and mod(hashtext(c.id::text), (select share from sample)) = 0
     group by c.id
)
select (select coalesce(sum(greatest(n.messages - %(keep)s, 0)), 0)
          from counted n)::float8 * p.share as messages,
       p.share, s.heap, s.total, s.rows::float8 as rows,
       v.total as archive, v.rows::float8 as archive_rows
  from size s, moved v, sample p
"""

DELETABLE = """
select pg_total_relation_size(c.oid) as total, greatest(c.reltuples, 0)::float8 as rows,
       (select s.histogram_bounds::text::timestamptz[] from pg_catalog.pg_stats s
         where s.schemaname = 'kiloscale' and s.tablename = 'messages_archive'
           and s.attname = 'created_at') as bounds,
       now() - make_interval(months => %(months)s) as cutoff
  from pg_catalog.pg_class c where c.oid = 'kiloscale.messages_archive'::regclass
"""

LOGS = """
select c.relkind = 'p' as is_partitioned,
       case when c.relkind = 'p' then (
           select coalesce(sum(pg_total_relation_size(e.part)), 0)::float8
             from kiloscale.expired_log_partitions(
                 now() - make_interval(days => %(days)s)) e)
       else pg_total_relation_size(c.oid)::float8 end as bytes,
       (select s.histogram_bounds::text::timestamptz[] from pg_catalog.pg_stats s
         where s.schemaname = 'public' and s.tablename = 'edge_function_logs'
           and s.attname = 'created_at' and not s.inherited) as bounds,
       now() - make_interval(days => %(days)s) as cutoff
  from pg_catalog.pg_class c where c.oid = to_regclass('public.edge_function_logs')
"""

# The rows that a heap holds, each with its header and line pointer, on full pages: what
# is more is bloat. Known widths only, so a table with a column that was never analysed
# is left out.
BLOAT = """
select r.name, r.bytes::float8 as bytes, r.bytes - 8192 * ceil(
           r.rows / floor(8168 * r.fill / 100 / (4 + 8 * ceil(r.width / 8)))) as bloat
  from (
    select format('%%I.%%I', n.nspname, c.relname) as name,
           pg_relation_size(c.oid) as bytes,
           c.reltuples::float8 as rows,
           coalesce((select o.option_value::float8
                       from pg_options_to_table(c.reloptions) o
                      where o.option_name = 'fillfactor'), 100) as fill,
           (24 + sum((1 - s.null_frac) * s.avg_width))::float8 as width
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_attribute a
        on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_catalog.pg_stats s on s.schemaname = n.nspname
       and s.tablename = c.relname and s.attname = a.attname and not s.inherited
     where c.relkind = 'r' and n.nspname in ('public', 'kiloscale')
       and c.reltuples >= 0 and c.relpages >= %(pages)s
     group by c.oid, n.nspname, c.relname
    having count(*) = count(s.attname)
  ) r
 order by 3 desc
"""

INDEXES = """
select format('%%I.%%I', s.schemaname, s.indexrelname) as name,
       pg_relation_size(s.indexrelid)::float8 as bytes,
       extract(epoch from now() - coalesce(
           d.stats_reset, pg_postmaster_start_time())) / 86400 as days
  from pg_catalog.pg_stat_user_indexes s
  join pg_catalog.pg_index i on i.indexrelid = s.indexrelid
  left join pg_catalog.pg_stat_database d on d.datname = current_database()
 where s.idx_scan = 0 and s.schemaname = 'public' and not i.indisunique
   and i.indisvalid and pg_relation_size(s.indexrelid) >= %(bytes)s
   and not exists (select from pg_catalog.pg_constraint k
                    where k.conindid = s.indexrelid)
   and not exists (select from pg_catalog.pg_inherits h
                    where h.inhrelid = s.indexrelid)
 order by 2 desc
"""

BLOAT_PAGES_MIN = 1_024
INDEX_BYTES_MIN = 1024**2

QUERIES: dict[str, tuple[str, dict[str, object]]] = {
    "archivable": (ARCHIVABLE, {"counted": COUNTED, "months": MONTHS, "keep": KEEP}),
    "deletable": (DELETABLE, {"months": DELETE_MONTHS}),
    "logs": (LOGS, {"days": LOG_DAYS}),
    "bloat": (BLOAT, {"pages": BLOAT_PAGES_MIN}),
    "indexes": (INDEXES, {"bytes": INDEX_BYTES_MIN}),
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The rows of one query.

    Attributes:
        rows: What it found.
        failed: Why there are none; empty if it ran.
    """

    rows: Sequence[dict[str, Any]] = ()
    failed: str = ""


def measured(
    connection: Connection, progress: Callable[[str], None]
) -> dict[str, Measured]:
    """Run all queries."""
    found = {}
    for name, (query, parameters) in QUERIES.items():
        progress(f"estimating what could be freed: {name}")
        found[name] = _measured(connection, query, parameters)
    return found


def _measured(
    connection: Connection, query: str, parameters: dict[str, object]
) -> Measured:
    """Run one query; one that fails fails alone."""
    try:
        with connection.transaction():
            # For this transaction only: behind a pooler the session is not ours.
            connection.execute("set transaction read only")
            connection.execute(
                "select set_config('statement_timeout', %s, true)", (str(PATIENCE_MS),)
            )
            with connection.cursor(row_factory=dict_row) as cursor:
                return Measured(
                    rows=cursor.execute(query.encode(), parameters).fetchall()
                )
    except psycopg.errors.QueryCanceled:
        return Measured(failed=f"it took more than {PATIENCE_MS / 1000:g} s")
    except psycopg.Error as error:
        if connection.broken or connection.closed:
            raise
        return Measured(failed=str(error.diag.message_primary or error))


def share_before(bounds: Sequence[Any] | None, cutoff: Any) -> float | None:
    """Estimate which share of the rows is older than a moment.

    Args:
        bounds: Histogram of the column: as many rows between each two neighbours.
        cutoff: The moment.

    Returns:
        0 to 1; ``None`` where there is no histogram.
    """
    if not bounds or len(bounds) < 2:
        return None
    below = sum(each < cutoff for each in bounds)
    if below in (0, len(bounds)):
        return float(below / len(bounds))
    left, right = bounds[below - 1], bounds[below]
    inside = (cutoff - left) / (right - left) if right > left else 0.0
    return float((below - 1 + inside) / (len(bounds) - 1))
