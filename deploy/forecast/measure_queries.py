"""The queries by which is estimated what could be freed."""

COUNTED = 250_000
"""Messages that are counted at most, about: of a larger table a share of the
conversations stands for all. At two million it is an eighth."""

MONTHS = 6
KEEP = 100
"""As `kiloscale.run_archive_old_messages` archives."""

LOG_DAYS = 7
DELETE_MONTHS = 12

DELETE_PAGES = 2_000
"""Pages of the archive that are read, about: a sample of a larger one."""

REFERENCES = """
select f.tab::text as tab, f.matches from kiloscale.message_references() f
 where not f.is_self order by 1, 2
"""

# Sizes and rows of a partitioned table are the sums of its partitions. What another
# table references stays in the table: a reclaim does not move it.
ARCHIVABLE = """
with size as (
    select sum(pg_relation_size(c.oid)) as heap,
           sum(pg_total_relation_size(c.oid)) as total,
           sum(greatest(c.reltuples, 0)) as rows
      from pg_catalog.pg_class c
     where c.relkind <> 'p' and 'public.messages'::regclass
           in (c.oid, pg_catalog.pg_partition_root(c.oid))
), moved as (
    select pg_total_relation_size(c.oid) as total, greatest(c.reltuples, 0) as rows
      from pg_catalog.pg_class c where c.oid = 'kiloscale.messages_archive'::regclass
), sample as (
    select greatest(1, round(s.rows / %(counted)s))::integer as share from size s
), counted as materialized (
    select c.id, count(*) - %(keep)s as messages
      from public.conversations c
      left join public.conversation_activity a on a.conversation_id = c.id
      join public.messages m on m.chat_id = c.id
     where not c.archive_hold
       and coalesce(a.last_activity_at, '-infinity')
           < now() - make_interval(months => %(months)s)
       and mod(hashtext(c.id::text), (select share from sample)) = 0
     group by c.id
    having count(*) > %(keep)s
), reach as materialized (
    select n.id, w.created_at
      from counted n
     cross join lateral (
        select m.created_at from public.messages m
         where m.chat_id = n.id order by m.created_at desc offset %(keep)s limit 1) w
)
select greatest((select coalesce(sum(n.messages), 0) from counted n) - ({kept}), 0)
           ::float8 * p.share as messages,
       p.share, s.heap::float8 as heap, s.total::float8 as total,
       s.rows::float8 as rows,
       v.total as archive, v.rows::float8 as archive_rows
  from size s, moved v, sample p
"""

KEPT = """
    select count(*) from (
        select m.id from reach n
          join public.messages m on m.chat_id = n.id and m.created_at <= n.created_at
         where {referenced}) k
"""

# As db.hard-delete counts: by when a message was moved, not by when it was written.
DELETABLE = """
select pg_total_relation_size('kiloscale.messages_archive')::float8 as total,
       count(*)::float8 as rows,
       coalesce(avg((a.moved_at < now() - make_interval(months => %(months)s))
           ::integer), 0)::float8 as share
  from kiloscale.messages_archive a tablesample system ((
    select least(100, 100.0 * %(pages)s / greatest(
        pg_relation_size('kiloscale.messages_archive') / 8192, 1))))
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

BLOAT_PAGES_MIN = 1_024
