-- Finds the memories of a user at once, and records each table's size in a snapshot.
--
-- Extraction compares what it found with all memories of the user, and a deletion of
-- the user looks for them: neither asks for is_active, so that the partial index
-- idx_user_memory_profile_active serves neither. Measured on PostgreSQL 15 with 100,000
-- memories: 32 ms and 4,540 pages without this index, 1 ms and 203 with it, for a user
-- with 205. A counter of a memory stays a HOT update, since it is in no index.
--
-- A snapshot listed the 20 largest relations: with 44 partitions of logs, those only.
-- The new key `folded` has the 30 largest tables from 64 kB by name, each with its partitions;
-- the keys that there were stay.
--
-- Phase:       expand
-- Locks:       SHARE UPDATE EXCLUSIVE on user_memory: readers and writers go on
-- Transaction: none
-- Reversal:    drop index concurrently public.user_memory_user_id_idx; and run
--              kiloscale.health_now() of 20251107000900_add_health_and_history.sql again
-- Follow-up:   db.table-sizes reads what the snapshots say of growth

create index concurrently if not exists user_memory_user_id_idx
    on public.user_memory (user_id);

create or replace function kiloscale.health_now(
    out database_bytes bigint, out detail jsonb
)
language sql stable set search_path = '' as $$
    with relation as materialized (
        select c.oid as id, c.oid::regclass::text as rel,
            coalesce(pg_catalog.pg_partition_root(c.oid), c.oid) as root,
            pg_total_relation_size(c.oid) as bytes,
            pg_catalog.pg_stat_get_live_tuples(c.oid) as rows,
            pg_catalog.pg_stat_get_dead_tuples(c.oid) as dead
        from pg_catalog.pg_class c
        where c.relkind in ('r', 'm', 'p')
            and c.relnamespace in (
                to_regnamespace('public'), to_regnamespace('kiloscale'))
    )
    select pg_database_size(current_database()), jsonb_build_object(
        'tables', (
            select coalesce(jsonb_agg(jsonb_build_object('table', t.rel,
                'bytes', t.bytes, 'rows', t.rows, 'dead_rows', t.dead)
                order by t.bytes desc), '[]')
            from (
                select r.rel, r.bytes, r.rows, r.dead
                from relation r
                order by 2 desc
                limit 20
            ) t),
        'folded', (
            select coalesce(jsonb_object_agg(f.rel, jsonb_build_object(
                'bytes', f.bytes, 'rows', f.rows)), '{}')
            from (
                select r.root::regclass::text as rel, sum(r.bytes) as bytes,
                    sum(r.rows) as rows
                from relation r
                group by 1
                having sum(r.bytes) >= 65536
                order by 2 desc
                limit 30
            ) f),
        'outbox', (
            select jsonb_build_object(
                'waiting', count(*) filter (where o.dead_at is null),
                'dead', count(*) filter (where o.dead_at is not null),
                'oldest_s', coalesce(extract(epoch from now() - min(o.ready_at)
                    filter (where o.dead_at is null and o.ready_at <= now()))::bigint, 0))
            from kiloscale.outbox o),
        'connections', (
            select count(*) from pg_catalog.pg_stat_activity a
            where a.datname = current_database()),
        'cache_hit_ratio', (
            select round(d.blks_hit::numeric / nullif(d.blks_hit + d.blks_read, 0), 4)
            from pg_catalog.pg_stat_database d where d.datname = current_database()),
        'invalid_indexes', (
            select coalesce(jsonb_agg(i.indexrelid::regclass::text), '[]')
            from pg_catalog.pg_index i where not i.indisvalid),
        'failed_runs_24h', (
            select count(*) from kiloscale.run_log l
            where l.error is not null and l.started_at > now() - interval '24 hours'))
$$;

select kiloscale.seal();
