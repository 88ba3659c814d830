-- Records the database's sizes each hour and keeps the history of jobs short.
--
-- pg_cron never deletes its own history. A role that is neither superuser nor may
-- bypass row-level security sees and deletes only the history of its own jobs; the run
-- log says so, and says so too where pg_cron is not installed in this database.
--
-- Phase:     expand
-- Locks:     none on an existing table
-- Reversal:  drop procedure kiloscale.purge_cron_history(integer, integer, integer);
--            drop procedure kiloscale.snapshot_health(integer); and unschedule both
-- Follow-up: the health check service reads kiloscale.health_snapshots

create or replace function kiloscale.health_now(
    out database_bytes bigint, out detail jsonb
)
language sql stable set search_path = '' as $$
    select pg_database_size(current_database()), jsonb_build_object(
        'tables', (
            select coalesce(jsonb_agg(jsonb_build_object('table', t.rel,
                'bytes', t.bytes, 'rows', t.rows, 'dead_rows', t.dead)
                order by t.bytes desc), '[]')
            from (
                select s.relid::regclass::text as rel,
                    pg_total_relation_size(s.relid) as bytes,
                    s.n_live_tup as rows, s.n_dead_tup as dead
                from pg_catalog.pg_stat_user_tables s
                where s.schemaname in ('public', 'kiloscale')
                order by 2 desc
                limit 20
            ) t),
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

create or replace function kiloscale.snapshot_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
begin
    insert into kiloscale.health_snapshots (database_bytes, detail)
    select h.database_bytes, h.detail from kiloscale.health_now() h;
    moved := 1;
    delete from kiloscale.health_snapshots s
    where s.taken_at
        < now() - make_interval(days => (settings ->> 'keep_days')::integer);
end
$$;

create or replace procedure kiloscale.snapshot_health(keep_days integer default 400)
language plpgsql as $$
begin
    perform kiloscale.require_between('keep_days', keep_days, 30, 3650);
    call kiloscale.run_steps('snapshot-health',
        'kiloscale.snapshot_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object('keep_days', keep_days));
end
$$;

-- The first runid of cron.job_run_details that is to stay: NULL where there is no
-- history here. Failed runs of pg_cron 1.4 have no time, so the neighbours date them.
create or replace function kiloscale.cron_history_kept_from(cutoff timestamptz)
returns bigint
language plpgsql stable set search_path = '' as $$
declare
    kept_from bigint;
begin
    if to_regclass('cron.job_run_details') is null then
        return null;
    end if;
    execute 'select coalesce('
        ' (select min(d.runid) from cron.job_run_details d where d.start_time >= $1),'
        ' (select max(d.runid) + 1 from cron.job_run_details d'
        ' where d.start_time < $1), 0)' into kept_from using cutoff;
    return kept_from;
end
$$;

-- The newest run of each job, which stays whatever its age: without it a monthly job
-- looks overdue 14 days after its run. Empty where there is no history here.
create or replace function kiloscale.cron_history_newest()
returns bigint[]
language plpgsql stable set search_path = '' as $$
declare
    newest bigint[];
begin
    if to_regclass('cron.job_run_details') is not null then
        execute 'select array(select max(d.runid) from cron.job_run_details d'
            ' join cron.job j on j.jobid = d.jobid group by d.jobid)' into newest;
    end if;
    return coalesce(newest, '{}');
end
$$;

create or replace function kiloscale.history_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    batch_rows constant integer := (settings ->> 'batch_rows')::integer;
    kept_from bigint := (state ->> 'kept_from')::bigint;
    kept bigint[];
    purged bigint;
begin
    moved := 0;
    if state = '{}' then
        kept_from := kiloscale.cron_history_kept_from(
            now() - make_interval(days => (settings ->> 'keep_days')::integer));
        notes := jsonb_build_object('cron_history', case
            when kept_from is null then 'pg_cron is not installed in this database'
            when exists (select from pg_catalog.pg_roles r
                where r.rolname = current_user and (r.rolsuper or r.rolbypassrls))
                then 'of all roles'
            else 'of the jobs of role ' || current_user end);
        next := jsonb_build_object('kept_from', kept_from,
            'kept', to_jsonb(kiloscale.cron_history_newest()));
        return;
    end if;
    -- Both tables are read along their primary key, a batch at a time.
    if kept_from is not null then
        kept := array(
            select k.runid::bigint
            from jsonb_array_elements_text(state -> 'kept') as k (runid));
        execute 'with page as (select d.runid from cron.job_run_details d'
            ' where d.runid < $1 and d.runid <> all ($3)'
            ' order by d.runid limit $2)'
            ' delete from cron.job_run_details d using page p where d.runid = p.runid'
            using kept_from, batch_rows, kept;
        get diagnostics moved = row_count;
        if moved = batch_rows then
            next := state;
            return;
        end if;
    end if;
    with page as (
        select l.id from kiloscale.run_log l
        where l.started_at
            < now() - make_interval(days => (settings ->> 'keep_log_days')::integer)
        order by l.id limit batch_rows
    )
    delete from kiloscale.run_log l using page p where l.id = p.id;
    get diagnostics purged = row_count;
    moved := moved + purged;
    if purged = batch_rows then
        next := jsonb_build_object('kept_from', null);
    end if;
end
$$;

create or replace procedure kiloscale.purge_cron_history(
    keep_days integer default 14, keep_log_days integer default 90,
    batch_rows integer default 5000
)
language plpgsql as $$
begin
    perform kiloscale.require_between('keep_days', keep_days, 1, 3650);
    perform kiloscale.require_between('keep_log_days', keep_log_days, 7, 3650);
    perform kiloscale.require_between('batch_rows', batch_rows, 1, 100000);
    call kiloscale.run_steps('purge-cron-history',
        'kiloscale.history_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object('keep_days', keep_days,
            'keep_log_days', keep_log_days, 'batch_rows', batch_rows));
end
$$;

create or replace function kiloscale.preview_cron_history(
    keep_days integer default 14, keep_log_days integer default 90
) returns table (
    pg_cron text, cron_runs_to_delete bigint, run_log_rows_to_delete bigint
)
language plpgsql stable set search_path = '' as $$
declare
    kept_from constant bigint :=
        kiloscale.cron_history_kept_from(now() - make_interval(days => keep_days));
begin
    pg_cron := case when kept_from is null
        then 'not installed in this database' else 'installed' end;
    if kept_from is not null then
        execute 'select count(*) from cron.job_run_details d'
            ' where d.runid < $1 and d.runid <> all ($2)'
            into cron_runs_to_delete using kept_from, kiloscale.cron_history_newest();
    end if;
    select count(*) into run_log_rows_to_delete from kiloscale.run_log l
    where l.started_at < now() - make_interval(days => keep_log_days);
    return next;
end
$$;

create or replace function kiloscale.preview_health_snapshot()
returns table (
    database_bytes bigint, largest_table text, largest_table_bytes bigint,
    outbox_waiting bigint, connections integer, snapshots_kept bigint
)
language sql stable set search_path = '' as $$
    select h.database_bytes, h.detail #>> '{tables,0,table}',
        (h.detail #>> '{tables,0,bytes}')::bigint,
        (h.detail #>> '{outbox,waiting}')::bigint,
        (h.detail ->> 'connections')::integer,
        (select count(*) from kiloscale.health_snapshots)
    from kiloscale.health_now() h
$$;

select kiloscale.seal();
