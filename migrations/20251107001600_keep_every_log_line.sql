-- Loses no log line when the job that makes partitions stalls, and lets a plain
-- edge_function_logs be converted while the app writes to it.
--
-- A DEFAULT partition takes what no day takes: days that were never made, and writers
-- whose clock is off by days. It is empty as long as the job runs, so that attaching a
-- day costs nothing; after a stall each new day scans it once, and its rows go by
-- slices. `./bootstrap db.convert-logs` makes a plain table of the app one partition
-- named edge_function_logs_until_<day>; it goes as a whole when its last day is past
-- the cutoff, and by slices before.
--
-- Phase:     expand
-- Locks:     SHARE UPDATE EXCLUSIVE on edge_function_logs for a moment, where it is
--            partitioned: it stops neither readers nor writers. A run of the job takes
--            ACCESS EXCLUSIVE for the time of one DROP, and waits 50 ms for it at most
-- Reversal:  run 20251107000600_add_system_log_retention.sql again; drop table
--            kiloscale.edge_function_logs_rest; (with the lines in it)
-- Follow-up: ./bootstrap db.convert-logs, where the table is plain

create or replace function kiloscale.log_partitions(parent regclass)
returns table (
    part regclass, low timestamptz, high timestamptz, is_default boolean
)
language sql stable set search_path = '' as $$
    select c.oid::regclass,
        case when b.bound ~ 'FROM \(MINVALUE\)' then '-infinity'
            else substring(b.bound from 'FROM \(''([^'']+)''\)') end::timestamptz,
        case when b.bound ~ 'TO \(MAXVALUE\)' then 'infinity'
            else substring(b.bound from 'TO \(''([^'']+)''\)') end::timestamptz,
        b.bound = 'DEFAULT'
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    cross join lateral (
        select pg_get_expr(c.relpartbound, c.oid) as bound) b
    where i.inhparent = parent and not i.inhdetachpending
$$;

-- Attached, not made with PARTITION OF: that would stop the writers of the parent.
-- In our schema: one in public would be open to anon on Supabase.
create or replace function kiloscale.attach_log_partition(
    parent regclass, part text, bound text
) returns void
language plpgsql set search_path = '' as $$
begin
    execute format('create table kiloscale.%I (like %s including defaults'
        ' including constraints including generated including storage)', part, parent);
    execute format('alter table kiloscale.%I enable row level security', part);
    execute format('alter table %s attach partition kiloscale.%I %s', parent, part,
        bound);
end
$$;

create or replace function kiloscale.attach_log_day(parent regclass, day date)
returns void
language sql set search_path = '' as $$
    select kiloscale.attach_log_partition(parent,
        'edge_function_logs_p' || to_char(day, 'YYYYMMDD'),
        format('for values from (%L) to (%L)', day || ' 00:00:00+00',
            (day + 1) || ' 00:00:00+00'))
$$;

-- The days from yesterday on, for a writer whose clock is behind, that have no
-- partition. A day of which the DEFAULT partition holds rows stays without one.
create or replace function kiloscale.missing_log_days(
    parent regclass, days_ahead integer
) returns setof date
language plpgsql stable set search_path = '' as $$
declare
    today constant date := (now() at time zone 'UTC')::date;
    rest regclass;
    day date;
    held boolean;
begin
    select p.part into rest from kiloscale.log_partitions(parent) p
    where p.is_default;
    for day in
        select today + n from generate_series(-1, days_ahead) n
        where not exists (
            select from kiloscale.log_partitions(parent) p
            where p.low < (today + n + 1)::timestamp at time zone 'UTC'
                and p.high > (today + n)::timestamp at time zone 'UTC')
        order by n
    loop
        held := false;
        if rest is not null then
            execute format('select exists (select from %s where created_at >= $1'
                ' and created_at < $2)', rest) into held
                using day::timestamp at time zone 'UTC',
                    (day + 1)::timestamp at time zone 'UTC';
        end if;
        if not held then
            return next day;
        end if;
    end loop;
end
$$;

-- Makes what is missing, at most `at_most`; gives how many that were.
create or replace function kiloscale.make_log_partitions_of(
    parent regclass, days_ahead integer, at_most integer
) returns integer
language plpgsql set search_path = '' as $$
declare
    day date;
    made integer := 0;
begin
    if (select relkind from pg_catalog.pg_class where oid = parent) <> 'p' then
        return 0;
    end if;
    if not exists (
        select from kiloscale.log_partitions(parent) p where p.is_default)
    then
        perform kiloscale.attach_log_partition(parent, 'edge_function_logs_rest',
            'default');
        execute format('comment on table kiloscale.edge_function_logs_rest is %L',
            'Log lines of days without a partition; empty while the job runs');
        made := 1;
    end if;
    for day in
        select d from kiloscale.missing_log_days(parent, days_ahead) d order by d
    loop
        exit when made >= at_most;
        perform kiloscale.attach_log_day(parent, day);
        made := made + 1;
    end loop;
    return made;
end
$$;

create or replace function kiloscale.make_log_partitions(days_ahead integer)
returns integer
language sql set search_path = '' as $$
    select kiloscale.make_log_partitions_of(
        'public.edge_function_logs', days_ahead, 1000)
$$;

create or replace function kiloscale.expired_log_partitions(cutoff timestamptz)
returns table (part regclass)
language sql stable set search_path = '' as $$
    select p.part
    from kiloscale.log_partitions('public.edge_function_logs') p
    join pg_catalog.pg_class c on c.oid = p.part
    where c.relname ~ '^edge_function_logs_(p|until_)\d{8}$' and p.high <= cutoff
    order by p.high
$$;

-- What holds old rows beside young ones: DEFAULT, and the converted table until it is
-- dropped as a whole.
create or replace function kiloscale.sliced_log_partitions()
returns table (part regclass)
language sql stable set search_path = '' as $$
    select p.part
    from kiloscale.log_partitions('public.edge_function_logs') p
    join pg_catalog.pg_class c on c.oid = p.part
    where p.is_default or c.relname ~ '^edge_function_logs_until_\d{8}$'
    order by p.is_default, p.part::text
$$;

-- How long the partitions last: whole days after today without a gap.
create or replace function kiloscale.log_partition_state(
    out layout text, out days_ahead integer, out rows_outside bigint
)
language plpgsql stable set search_path = '' as $$
declare
    rest regclass;
begin
    if to_regclass('public.edge_function_logs') is null then
        layout := 'missing';
        return;
    end if;
    if (select relkind from pg_catalog.pg_class
        where oid = 'public.edge_function_logs'::regclass) <> 'p' then
        layout := 'plain';
        return;
    end if;
    layout := 'partitioned';
    select coalesce(min(n), 367) - 1 into days_ahead
    from generate_series(1, 366) n
    cross join lateral (
        select ((now() at time zone 'UTC')::date + n)::timestamp at time zone 'UTC'
            as starts) d
    where not exists (
        select from kiloscale.log_partitions('public.edge_function_logs') p
        where p.low <= d.starts and p.high >= d.starts + interval '1 day');
    rows_outside := 0;
    select p.part into rest
    from kiloscale.log_partitions('public.edge_function_logs') p where p.is_default;
    if rest is not null then
        execute format('select count(*) from %s', rest) into rows_outside;
    end if;
end
$$;

-- As in 20251107000600, and along a primary key of several columns: that of a
-- converted table ends with created_at.
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

    select string_agg(quote_ident(a.attname), ', ' order by k.n) as cols,
        string_agg('t.' || quote_ident(a.attname) || ' = p.' || quote_ident(a.attname),
            ' and ' order by k.n) as same,
        string_agg(quote_ident(a.attname) || '::text', ', ' order by k.n) as texts,
        string_agg(quote_ident(a.attname) || ' desc', ', ' order by k.n) as descending,
        array_agg(format_type(a.atttypid, a.atttypmod) order by k.n) as types
    into key
    from pg_catalog.pg_index i
    cross join lateral unnest(i.indkey::smallint[]) with ordinality k (attnum, n)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = target and i.indisprimary and k.n <= i.indnkeyatts
    having count(*) > 0;
    if not found then
        raise exception '% has neither an index on created_at nor a primary key: its'
            ' old rows cannot be deleted in slices', target
            using errcode = 'object_not_in_prerequisite_state',
                hint = format('create index concurrently on %s (created_at);', target);
    end if;
    execute format(
        'with page as materialized (select %1$s%6$s from %2$s %5$s'
        ' order by %1$s limit $2), gone as (delete from %2$s t using page p'
        ' where %3$s and p.created_at < $1 returning 1)'
        ' select (select jsonb_build_array(%4$s) from page order by %7$s limit 1)'
        ' as last, (select count(*) from page) as seen,'
        ' (select count(*) from gone) as old',
        key.cols, target, key.same, key.texts,
        case when state ? 'after' then format('where (%s) > (%s)', key.cols, (
            select string_agg(format('%L::%s', v.value, key.types[v.n]), ', '
                order by v.n)
            from jsonb_array_elements_text(state -> 'after') with ordinality
                v (value, n))) else '' end,
        case when key.cols ~ '(^|, )created_at(,|$)' then '' else ', created_at' end,
        key.descending)
        into page using cutoff, batch_rows;
    moved := page.old;
    -- To the last page: a key does not follow time where rows were loaded later.
    if page.seen = batch_rows then
        next := jsonb_build_object('after', page.last);
    end if;
end
$$;

-- One partition made or dropped, or one slice, is a transaction of its own: whoever
-- writes a log line waits for one of them at most.
create or replace function kiloscale.edge_log_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    cutoff constant timestamptz :=
        now() - make_interval(days => (settings ->> 'keep_days')::integer);
    batch_rows constant integer := (settings ->> 'batch_rows')::integer;
    done constant integer := coalesce((state ->> 'done')::integer, 0);
    attempts constant integer := coalesce((state ->> 'attempts')::integer, 0);
    part regclass;
    made integer;
begin
    moved := 0;
    if (select relkind from pg_catalog.pg_class
        where oid = 'public.edge_function_logs'::regclass) <> 'p' then
        select s.next, s.moved into next, moved from kiloscale.delete_slice(
            'public.edge_function_logs', cutoff, batch_rows, state) s;
        notes := '{"table": "plain"}';
        return;
    end if;
    -- Writers queue behind us: so short, and again.
    perform set_config('lock_timeout', '50ms', true);
    if state = '{}' or state ->> 'phase' = 'make' then
        made := done + kiloscale.make_log_partitions_of('public.edge_function_logs',
            (settings ->> 'days_ahead')::integer, 1);
        notes := jsonb_build_object('table', 'partitioned', 'partitions_made', made);
        next := case when made > done
            then jsonb_build_object('phase', 'make', 'done', made)
            else '{"phase": "drop"}' end;
    elsif state ->> 'phase' = 'drop' then
        select e.part into part
        from kiloscale.expired_log_partitions(cutoff) e limit 1;
        if part is not null then
            -- Counting a large one would take longer than dropping all: what its
            -- last vacuum or analyse counted is near enough, and said so.
            select c.reltuples::bigint into moved from pg_catalog.pg_class c
            where c.oid = part and c.reltuples >= 0
                and pg_relation_size(part) > 1048576;
            notes := jsonb_build_object('partitions_dropped', done + 1);
            if moved is null then
                execute format('select count(*) from %s', part) into moved;
            else
                notes := notes || '{"rows": "estimated where a partition was large"}';
            end if;
            execute format('drop table %s', part);
            next := jsonb_build_object('phase', 'drop', 'done', done + 1);
        else
            select jsonb_build_object('phase', 'slice', 'at', '{}'::jsonb,
                'parts', jsonb_agg(s.part::text)) into next
            from kiloscale.sliced_log_partitions() s
            having count(*) > 0;
        end if;
    else
        part := (state #>> '{parts,0}')::regclass;
        select s.next, s.moved into next, moved from kiloscale.delete_slice(
            part, cutoff, batch_rows, state -> 'at') s;
        notes := jsonb_build_object('rows_sliced', done + moved);
        next := case
            when next is not null then state || jsonb_build_object('at', next)
            when jsonb_array_length(state -> 'parts') > 1 then state
                || jsonb_build_object('at', '{}'::jsonb,
                    'parts', (state -> 'parts') - 0)
            end;
        next := next || jsonb_build_object('done', done + moved);
    end if;
exception when lock_not_available then
    -- A reader of the logs holds the table.
    if attempts >= 100 then
        raise;
    end if;
    perform pg_sleep(0.2);
    moved := 0;
    notes := null;
    next := state || jsonb_build_object('attempts', attempts + 1);
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
            and (not s.parted or l.tableoid in (
                select part from expired
                union all select part from kiloscale.sliced_log_partitions()))),
        (select count(*) from expired),
        (select count(*) from kiloscale.missing_log_days(
            'public.edge_function_logs', days_ahead) where s.parted),
        (select min(l.created_at) from public.edge_function_logs l)
    from setting s
$$;

-- For the time of a conversion: a line of a day that the plain table does not take any
-- more goes to the table that replaces it. So a conversion that was cut off and
-- forgotten refuses nothing. SECURITY DEFINER, because the app may not read our schema.
create or replace function kiloscale.redirect_log_line() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    cols constant text := (
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
        from pg_catalog.pg_attribute a
        where a.attrelid = tg_relid and a.attnum > 0 and not a.attisdropped
            and a.attgenerated = '');
begin
    execute format('insert into kiloscale.edge_function_logs_next (%1$s)'
        ' overriding system value select %1$s from (select ($1).*) r', cols) using new;
    return null;
end
$$;

select kiloscale.make_log_partitions(14);

select kiloscale.seal();
