"""Dead rows and estimated free space of tables and indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.inspection.access import OTHERS, Connection, facts, rows

# What the rows need, by the planner's statistics: a header of 23 bytes and its bitmap
# of nulls, the stored widths, both rounded up to 8, and a pointer of 4 bytes; a page
# has 8,168 bytes for them, filled up to the fillfactor. A table without statistics has
# no estimate.
TABLES = """
with width as (
    select s.schemaname, s.tablename,
           sum((1 - s.null_frac) * s.avg_width) as bytes,
           bool_or(s.null_frac > 0) as has_nulls, count(*) as columns
      from pg_stats s
     where not s.inherited
     group by 1, 2
), need as (
    select c.oid, c.reltuples,
           -- The catalog knows nothing of a table that was never analysed.
           case when c.reltuples < 0 then pg_relation_size(c.oid) / 8192
               else c.relpages end::bigint as pages,
           case when c.reltuples = 0 then 0
               when w.bytes is not null and c.reltuples > 0 then
               ceil(c.reltuples * (
                   4 + 8 * ceil((23 + case when w.has_nulls
                           then ceil(w.columns / 8.0) else 0 end) / 8.0)
                   + 8 * ceil(w.bytes::numeric / 8))
                   / (8168 * coalesce((
                       select o.option_value::numeric
                         from pg_options_to_table(c.reloptions) o
                        where o.option_name = 'fillfactor'), 100) / 100))
           end as needed
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      left join width w on w.schemaname = n.nspname and w.tablename = c.relname
     where c.relkind in ('r', 'm')
)
select n.nspname as schema, r.relname as table,
       format('%%I.%%I', n.nspname, r.relname) as qualified, r.oid::bigint as id,
       count(*) as parts, bool_or(c.relispartition) as is_partitioned,
       sum(greatest(c.reltuples, 0))::bigint as rows,
       sum(pg_stat_get_live_tuples(c.oid))::bigint as live,
       sum(pg_stat_get_dead_tuples(c.oid))::bigint as dead,
       sum(pg_stat_get_tuples_updated(c.oid))::bigint as updates,
       sum(pg_stat_get_tuples_hot_updated(c.oid))::bigint as hot,
       sum(x.pages * 8192)::bigint as bytes,
       -- Of NULL and 0 the greater is 0 to PostgreSQL.
       sum(case when x.needed is not null
           then greatest(x.pages - x.needed, 0) * 8192 end)::bigint as free_bytes,
       max(greatest(pg_stat_get_last_vacuum_time(c.oid),
           pg_stat_get_last_autovacuum_time(c.oid))) as vacuumed_at,
       max(greatest(pg_stat_get_last_analyze_time(c.oid),
           pg_stat_get_last_autoanalyze_time(c.oid))) as analyzed_at,
       max(age(c.relfrozenxid))::bigint as ids,
       coalesce(max(c.reloptions), '{}') as options, now() as now
  from need x
  join pg_class c on c.oid = x.oid
  join pg_class r on r.oid = coalesce(pg_partition_root(c.oid), c.oid)
  join pg_namespace n on n.oid = r.relnamespace
 where n.nspname !~ '^pg_' and n.nspname <> all (%(others)s)
 group by n.nspname, r.relname, r.oid
 order by sum(x.pages) desc, 1, 2
"""

# An entry needs a header of 8 bytes, its keys, rounded up to 8, and a pointer of 4; a
# leaf is filled to 90 %%. Equal keys share one entry, so that an index of many equal
# ones needs less: its estimate of free space is too small, never too large.
INDEXES = """
select format('%%I.%%I', n.nspname, c.relname) as qualified, c.relname as name,
       c.relpages::bigint * 8192 as bytes,
       (greatest(c.relpages - ceil(c.reltuples
           * (12 + 8 * ceil(w.bytes::numeric / 8)) / (8152 * 0.9)), 0) * 8192)::bigint
           as free_bytes
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = t.relnamespace
  join pg_am am on am.oid = c.relam and am.amname = 'btree'
  join lateral (
    select sum((1 - s.null_frac) * s.avg_width) as bytes, count(*) as known
      from pg_attribute a
      join pg_stats s on s.schemaname = n.nspname and s.tablename = t.relname
          and s.attname = a.attname and not s.inherited
     where a.attrelid = t.oid and a.attnum = any (i.indkey::int2[])) w
    on w.known = i.indnatts
 where n.nspname !~ '^pg_' and n.nspname <> all (%(others)s)
   and c.reltuples > 0 and c.relpages >= %(pages)s
 order by 4 desc
"""

EXACT = """
select sum(a.table_len)::bigint as bytes,
       sum(a.approx_free_space + a.dead_tuple_len)::bigint as free_bytes
  from pg_class c
 cross join lateral {schema}.pgstattuple_approx(c.oid::regclass) a
 where c.relkind in ('r', 'm') and %s::oid in (c.oid, pg_partition_root(c.oid))
"""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What vacuum sees of a table, added up over its partitions.

    Attributes:
        schema: Its schema.
        table: Its name, bare.
        qualified: Both, quoted where need be.
        id: Its oid.
        parts: Partitions, or 1.
        is_partitioned: Whether it has partitions.
        rows: Rows as of the last ANALYZE.
        live: Rows as counted.
        dead: Rows that vacuum has yet to remove.
        updates: Updates since the statistics began.
        hot: Those that wrote no index.
        bytes: Size of the heap as of the last vacuum.
        free_bytes: Of it, estimated to be empty; ``None`` without statistics that the
            role may read.
        vacuumed_at: Last vacuum, by hand or not.
        analyzed_at: Last ANALYZE, likewise.
        ids: Age of the oldest transaction id.
        options: Storage settings, ``name=value``.
        now: The server's time.
    """

    schema: str
    table: str
    qualified: str
    id: int
    parts: int
    is_partitioned: bool
    rows: int
    live: int
    dead: int
    updates: int
    hot: int
    bytes: int
    free_bytes: int | None
    vacuumed_at: datetime | None
    analyzed_at: datetime | None
    ids: int
    options: Sequence[str]
    now: datetime

    @property
    def settings(self) -> dict[str, str]:
        """Storage settings by name."""
        return {
            name: value
            for name, _, value in (one.partition("=") for one in self.options)
        }

    @property
    def dead_share(self) -> float:
        """Share of the rows that are dead."""
        return self.dead / (self.dead + self.live) if self.dead else 0.0


@dataclass(frozen=True, kw_only=True)
class IndexSpace:
    """Estimated free space of an index.

    Attributes:
        qualified: The index with its schema.
        name: Its name, bare.
        bytes: Its size.
        free_bytes: Of it, estimated to be empty.
    """

    qualified: str
    name: str
    bytes: int
    free_bytes: int


def read_tables(connection: Connection) -> list[Rows]:
    """Read all tables of the app's schemas and of ours, the largest first."""
    return facts(connection, Rows, TABLES, {"others": list(OTHERS)})


def read_indexes(connection: Connection, pages: int) -> list[IndexSpace]:
    """Estimate the B-tree indexes from so many pages, the emptiest first."""
    values = {"others": list(OTHERS), "pages": pages}
    return facts(connection, IndexSpace, INDEXES, values)


def statistics_schema(connection: Connection) -> str | None:
    """Find where the extension pgstattuple is; ``None`` if it is not installed."""
    found = rows(
        connection,
        "select quote_ident(n.nspname) as schema from pg_extension e"
        " join pg_namespace n on n.oid = e.extnamespace"
        " where e.extname = 'pgstattuple'",
    )
    return str(found[0]["schema"]) if found else None
