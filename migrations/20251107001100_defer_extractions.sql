-- Lets the turns of a conversation wait until they are read for memories together.
--
-- Phase:     expand (before llm_handler and chat_send that call defer_extraction)
-- Locks:     SHARE ROW EXCLUSIVE on public.conversations for a moment, to reference it
-- Reversal:  drop function kiloscale.defer_extraction; drop function
--            kiloscale.begin_memory_progress; drop table kiloscale.memory_progress;
-- Follow-up: none

create table if not exists kiloscale.memory_progress (
    chat_id uuid primary key references public.conversations (id) on delete cascade,
    read_through timestamptz not null,
    read_ids uuid[] not null default '{}',
    turns_waiting integer not null default 0,
    outbox_id bigint,
    held_until timestamptz not null default '-infinity',
    reading_until timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

comment on column kiloscale.memory_progress.read_through is
    'created_at of the newest message that was read for memories';
comment on column kiloscale.memory_progress.read_ids is
    'Messages of the last minute before it that were read: one that was committed late'
    ' is not among them, and is read later';
comment on column kiloscale.memory_progress.turns_waiting is
    'Turns since then that asked to be read';
comment on column kiloscale.memory_progress.outbox_id is
    'Outbox row under which they wait; it may be gone';
comment on column kiloscale.memory_progress.held_until is
    'No reading before: the user had all that the limit admits';
comment on column kiloscale.memory_progress.reading_until is
    'Lease of the one consumer that reads the conversation, and its token';

-- Notes that a conversation is read for memories from now on. What is older than its
-- newest 40 messages, one reading, was there before and is left alone: a long history
-- would cost hundreds of calls of the model. (The minute before read_through counts by
-- read_ids alone.)
create or replace function kiloscale.begin_memory_progress(p_chat_id uuid) returns void
language sql volatile set search_path = '' as $$
    insert into kiloscale.memory_progress (chat_id, read_through)
    select c.id, coalesce((
        select m.created_at + interval '60 seconds' from public.messages m
        where m.chat_id = c.id
        order by m.created_at desc, m.id desc
        offset 40 limit 1), '-infinity')
    from public.conversations c
    where c.id = p_chat_id and not exists (
        select from kiloscale.memory_progress p where p.chat_id = p_chat_id)
    on conflict (chat_id) do nothing
$$;

-- Counts turns that ask to be read. They wait under one outbox row, which becomes due
-- when nothing was said for p_idle_s seconds, or at once with p_turns_max turns; while
-- the user's limit holds the conversation back, when that ends.
--
-- Whoever changes a conversation's progress locks it before an outbox row: two turns,
-- or a turn and a reading, wait for each other and never both ways.
--
-- Returns the outbox row that is to be sent now; NULL if the turns wait.
create or replace function kiloscale.defer_extraction(
    p_chat_id uuid, p_user_id uuid, p_message_id uuid, p_turns integer,
    p_turns_max integer, p_idle_s integer, p_window integer default null
) returns bigint
language plpgsql set search_path = '' as $$
declare
    progress kiloscale.memory_progress;
    begins_at timestamptz;
    sent_at timestamptz;
    row_id bigint;
    work jsonb := jsonb_build_object('chat_id', p_chat_id, 'user_id', p_user_id,
        'message_id', p_message_id, 'window', p_window, 'idle_s', p_idle_s);
begin
    if p_turns < 1 or p_turns_max < 1 or p_idle_s < 0 or p_window < 1 then
        raise exception 'turns %, turns_max % and window % must be at least 1, idle_s %'
            ' at least 0', p_turns, p_turns_max, p_window, p_idle_s
            using errcode = 'invalid_parameter_value';
    end if;
    for attempt in 1..2 loop
        update kiloscale.memory_progress m set turns_waiting = m.turns_waiting + p_turns
        where m.chat_id = p_chat_id
        returning m.* into progress;
        exit when found;
        perform kiloscale.begin_memory_progress(p_chat_id);
    end loop;
    if progress.chat_id is null then
        return null;  -- the conversation is gone, and what asked goes with it
    end if;
    begins_at := greatest(progress.held_until, now() + make_interval(secs =>
        case when progress.turns_waiting >= p_turns_max then 0 else p_idle_s end));
    -- Whoever called sends at once; the relay a minute later, if that did not work.
    sent_at := greatest(begins_at, now() + make_interval(secs =>
        case when begins_at <= now() then 60 else 0 end));

    -- A row that was sent may be on its way to its consumer, and one under a lease has
    -- been read: both are left alone.
    update kiloscale.outbox o
    set payload = work, ready_at = begins_at, due_at = sent_at
    where o.id = progress.outbox_id and o.sends = 0 and o.ready_at > now()
        and o.leased_until is null and o.dead_at is null
    returning o.id into row_id;
    if row_id is null then
        insert into kiloscale.outbox (topic, key, payload, ready_at, due_at)
        values ('extraction', p_chat_id::text, work, begins_at, sent_at)
        returning id into row_id;
        update kiloscale.memory_progress m set outbox_id = row_id
        where m.chat_id = p_chat_id;
    end if;
    return case when begins_at <= now() then row_id end;
end
$$;

comment on function kiloscale.defer_extraction is
    'Counts turns that ask to be read for memories; gives the outbox row to send now';

select kiloscale.seal();
