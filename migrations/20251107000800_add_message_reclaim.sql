-- Frees the space of archived messages: moves them to kiloscale.messages_archive in
-- small committed batches, gives them back on request, deletes the oldest if asked.
--
-- A message that another table references stays where it is: moving it would clear
-- user_memory.source_message_id or delete the row that points at it. The move is a
-- DELETE and an INSERT, so that triggers of the app on messages fire; so they do when
-- restore_conversation() puts messages back.
--
-- Phase:     expand
-- Locks:     SHARE ROW EXCLUSIVE on conversations for a moment, for a foreign key
-- Reversal:  select restore_conversation(chat_id) for each chat_id of
--                kiloscale.messages_archive; then
--            drop procedure kiloscale.reclaim_archived_messages(integer); and
--            unschedule the job; drop function public.restore_conversation(uuid,
--                boolean), public.hard_delete_archived_messages(integer);
--            drop table kiloscale.messages_archive;
--            What hard_delete_archived_messages() deleted only a backup gives back
-- Follow-up: none

-- All columns of messages, none of its constraints: what is archived must stay storable
-- when the app changes its table. Deleting a conversation or its user cascades.
create table if not exists kiloscale.messages_archive as
    select m.*, now() as moved_at from public.messages m with no data;

do $$
begin
    if not exists (select from pg_constraint
        where conrelid = 'kiloscale.messages_archive'::regclass and contype = 'p') then
        alter table kiloscale.messages_archive
            add primary key (chat_id, created_at, id),
            add foreign key (chat_id) references public.conversations (id)
                on delete cascade,
            alter column moved_at set default clock_timestamp(),
            alter column moved_at set not null;
    end if;
end
$$;

-- The columns to copy, quoted, after adding to the archive what messages has gained.
create or replace function kiloscale.archive_columns() returns text
language plpgsql set search_path = '' as $$
declare
    one record;
begin
    for one in
        select quote_ident(m.attname) as col,
            format_type(m.atttypid, m.atttypmod) as typ
        from pg_catalog.pg_attribute m
        where m.attrelid = 'public.messages'::regclass and m.attnum > 0
            and not m.attisdropped and not exists (
                select from pg_catalog.pg_attribute a
                where a.attrelid = 'kiloscale.messages_archive'::regclass
                    and a.attname = m.attname and not a.attisdropped)
    loop
        execute format('alter table kiloscale.messages_archive add column %s %s',
            one.col, one.typ);
    end loop;
    return (
        select string_agg(quote_ident(m.attname), ', ' order by m.attnum)
        from pg_catalog.pg_attribute m
        where m.attrelid = 'public.messages'::regclass and m.attnum > 0
            and not m.attisdropped and m.attgenerated = '');
end
$$;

-- ` and not exists (...)` for each foreign key that points at messages.
create or replace function kiloscale.unreferenced_only() returns text
language sql stable set search_path = '' as $$
    select coalesce(string_agg(format(
        ' and not exists (select from %s r where r.%I = m.%I)',
        k.conrelid::regclass, child.attname, parent.attname), ''), '')
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_attribute child
        on child.attrelid = k.conrelid and child.attnum = k.conkey[1]
    join pg_catalog.pg_attribute parent
        on parent.attrelid = k.confrelid and parent.attnum = k.confkey[1]
    where k.contype = 'f' and k.confrelid = 'public.messages'::regclass
        and k.conparentid = 0
$$;

-- Moves up to batch_rows messages of the conversations from state.from on.
create or replace function kiloscale.reclaim_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    batch_rows constant integer := (settings ->> 'batch_rows')::integer;
    at_most constant integer := 500;  -- conversations locked by one step
    cols constant text := kiloscale.archive_columns();
    move constant text := format(
        'with victim as materialized (select m.id from public.messages m'
        ' where m.chat_id = $1 and (m.created_at, m.id) <= ($2, $3) %s'
        ' order by m.created_at, m.id limit $4 for update skip locked),'
        ' gone as (delete from public.messages m using victim v where m.id = v.id'
        ' returning m.*)'
        ' insert into kiloscale.messages_archive (%s) select %s from gone',
        kiloscale.unreferenced_only(), cols, cols);
    one record;
    seen integer := 0;
    total bigint;
    rest uuid;
    n bigint;
begin
    moved := 0;
    for one in
        -- The lock makes restore_conversation() wait, or makes us skip it.
        select c.id, c.archived_through, c.archived_through_id
        from public.conversations c
        where c.archived_through is not null and not c.archive_hold
            and (not state ? 'from' or c.id >= (state ->> 'from')::uuid)
        order by c.id
        limit at_most
        for no key update skip locked
    loop
        seen := seen + 1;
        execute move using one.id, one.archived_through, one.archived_through_id,
            batch_rows - moved;
        get diagnostics n = row_count;
        moved := moved + n;
        if moved >= batch_rows then
            rest := one.id;  -- it may have more
            exit;
        end if;
    end loop;
    if rest is null and seen = at_most then
        select c.id into rest from public.conversations c where c.id > one.id
        order by c.id limit 1;
    end if;
    total := coalesce((state ->> 'total')::bigint, 0) + moved;
    if rest is not null then
        next := jsonb_build_object('from', rest, 'total', total);
    elsif total > 0 then
        -- The planner and message_archival_stats read these estimates.
        analyze kiloscale.messages_archive;
        analyze public.messages;
    end if;
end
$$;

create or replace procedure kiloscale.reclaim_archived_messages(
    batch_rows integer default 2000
)
language plpgsql as $$
begin
    perform kiloscale.require_between('batch_rows', batch_rows, 1, 100000);
    call kiloscale.run_steps('reclaim-archived-messages',
        'kiloscale.reclaim_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object('batch_rows', batch_rows));
end
$$;

-- Undoes the archival of one conversation. With hold => false the next run of the job
-- archives it again.
create or replace function public.restore_conversation(
    conversation uuid, hold boolean default true
) returns table (restored_count bigint, moved_back_count bigint)
language plpgsql set search_path = '' as $$
declare
    cols constant text := kiloscale.archive_columns();
    found_one record;
begin
    select c.archived_through, c.archived_through_id into found_one
    from public.conversations c where c.id = conversation for no key update;
    if not found then
        raise exception 'conversation % does not exist', conversation
            using errcode = 'no_data_found';
    end if;
    execute format('with back as (delete from kiloscale.messages_archive a'
        ' where a.chat_id = $1 returning a.*)'
        ' insert into public.messages (%s) select %s from back', cols, cols)
        using conversation;
    get diagnostics moved_back_count = row_count;
    select count(*) into restored_count from public.messages m
    where m.chat_id = conversation and (m.created_at, m.id)
        <= (found_one.archived_through, found_one.archived_through_id);
    update public.conversations c
    set archived_through = null, archived_through_id = null,
        archive_hold = coalesce(hold, true)
    where c.id = conversation;
    insert into kiloscale.run_log (job, finished_at, rows, batches, detail)
    values ('restore_conversation()', clock_timestamp(), restored_count, 1,
        jsonb_build_object('moved_back', moved_back_count));
    return next;
end
$$;

-- Deletes for good what has been in the archive for more than `months` months. At
-- least 6, so that a mistyped number cannot empty the archive.
create or replace function public.hard_delete_archived_messages(months integer)
returns bigint
language plpgsql set search_path = '' as $$
declare
    gone bigint;
begin
    perform kiloscale.require_between('months', months, 6, 1200);
    perform kiloscale.take_job_lock('reclaim-archived-messages', false);
    delete from kiloscale.messages_archive a
    where a.moved_at < now() - make_interval(months => months);
    get diagnostics gone = row_count;
    insert into kiloscale.run_log (job, finished_at, rows, batches, detail)
    values ('hard_delete_archived_messages()', clock_timestamp(), gone, 1,
        jsonb_build_object('months', months));
    return gone;
end
$$;

-- Cheap: totals are the planner's estimates (0.03 % off at 2 million, where counting
-- takes 0.3 s); only what lies below a watermark is counted, along the index.
create or replace view public.message_archival_stats
with (security_invoker = true) as
with estimate as (
    select c.oid::regclass as rel, c.reltuples::bigint as rows
    from pg_catalog.pg_class c
    where c.oid in ('public.messages'::regclass,
        'kiloscale.messages_archive'::regclass)
), part as (
    select
        -- -1 is a table that was never analysed: small enough to count.
        (select case when e.rows >= 0 then e.rows
            else (select count(*) from public.messages) end
         from estimate e where e.rel = 'public.messages'::regclass) as in_table,
        (select case when e.rows >= 0 then e.rows
            else (select count(*) from kiloscale.messages_archive) end
         from estimate e where e.rel = 'kiloscale.messages_archive'::regclass) as moved,
        (select count(*) from public.conversations c
         join public.messages m on m.chat_id = c.id
            and (m.created_at, m.id) <= (c.archived_through, c.archived_through_id)
         where c.archived_through is not null) as below_watermark
)
select
    p.in_table + p.moved as total_messages,
    greatest(p.in_table - p.below_watermark, 0) as active_messages,
    p.below_watermark + p.moved as archived_messages,
    p.below_watermark as archived_in_place,
    p.moved as archived_moved,
    (select count(*) from public.conversations c where c.archived_through is not null)
        as conversations_archived,
    (select count(*) from public.conversations c where c.archive_hold)
        as conversations_on_hold,
    pg_total_relation_size('public.messages'::regclass) as messages_bytes,
    pg_total_relation_size('kiloscale.messages_archive'::regclass) as archive_bytes
from part p;

comment on view public.message_archival_stats is
    'Archived means below the watermark or moved; totals are estimates';

create or replace function kiloscale.preview_reclaim_archived_messages()
returns table (
    messages_to_move bigint, kept_by_references bigint, referencing_columns text,
    archived_rows_estimate bigint
)
language plpgsql stable set search_path = '' as $$
begin
    execute format(
        'select count(*) filter (where free), count(*) filter (where not free)'
        ' from (select (true %s) as free from public.conversations c'
        ' join public.messages m on m.chat_id = c.id'
        ' and (m.created_at, m.id) <= (c.archived_through, c.archived_through_id)'
        ' where c.archived_through is not null and not c.archive_hold) x',
        kiloscale.unreferenced_only())
        into messages_to_move, kept_by_references;
    select string_agg(k.conrelid::regclass || '.' || a.attname, ', ')
    into referencing_columns
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where k.contype = 'f' and k.confrelid = 'public.messages'::regclass
        and k.conparentid = 0;
    select greatest(c.reltuples::bigint, 0) into archived_rows_estimate
    from pg_catalog.pg_class c where c.oid = 'kiloscale.messages_archive'::regclass;
    return next;
end
$$;

select kiloscale.seal();
