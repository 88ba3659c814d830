-- Keeps 7 days of edge_function_logs and 90 days of stripe_webhook_events.
--
-- edge_function_logs is made with a partition for each day (UTC), 14 days ahead, so
-- that old days go by DROP: 0.2 s and no dead row for 2.3 million rows, where one
-- DELETE leaves a gigabyte. A plain edge_function_logs of the app stays plain and is
-- cleaned by slices. Webhook events go after 90 days whether processed or not; the
-- run log says how many were not. report_logs and translator_logs are user data:
-- nothing here touches them.
--
-- Phase:     expand
-- Locks:     none on an existing table; a run takes ACCESS EXCLUSIVE on
--            edge_function_logs for the time of one DROP, and gives up after 2 s
-- Reversal:  drop procedure kiloscale.clean_edge_function_logs(integer, integer);
--            drop procedure kiloscale.clean_webhook_events(integer, integer);
--            and unschedule both jobs; drop table public.edge_function_logs; only if
--            its comment reads 'Made by Kiloscale'
-- Follow-up: the checklist schedules cleanup-edge-function-logs and
--            cleanup-webhook-events; converting a plain log table is a later step

do $$
begin
    if to_regclass('public.edge_function_logs') is null then
        create table public.edge_function_logs (
            id uuid not null default gen_random_uuid(),
            function_name text not null,
            level text not null default 'info',
            event jsonb not null default '{}',
            created_at timestamptz not null default now(),
            primary key (created_at, id)
        ) partition by range (created_at);
        alter table public.edge_function_logs enable row level security;
        comment on table public.edge_function_logs is
            'Made by Kiloscale: 20251107000600_add_system_log_retention';
    end if;
end
$$;

-- The partitions stand in our schema: one in public would be open to anon on Supabase,
-- since the parent's row-level security does not count for a partition read by name.
create or replace function kiloscale.make_log_partitions(days_ahead integer)
returns integer
language plpgsql set search_path = '' as $$
declare
    today constant date := (now() at time zone 'UTC')::date;
    day date;
    part text;
    made integer := 0;
begin
    if (select relkind from pg_catalog.pg_class
        where oid = 'public.edge_function_logs'::regclass) <> 'p' then
        return 0;
    end if;
    -- Yesterday too, for a writer whose clock is behind.
    for offset_days in -1..days_ahead loop
        day := today + offset_days;
        part := 'edge_function_logs_p' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('kiloscale.' || part) is not null;
        execute format('create table kiloscale.%I partition of'
            ' public.edge_function_logs for values from (%L) to (%L)', part,
            day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
        execute format('alter table kiloscale.%I enable row level security', part);
        made := made + 1;
    end loop;
    return made;
end
$$;

-- The whole days that lie before the cutoff, oldest first.
create or replace function kiloscale.expired_log_partitions(cutoff timestamptz)
returns table (part regclass)
language sql stable set search_path = '' as $$
    select c.oid::regclass
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.edge_function_logs'::regclass
        and c.relname ~ '^edge_function_logs_p\d{8}$'
        and (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp
            at time zone 'UTC' <= cutoff
    order by c.relname
$$;

-- Deletes one slice of what is older than the cutoff, and moves forward: a batch that
-- starts again from the oldest row each time reads the dead index entries of all the
-- batches before it (21 times slower, measured). With an index on created_at a slice
-- is a stretch of time; without, a page of the primary key.
create or replace function kiloscale.delete_slice(
    target regclass, cutoff timestamptz, batch_rows integer, state jsonb,
    out next jsonb, out moved bigint
)
language plpgsql set search_path = '' as $$
declare
    low timestamptz := (state ->> 'from')::timestamptz;
    high timestamptz;
    key record;
    page record;
begin
    if exists (
        select from pg_catalog.pg_index i
        join pg_catalog.pg_class c on c.oid = i.indexrelid
        join pg_catalog.pg_am m on m.oid = c.relam and m.amname = 'btree'
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid
            and a.attnum = i.indkey[0]
        where i.indrelid = target and i.indisvalid and i.indpred is null
            and a.attname = 'created_at'
    ) then
        if low is null then
            execute format('select min(created_at) from %s', target) into low;
        end if;
        moved := 0;
        if low is null or low >= cutoff then
            return;
        end if;
        execute format('select created_at from %s where created_at >= $1'
            ' and created_at < $2 order by created_at offset $3 limit 1', target)
            into high using low, cutoff, batch_rows;
        high := coalesce(high, cutoff);
        if high = low then  -- more rows of one instant than a batch holds
            high := low + interval '1 microsecond';
        end if;
        execute format('delete from %s where created_at >= $1 and created_at < $2',
            target) using low, high;
        get diagnostics moved = row_count;
        if high < cutoff then
            next := jsonb_build_object('from', high);
        end if;
        return;
    end if;

    select quote_ident(a.attname) as col, format_type(a.atttypid, null) as typ
    into key
    from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid
        and a.attnum = i.indkey[0]
    where i.indrelid = target and i.indisprimary and i.indnkeyatts = 1;
    if not found then
        raise exception '% has neither an index on created_at nor a primary key of one'
            ' column: its old rows cannot be deleted in slices', target
            using errcode = 'object_not_in_prerequisite_state',
                hint = format('create index concurrently on %s (created_at);', target);
    end if;
    execute format(
        'with page as materialized (select %1$s as k, created_at from %2$s %4$s'
        ' order by %1$s limit $2), gone as (delete from %2$s t using page p'
        ' where t.%1$s = p.k and p.created_at < $1 returning 1)'
        ' select (select k::text from page order by k desc limit 1) as last,'
        ' (select count(*) from page) as seen, (select count(*) from gone) as old',
        key.col, target, key.typ,
        case when state ? 'after' then
            format('where %s > %L::%s', key.col, state ->> 'after', key.typ)
            else '' end)
        into page using cutoff, batch_rows;
    moved := page.old;
    -- To the last page: a key does not follow time where rows were loaded later.
    if page.seen = batch_rows then
        next := jsonb_build_object('after', page.last);
    end if;
end
$$;

create or replace function kiloscale.edge_log_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    cutoff constant timestamptz :=
        now() - make_interval(days => (settings ->> 'keep_days')::integer);
    kind constant "char" := (select relkind from pg_catalog.pg_class
        where oid = 'public.edge_function_logs'::regclass);
    part regclass;
    rest integer;
begin
    if kind <> 'p' then
        select s.next, s.moved into next, moved from kiloscale.delete_slice(
            'public.edge_function_logs', cutoff,
            (settings ->> 'batch_rows')::integer, state) s;
        notes := '{"table": "plain"}';
        return;
    end if;
    perform set_config('lock_timeout', '2s', true);
    if state = '{}' then
        moved := 0;
        next := '{"dropped": 0}';
        notes := jsonb_build_object('table', 'partitioned', 'partitions_made',
            kiloscale.make_log_partitions((settings ->> 'days_ahead')::integer));
        return;
    end if;
    select count(*), min(e.part::text) into rest, part
    from kiloscale.expired_log_partitions(cutoff) e;
    moved := 0;
    if rest > 0 then
        execute format('select count(*) from %s', part) into moved;
        execute format('drop table %s', part);
        notes := jsonb_build_object('partitions_dropped',
            (state ->> 'dropped')::integer + 1);
    end if;
    if rest > 1 then
        next := jsonb_build_object('dropped', (state ->> 'dropped')::integer + 1);
    end if;
exception when lock_not_available then
    -- A reader of the logs holds the table: let those who queue behind us go first.
    if coalesce((state ->> 'attempts')::integer, 0) >= 5 then
        raise;
    end if;
    moved := 0;
    next := state || jsonb_build_object(
        'attempts', coalesce((state ->> 'attempts')::integer, 0) + 1);
end
$$;

create or replace procedure kiloscale.clean_edge_function_logs(
    keep_days integer default 7, days_ahead integer default 14,
    batch_rows integer default 10000
)
language plpgsql as $$
begin
    perform kiloscale.require_between('keep_days', keep_days, 1, 3650);
    perform kiloscale.require_between('days_ahead', days_ahead, 2, 365);
    perform kiloscale.require_between('batch_rows', batch_rows, 1, 100000);
    call kiloscale.run_steps('cleanup-edge-function-logs',
        'kiloscale.edge_log_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object('keep_days', keep_days,
            'days_ahead', days_ahead, 'batch_rows', batch_rows));
end
$$;

create or replace function kiloscale.webhook_event_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    cutoff constant timestamptz :=
        now() - make_interval(days => (settings ->> 'keep_days')::integer);
begin
    if state = '{}' then
        notes := jsonb_build_object('unprocessed', (
            select count(*) from public.stripe_webhook_events e
            where e.created_at < cutoff and e.processed is not true));
    end if;
    select s.next, s.moved into next, moved from kiloscale.delete_slice(
        'public.stripe_webhook_events', cutoff,
        (settings ->> 'batch_rows')::integer, state) s;
end
$$;

create or replace procedure kiloscale.clean_webhook_events(
    keep_days integer default 90, batch_rows integer default 2000
)
language plpgsql as $$
begin
    perform kiloscale.require_between('keep_days', keep_days, 30, 3650);
    perform kiloscale.require_between('batch_rows', batch_rows, 1, 100000);
    call kiloscale.run_steps('cleanup-webhook-events',
        'kiloscale.webhook_event_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object(
            'keep_days', keep_days, 'batch_rows', batch_rows));
end
$$;

create or replace function kiloscale.preview_edge_function_logs(
    keep_days integer default 7, days_ahead integer default 14
) returns table (
    layout text, cutoff timestamptz, rows_to_delete bigint, partitions_to_drop bigint,
    partitions_to_make bigint, oldest_row timestamptz
)
language sql stable set search_path = '' as $$
    with setting as (
        select now() - make_interval(days => keep_days) as cutoff,
            c.relkind = 'p' as parted
        from pg_catalog.pg_class c where c.oid = 'public.edge_function_logs'::regclass
    ), expired as (
        select e.part from setting s, kiloscale.expired_log_partitions(s.cutoff) e
    )
    select case when s.parted then 'partitioned' else 'plain' end, s.cutoff,
        (select count(*) from public.edge_function_logs l
         where l.created_at < s.cutoff
            and (not s.parted or l.tableoid in (select part from expired))),
        (select count(*) from expired),
        (select count(*) from generate_series(-1, days_ahead) d
         where s.parted and to_regclass('kiloscale.edge_function_logs_p'
            || to_char((now() at time zone 'UTC')::date + d, 'YYYYMMDD')) is null),
        (select min(l.created_at) from public.edge_function_logs l)
    from setting s
$$;

create or replace function kiloscale.preview_webhook_events(
    keep_days integer default 90
) returns table (
    cutoff timestamptz, rows_to_delete bigint, unprocessed_among_them bigint,
    oldest_row timestamptz
)
language sql stable set search_path = '' as $$
    select now() - make_interval(days => keep_days), count(*),
        count(*) filter (where e.processed is not true),
        (select min(o.created_at) from public.stripe_webhook_events o)
    from public.stripe_webhook_events e
    where e.created_at < now() - make_interval(days => keep_days)
$$;

select kiloscale.make_log_partitions(14);

select kiloscale.seal();
