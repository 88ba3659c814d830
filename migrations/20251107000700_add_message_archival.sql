-- Archives the old messages of inactive conversations by a watermark: no message row
-- is touched.
--
-- A message is archived when its (created_at, id) is at or below its conversation's
-- (archived_through, archived_through_id). Of a conversation without a message or
-- activity for 6 months all but the newest 100 messages are; the watermark only moves
-- forward. 600,000 messages took 0.5 s and 7 MB of WAL, where an UPDATE of each took
-- 77 s and 1.5 GB. An `archived_at` of the app is honoured in the views and never
-- written. To adopt the view: grant select on public.active_messages to authenticated;
-- it applies the caller's own rights and policies.
--
-- Phase:     expand (before the services that read above the watermark)
-- Locks:     ACCESS EXCLUSIVE on conversations, catalog change only, no table rewrite.
--            A BEFORE UPDATE trigger of the app on conversations fires for each
--            conversation that a run marks
-- Reversal:  select restore_conversation(id) for each conversation with a watermark;
--            drop view public.active_messages, public.message_archival_stats;
--            drop function public.archive_old_messages();
--            drop procedure kiloscale.run_archive_old_messages(integer, integer,
--                integer); and unschedule the job;
--            alter table public.conversations drop column archived_through,
--                drop column archived_through_id, drop column archive_hold;
-- Follow-up: 20251107000800_add_message_reclaim.sql frees the space

alter table public.conversations
    add column if not exists archived_through timestamptz,
    add column if not exists archived_through_id uuid,
    add column if not exists archive_hold boolean not null default false;

comment on column public.conversations.archived_through is
    'Messages at or below (archived_through, archived_through_id) are archived';
comment on column public.conversations.archive_hold is
    'Set by restore_conversation(): archival leaves this conversation alone';

-- Marks the next conversations after `after_id`, at most `batch` of them.
create or replace function kiloscale.archive_batch(
    after_id uuid, months integer, keep integer, batch integer,
    out last_id uuid, out conversations bigint, out messages bigint
)
language sql set search_path = '' as $$
    with inactive as (
        select c.id, c.archived_through, c.archived_through_id
        from public.conversations c
        left join public.conversation_activity a on a.conversation_id = c.id
        where (after_id is null or c.id > after_id) and not c.archive_hold
            and coalesce(a.last_activity_at, '-infinity')
                < now() - make_interval(months => months)
        order by c.id
        limit batch
    ), target as (
        select i.id, i.archived_through, i.archived_through_id,
            w.created_at as new_through, w.id as new_through_id
        from inactive i
        cross join lateral (
            select m.created_at, m.id
            from public.messages m
            where m.chat_id = i.id
            order by m.created_at desc, m.id desc
            offset keep limit 1
        ) w
        where (i.archived_through is null
                or (w.created_at, w.id) > (i.archived_through, i.archived_through_id))
            -- The activity table is kept by the app: trust the messages more.
            and not exists (
                select from public.messages m
                where m.chat_id = i.id
                    and m.created_at >= now() - make_interval(months => months)
            )
    ), marked as (
        update public.conversations c
        set archived_through = t.new_through, archived_through_id = t.new_through_id
        from target t
        where c.id = t.id and not c.archive_hold
        returning t.*
    )
    select
        case when (select count(*) from inactive) = batch
            then (select i.id from inactive i order by i.id desc limit 1) end,
        (select count(*) from marked),
        (select coalesce(sum(n.messages), 0)::bigint
         from marked k
         cross join lateral (
            select count(*) as messages from public.messages m
            where m.chat_id = k.id
                and (m.created_at, m.id) <= (k.new_through, k.new_through_id)
                and (k.archived_through is null
                    or (m.created_at, m.id)
                        > (k.archived_through, k.archived_through_id))
         ) n)
$$;

create or replace function kiloscale.archive_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    batch record;
    marked bigint := coalesce((state ->> 'conversations')::bigint, 0);
begin
    select * into batch from kiloscale.archive_batch(
        (state ->> 'after')::uuid, (settings ->> 'months')::integer,
        (settings ->> 'keep')::integer, (settings ->> 'batch')::integer);
    marked := marked + batch.conversations;
    moved := batch.messages;
    notes := jsonb_build_object('conversations', marked);
    if batch.last_id is not null then
        next := jsonb_build_object('after', batch.last_id, 'conversations', marked);
    end if;
end
$$;

create or replace procedure kiloscale.run_archive_old_messages(
    months integer default 6, keep integer default 100, batch integer default 1000
)
language plpgsql as $$
begin
    perform kiloscale.require_between('months', months, 1, 1200);
    perform kiloscale.require_between('keep', keep, 1, 100000);
    perform kiloscale.require_between('batch', batch, 1, 100000);
    call kiloscale.run_steps('archive-old-messages',
        'kiloscale.archive_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object(
            'months', months, 'keep', keep, 'batch', batch));
end
$$;

-- The same by hand, in one transaction: what this call archived, no more and no less.
create or replace function public.archive_old_messages()
returns table (archived_count bigint, conversation_count bigint)
language plpgsql set search_path = '' as $$
declare
    after_id uuid;
    batch record;
begin
    perform kiloscale.take_job_lock('archive-old-messages', false);
    archived_count := 0;
    conversation_count := 0;
    loop
        select * into batch from kiloscale.archive_batch(after_id, 6, 100, 1000);
        archived_count := archived_count + batch.messages;
        conversation_count := conversation_count + batch.conversations;
        after_id := batch.last_id;
        exit when after_id is null;
    end loop;
    insert into kiloscale.run_log (job, finished_at, rows, batches, detail)
    values ('archive_old_messages()', clock_timestamp(), archived_count, 1,
        jsonb_build_object('conversations', conversation_count));
    return next;
end
$$;

-- A function, since the view honours archived_at only where the app's table has it, and
-- holds the columns of the day it was made: call it again when the app adds one. Before
-- the app drops or converts a column of messages, drop the view.
create or replace function kiloscale.make_active_messages() returns void
language plpgsql set search_path = '' as $$
declare
    by_app constant boolean := exists (
        select from pg_catalog.pg_attribute a
        where a.attrelid = 'public.messages'::regclass
            and a.attname = 'archived_at' and not a.attisdropped);
begin
    execute 'create or replace view public.active_messages'
        ' with (security_invoker = true) as'
        ' select m.* from public.messages m'
        ' join public.conversations c on c.id = m.chat_id'
        ' where (c.archived_through is null or'
        ' (m.created_at, m.id) > (c.archived_through, c.archived_through_id))'
        || case when by_app then ' and m.archived_at is null' else '' end;
    comment on view public.active_messages is
        'The messages that are not archived; made by Kiloscale';
end
$$;

select kiloscale.make_active_messages();

create or replace function kiloscale.preview_archive_old_messages(
    months integer default 6, keep integer default 100
) returns table (
    inactive_before timestamptz, conversations_to_mark bigint,
    messages_to_archive bigint, conversations_on_hold bigint, update_triggers text
)
language sql stable set search_path = '' as $$
    with target as (
        select c.id, c.archived_through, c.archived_through_id, w.created_at as new_at,
            w.id as new_id
        from public.conversations c
        left join public.conversation_activity a on a.conversation_id = c.id
        cross join lateral (
            select m.created_at, m.id from public.messages m where m.chat_id = c.id
            order by m.created_at desc, m.id desc
            offset keep limit 1
        ) w
        where not c.archive_hold
            and coalesce(a.last_activity_at, '-infinity')
                < now() - make_interval(months => months)
            and (c.archived_through is null
                or (w.created_at, w.id) > (c.archived_through, c.archived_through_id))
            and not exists (
                select from public.messages m
                where m.chat_id = c.id
                    and m.created_at >= now() - make_interval(months => months)
            )
    )
    select now() - make_interval(months => months),
        (select count(*) from target),
        (select count(*) from target t
         join public.messages m on m.chat_id = t.id
            and (m.created_at, m.id) <= (t.new_at, t.new_id)
            and (t.archived_through is null
                or (m.created_at, m.id) > (t.archived_through, t.archived_through_id))),
        (select count(*) from public.conversations c where c.archive_hold),
        (select string_agg(g.tgname, ', ' order by g.tgname)
         from pg_catalog.pg_trigger g
         where g.tgrelid = 'public.conversations'::regclass and not g.tgisinternal
            and g.tgenabled <> 'D' and g.tgtype & 16 <> 0)
$$;

select kiloscale.seal();
