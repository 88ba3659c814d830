-- Keeps the newest run of each job when the history of pg_cron is purged.
--
-- 14 days after a monthly job had run, nothing said so any more: verify-crons took it
-- for overdue until the next month.
--
-- Phase:     expand
-- Locks:     none on an existing table
-- Reversal:  run history_step and preview_cron_history of 20251107000900 again, then
--            drop function kiloscale.cron_history_newest();
-- Follow-up: none

-- The newest run of each job that there is; empty where there is no history here.
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

select kiloscale.seal();
