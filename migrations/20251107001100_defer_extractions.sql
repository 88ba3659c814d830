-- Lets the turns of a conversation wait until they are read for memories together.
--
-- Phase:     expand (before llm_handler and chat_send that call defer_extraction)
-- Locks:     SHARE ROW EXCLUSIVE on public.conversations for a moment, to reference it
-- Reversal:  drop function kiloscale.defer_extraction; drop table
--            kiloscale.memory_progress;
-- Follow-up: none

create table if not exists kiloscale.memory_progress (
    chat_id uuid primary key references public.conversations (id) on delete cascade,
    read_through timestamptz not null default '-infinity',
    read_through_id uuid not null default '00000000-0000-0000-0000-000000000000',
    turns_waiting integer not null default 0,
    outbox_id bigint
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

comment on column kiloscale.memory_progress.read_through is
    'created_at of the newest message that was read for memories';
comment on column kiloscale.memory_progress.turns_waiting is
    'Turns since then that asked to be read';
comment on column kiloscale.memory_progress.outbox_id is
    'Outbox row under which they wait; it may be gone';

-- Counts turns that ask to be read. They wait under one outbox row, which becomes due
-- when nothing was said for p_idle_s seconds, or at once with p_turns_max turns.
--
-- Returns the outbox row that is to be sent now; NULL if the turns wait.
create or replace function kiloscale.defer_extraction(
    p_chat_id uuid, p_user_id uuid, p_message_id uuid, p_turns integer,
    p_turns_max integer, p_idle_s integer, p_window integer default null
) returns bigint
language plpgsql set search_path = '' as $$
declare
    waiting integer;
    at_once boolean;
    row_id bigint;
    work jsonb := jsonb_build_object('chat_id', p_chat_id, 'user_id', p_user_id,
        'message_id', p_message_id, 'window', p_window);
begin
    if p_turns < 1 or p_turns_max < 1 or p_idle_s < 0 then
        raise exception 'turns % and turns_max % must be at least 1, idle_s % at least 0',
            p_turns, p_turns_max, p_idle_s using errcode = 'invalid_parameter_value';
    end if;
    insert into kiloscale.memory_progress as m (chat_id, turns_waiting)
    values (p_chat_id, p_turns)
    on conflict (chat_id) do update set turns_waiting = m.turns_waiting + p_turns
    returning m.turns_waiting, m.outbox_id into waiting, row_id;
    at_once := waiting >= p_turns_max;

    -- A row that was sent may be on its way to its consumer, and one under a lease has
    -- been read: both are left alone.
    if row_id is not null then
        update kiloscale.outbox o
        set payload = work,
            ready_at = now() + make_interval(secs => case when at_once then 0
                else p_idle_s end),
            due_at = now() + make_interval(secs => case when at_once then 60
                else p_idle_s end)
        where o.id = row_id and o.sends = 0 and o.ready_at > now()
            and o.leased_until is null;
        if not found then
            row_id := null;
        end if;
    end if;
    if row_id is null then
        insert into kiloscale.outbox (topic, key, payload, ready_at, due_at)
        values ('extraction', p_chat_id::text, work,
            now() + make_interval(secs => case when at_once then 0 else p_idle_s end),
            now() + make_interval(secs => case when at_once then 60 else p_idle_s end))
        returning id into row_id;
        update kiloscale.memory_progress m set outbox_id = row_id
        where m.chat_id = p_chat_id;
    end if;
    return case when at_once then row_id end;
end
$$;

comment on function kiloscale.defer_extraction is
    'Counts turns that ask to be read for memories; gives the outbox row to send now';

select kiloscale.seal();
