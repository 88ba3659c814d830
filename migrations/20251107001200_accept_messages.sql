-- Accepts chat messages of many requests in one statement: ownership, deduplication,
-- limit, rows, outbox and realtime event.
--
-- Phase:     expand (before chat_send that calls accept_messages)
-- Locks:     none on an existing table
-- Reversal:  drop function kiloscale.accept_messages;
-- Follow-up: none

-- Each element of p_messages is one message; those with the same r are one request,
-- which is saved whole or not at all:
--   r           number of its request; requests of a user are admitted in this order
--   chat_id     its conversation
--   user_id     who must own the conversation; NULL for the app's own backend
--   key         the client's id of the message, client_msg_id
--   role, text  user or assistant; what was said
--   mode        NULL takes the conversation's
--   is_hit      whether it costs a hit of its owner's limit
--   hits_max    hits that a window admits; 0 admits nothing new; NULL counts nothing,
--               because another store has counted
--   asks        whether the model answers; asks_together the same for a message of
--               the mode together
--   request_id  goes along to the model's log
--   reading     NULL, or {turns, turns_max, idle_s, window} of defer_extraction
--
-- Returns an array with one object for each element, in the same order:
--   id             the message; NULL if it is not saved
--   is_new         whether this call saved it
--   user_id        owner of the conversation; NULL if there is none, or not this one
--   is_admitted    whether the limit had room for what was new in its request
--   hits, reset_s  of the owner's window after its request; uncounted: 0, the window
--   outbox_id      its row, if the model is to answer
--   extraction_id  the row to send now, on the last message of its request
--
-- A function, because its plans stay in the server's session, also behind a pooler that
-- gives each transaction another one, and because each statement in it sees what was
-- committed before it began: what a concurrent call saved is found here, not later.
-- The plans must fit a full table although they may have been made for an empty one.
create or replace function kiloscale.accept_messages(
    p_messages jsonb, p_window_s integer
) returns json
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    -- The app's column may be an enum, to which a text does not cast by itself.
    as_user public.messages.role%type := 'user';
    as_assistant public.messages.role%type := 'assistant';
    moment timestamptz;
    owners text[];
    one record;
    owner uuid;
    added integer;
    used integer;
    has_room boolean;
    is_read boolean := false;
    is_short boolean := false;
    -- The requests whose conversation is the caller's, side by side.
    requests integer[] := '{}';
    users uuid[] := '{}';
    verdicts boolean[] := '{}';
    counts integer[] := '{}';
    resets integer[] := '{}';
    admitted integer[] := '{}';
    wanted integer := 0;
    -- What was saved, side by side.
    saved uuid[] := '{}';
    saved_requests integer[] := '{}';
    saved_hits boolean[] := '{}';
    outbox_ids bigint[] := '{}';
    conflicts integer[];
    reading_requests integer[] := '{}';
    reading_ids bigint[] := '{}';
    answer json;
begin
    if p_window_s < 1 then
        raise exception 'p_window_s must be at least 1, got %', p_window_s
            using errcode = 'invalid_parameter_value';
    end if;

    -- Every caller makes the missing counters in one order and then locks all of its
    -- own in one order, so that no two wait for each other. Counts are exact from here
    -- on, and a user's own retries wait here for one another.
    select array_agg(distinct c.user_id::text order by c.user_id::text) into owners
    from jsonb_to_recordset(p_messages)
        as w (chat_id uuid, user_id uuid, hits_max integer)
    join public.conversations c
        on c.id = w.chat_id and (w.user_id is null or c.user_id = w.user_id)
    where w.hits_max > 0;
    if owners is not null then
        insert into kiloscale.rate_limits (scope, subject, hits)
        select 'chat', o.owner, 0
        from unnest(owners) with ordinality as o (owner, n)
        where not exists (select from kiloscale.rate_limits l
            where l.scope = 'chat' and l.subject = o.owner)
        order by o.n
        on conflict do nothing;
        perform from kiloscale.rate_limits l
        where l.scope = 'chat' and l.subject = any (owners)
        order by l.subject
        for update;
    end if;
    moment := clock_timestamp();

    -- A message that an earlier request of this call brings too costs nothing, and
    -- shares that request's fate.
    for one in
        with message as (
            select w.r, w.is_hit, w.hits_max, c.user_id,
                w.reading is not null as is_read,
                not exists (select from public.messages m
                    where m.chat_id = w.chat_id and m.client_msg_id = w.key) as is_new,
                min(w.r) over (partition by w.chat_id, w.key) as first_r
            from jsonb_to_recordset(p_messages) as w (r integer, chat_id uuid,
                user_id uuid, key uuid, is_hit boolean, hits_max integer, reading jsonb)
            join public.conversations c
                on c.id = w.chat_id and (w.user_id is null or c.user_id = w.user_id)
        ), request as (
            select m.r, m.user_id, max(m.hits_max) as hits_max,
                bool_or(m.is_read) as is_read,
                count(*) filter (where m.is_new and m.first_r = m.r) as news,
                count(*) filter (where m.is_new and m.first_r = m.r and m.is_hit)
                    as cost,
                array_agg(m.first_r) filter (where m.is_new and m.first_r < m.r)
                    as needs
            from message m
            group by m.r, m.user_id
        )
        select q.*, l.hits, ceil(extract(epoch from l.window_started_at
            + make_interval(secs => p_window_s) - moment)) as reset_s
        from request q
        left join kiloscale.rate_limits l
            on q.hits_max > 0 and l.scope = 'chat' and l.subject = q.user_id::text
            and l.hits > 0
            and l.window_started_at > moment - make_interval(secs => p_window_s)
        order by q.user_id, q.r
    loop
        if owner is distinct from one.user_id then
            owner := one.user_id;
            added := 0;
        end if;
        used := coalesce(one.hits, 0) + added;
        -- A batch with more hits than a window admits takes a whole window.
        has_room := (one.needs is null or one.needs <@ admitted)
            and (one.news = 0 or one.hits_max is null or (one.hits_max > 0
                and used + least(one.cost, one.hits_max) <= one.hits_max));
        if has_room and one.news > 0 then
            admitted := admitted || one.r;
            wanted := wanted + one.news;
            is_read := is_read or one.is_read;
            if one.hits_max > 0 then
                added := added + least(one.cost, one.hits_max);
                used := used + least(one.cost, one.hits_max);
            end if;
        end if;
        requests := requests || one.r;
        users := users || one.user_id;
        verdicts := verdicts || has_room;
        counts := counts || used;
        resets := resets || coalesce(one.reset_s::integer, p_window_s);
    end loop;

    if wanted > 0 then
        -- In the order of the conversations, whose rows the app's triggers may lock.
        with fresh as materialized (
            select distinct on (w.chat_id, w.key) w.r, w.n, w.chat_id, w.key, w.role,
                w.text, coalesce(w.mode, c.mode::text) as mode, c.user_id, w.request_id,
                w.is_hit and w.hits_max > 0 as is_hit,
                case coalesce(w.mode, c.mode::text) when 'together'
                    then w.asks_together else w.asks end as asks
            from rows from (jsonb_to_recordset(p_messages) as (r integer, chat_id uuid,
                    key uuid, role text, text text, mode text, is_hit boolean,
                    hits_max integer, asks boolean, asks_together boolean,
                    request_id text)) with ordinality
                as w (r, chat_id, key, role, text, mode, is_hit, hits_max, asks,
                    asks_together, request_id, n)
            join unnest(admitted) as a (r) on a.r = w.r
            join public.conversations c on c.id = w.chat_id
            where not exists (select from public.messages m
                where m.chat_id = w.chat_id and m.client_msg_id = w.key)
            order by w.chat_id, w.key, w.n
        ), inserted as (
            -- now() is the same for all; a batch keeps the order in which it was said.
            insert into public.messages (id, chat_id, role, text, created_at,
                client_msg_id, status, mode, user_id)
            select gen_random_uuid(), f.chat_id,
                case f.role when 'user' then as_user
                    when 'assistant' then as_assistant end,
                f.text, moment + f.n * interval '1 microsecond', f.key, 'complete',
                f.mode, f.user_id
            from fresh f
            on conflict do nothing
            returning id, chat_id, client_msg_id
        ), queued as (
            insert into kiloscale.outbox (topic, key, payload)
            select 'llm', f.chat_id::text, jsonb_build_object('message_id', i.id,
                'chat_id', f.chat_id, 'user_id', f.user_id, 'request_id', f.request_id)
            from inserted i
            join fresh f on f.chat_id = i.chat_id and f.key = i.client_msg_id
            where f.asks
            returning id, (payload ->> 'message_id')::uuid as message_id
        )
        select coalesce(array_agg(i.id), '{}'), coalesce(array_agg(f.r), '{}'),
            coalesce(array_agg(f.is_hit), '{}'), coalesce(array_agg(q.id), '{}')
        into saved, saved_requests, saved_hits, outbox_ids
        from inserted i
        join fresh f on f.chat_id = i.chat_id and f.key = i.client_msg_id
        left join queued q on q.message_id = i.id;
        is_short := cardinality(saved) < wanted;
    end if;

    if is_short then
        -- The app itself saved the same message meanwhile, which is then found below;
        -- or it has a unique index on client_msg_id and another conversation has this
        -- one: then nothing of the request is kept.
        select array_agg(w.r) into conflicts
        from jsonb_to_recordset(p_messages) as w (r integer, chat_id uuid, key uuid)
        join unnest(admitted) as a (r) on a.r = w.r
        where not exists (select from public.messages m
            where m.chat_id = w.chat_id and m.client_msg_id = w.key);
        if saved_requests && conflicts then
            delete from kiloscale.outbox o
            using unnest(saved_requests, outbox_ids) as s (r, id)
            where s.r = any (conflicts) and o.id = s.id;
            delete from public.messages m
            using unnest(saved_requests, saved) as s (r, id)
            where s.r = any (conflicts) and m.id = s.id;
            select coalesce(array_agg(s.id), '{}'), coalesce(array_agg(s.r), '{}'),
                coalesce(array_agg(s.is_hit), '{}'),
                coalesce(array_agg(s.outbox_id), '{}')
            into saved, saved_requests, saved_hits, outbox_ids
            from unnest(saved, saved_requests, saved_hits, outbox_ids)
                as s (id, r, is_hit, outbox_id)
            where s.r <> all (conflicts);
        end if;
    end if;

    -- Only what was saved counts. A window without hits has not begun.
    if owners is not null and cardinality(saved) > 0 then
        update kiloscale.rate_limits l
        set hits = s.hits + case when l.hits > 0 and l.window_started_at
                > moment - make_interval(secs => p_window_s) then l.hits else 0 end,
            window_started_at = case when l.hits > 0 and l.window_started_at
                > moment - make_interval(secs => p_window_s)
                then l.window_started_at else moment end
        from (
            select u.user_id::text as subject, count(*) as hits
            from unnest(saved_requests, saved_hits) as s (r, is_hit)
            join unnest(requests, users) as u (r, user_id) on u.r = s.r
            where s.is_hit
            group by u.user_id
        ) s
        where l.scope = 'chat' and l.subject = s.subject;
    end if;

    if is_read then
        for one in
            select w.r, w.chat_id, u.user_id, w.reading, m.id
            from jsonb_to_recordset(p_messages)
                as w (r integer, chat_id uuid, key uuid, reading jsonb)
            join unnest(requests, users) as u (r, user_id) on u.r = w.r
            join public.messages m on m.chat_id = w.chat_id and m.client_msg_id = w.key
            where w.reading is not null and w.r = any (saved_requests)
            order by w.chat_id, w.r
        loop
            reading_requests := reading_requests || one.r;
            reading_ids := reading_ids || kiloscale.defer_extraction(one.chat_id,
                one.user_id, one.id, (one.reading ->> 'turns')::integer,
                (one.reading ->> 'turns_max')::integer,
                (one.reading ->> 'idle_s')::integer,
                (one.reading ->> 'window')::integer);
        end loop;
    end if;

    -- Where the database cannot send events nobody is told: the sender has its answer.
    if cardinality(saved) > 0
        and to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null
    then
        execute $send$
            select realtime.send(
                jsonb_build_object('chat_id', m.chat_id, 'message_id', m.id),
                'message', 'user-realtime:' || m.user_id, true)
            from public.messages m where m.id = any ($1) order by m.created_at
        $send$ using saved;
    end if;

    select coalesce(json_agg(json_build_object('id', m.id, 'is_new', s.id is not null,
            'user_id', u.user_id, 'is_admitted', coalesce(u.is_admitted, false),
            'hits', coalesce(u.hits, 0), 'reset_s', coalesce(u.reset_s, p_window_s),
            'outbox_id', s.outbox_id, 'extraction_id', x.id) order by w.n), '[]')
    into answer
    from rows from (jsonb_to_recordset(p_messages)
            as (r integer, chat_id uuid, key uuid, reading jsonb)) with ordinality
        as w (r, chat_id, key, reading, n)
    left join unnest(requests, users, verdicts, counts, resets)
        as u (r, user_id, is_admitted, hits, reset_s) on u.r = w.r
    left join public.messages m on u.r is not null
        and m.chat_id = w.chat_id and m.client_msg_id = w.key
    left join unnest(saved, saved_requests, outbox_ids) as s (id, r, outbox_id)
        on s.id = m.id and s.r = w.r
    left join unnest(reading_requests, reading_ids) as x (r, id)
        on x.r = w.r and w.reading is not null;
    return answer;
end
$$;

comment on function kiloscale.accept_messages is
    'Saves chat messages once each, within their users'' limits; enqueues their work';

select kiloscale.seal();
