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
--
-- Its settings keep the plans right for calls and tables of any size, although they are
-- made once: rows are looked up by index, what the call itself holds is joined by hash.
-- Measured without them, 200 messages in a call: 260 ms in place of 47.
create or replace function kiloscale.accept_messages(
    p_messages jsonb, p_window_s integer
) returns json
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_nestloop = off
set jit = off
as $$
declare
    -- The app's column may be an enum, to which a text does not cast by itself.
    as_user public.messages.role%type := 'user';
    as_assistant public.messages.role%type := 'assistant';
    moment timestamptz := clock_timestamp();
    running_since timestamptz;
    one record;
    owner uuid;
    added integer;
    used integer;
    has_room boolean;
    is_read boolean := false;
    -- Counters of this call's owners, side by side; hits with what it may cost at most.
    subjects text[];
    starts timestamptz[];
    hits integer[];
    costs integer[];
    -- Requests whose conversation is the caller's, side by side.
    requests integer[] := '{}';
    users uuid[] := '{}';
    modes text[] := '{}';
    verdicts boolean[] := '{}';
    counts integer[] := '{}';
    resets integer[] := '{}';
    admitted integer[] := '{}';
    -- Places of the messages that are to be saved, and what was saved, side by side.
    fresh integer[] := '{}';
    saved uuid[] := '{}';
    places integer[] := '{}';
    saved_requests integer[] := '{}';
    saved_hits boolean[] := '{}';
    outbox_ids bigint[] := '{}';
    conflicts integer[];
    reading_places integer[] := '{}';
    reading_ids bigint[] := '{}';
    answer json;
begin
    if (p_window_s between 1 and 31536000) is not true then
        raise exception 'p_window_s must be from 1 to 31536000, got %', p_window_s
            using errcode = 'invalid_parameter_value';
    end if;
    running_since := moment - make_interval(secs => p_window_s);

    -- Every call locks its counters in one order, so that no two wait for each other
    -- both ways. Counts are exact from here on, and a user's own retries wait here for
    -- one another. All that is asked for is counted, since nearly always all of it is
    -- new and has room; what was not saved is taken off at the end.
    with owned as (
        select w.is_hit, (select c.user_id from public.conversations c
            where c.id = w.chat_id
                and (w.user_id is null or c.user_id = w.user_id))::text as subject
        from jsonb_to_recordset(p_messages)
            as w (chat_id uuid, user_id uuid, is_hit boolean, hits_max integer)
        where w.hits_max > 0
    ), cost as (
        select o.subject, count(*) filter (where o.is_hit) as hits
        from owned o
        where o.subject is not null
        group by o.subject
    ), counter as (
        insert into kiloscale.rate_limits as l (scope, subject, window_started_at, hits)
        select 'chat', c.subject, moment, c.hits from cost c order by c.subject
        on conflict (scope, subject) do update
        set hits = excluded.hits + case when l.hits > 0
                and l.window_started_at > running_since then l.hits else 0 end,
            window_started_at = case when l.hits > 0
                and l.window_started_at > running_since then l.window_started_at
                else excluded.window_started_at end
        returning l.subject, l.window_started_at, l.hits
    )
    select array_agg(l.subject), array_agg(l.window_started_at), array_agg(l.hits),
        array_agg(c.hits)
    into subjects, starts, hits, costs
    from counter l
    join cost c on c.subject = l.subject;
    moment := clock_timestamp();

    -- A message that an earlier request of this call brings too costs nothing, and
    -- shares that request's fate.
    for one in
        with message as (
            select w.n, w.r, w.is_hit, w.hits_max, w.reading is not null as is_read,
                (select c.user_id from public.conversations c where c.id = w.chat_id
                    and (w.user_id is null or c.user_id = w.user_id)) as user_id,
                (select c.mode::text from public.conversations c
                    where c.id = w.chat_id) as mode,
                not exists (select from public.messages m
                    where m.chat_id = w.chat_id and m.client_msg_id = w.key) as is_new,
                row_number() over same = 1 as is_first, first_value(w.r) over same as
                    first_r
            from rows from (jsonb_to_recordset(p_messages) as (r integer, chat_id uuid,
                    user_id uuid, key uuid, is_hit boolean, hits_max integer,
                    reading jsonb)) with ordinality
                as w (r, chat_id, user_id, key, is_hit, hits_max, reading, n)
            window same as (partition by w.chat_id, w.key order by w.r, w.n)
        ), request as (
            select m.r, m.user_id, min(m.mode) as mode, max(m.hits_max) as hits_max,
                bool_or(m.is_read) as is_read,
                array_agg(m.n) filter (where m.is_new and m.is_first) as fresh,
                count(*) filter (where m.is_new and m.is_first and m.is_hit) as cost,
                array_agg(m.first_r) filter (where m.is_new and m.first_r < m.r)
                    as needs
            from message m
            where m.user_id is not null
            group by m.r, m.user_id
        )
        select q.*, l.hits - l.cost as hits, least(p_window_s, ceil(extract(epoch from
            l.started_at - running_since)))::integer as reset_s
        from request q
        left join unnest(subjects, starts, hits, costs)
            as l (subject, started_at, hits, cost)
            on l.subject = q.user_id::text and q.hits_max > 0
        order by q.user_id, q.r
    loop
        if owner is distinct from one.user_id then
            owner := one.user_id;
            added := 0;
        end if;
        used := coalesce(one.hits, 0) + added;
        -- A batch with more hits than a window admits takes a whole window.
        has_room := (one.needs is null or one.needs <@ admitted)
            and (one.fresh is null or one.hits_max is null or (one.hits_max > 0
                and used + least(one.cost, one.hits_max) <= one.hits_max));
        if has_room and one.fresh is not null then
            admitted := admitted || one.r;
            fresh := fresh || one.fresh::integer[];
            is_read := is_read or one.is_read;
            if one.hits_max > 0 then
                added := added + least(one.cost, one.hits_max);
                used := used + least(one.cost, one.hits_max);
            end if;
        end if;
        requests := requests || one.r;
        users := users || one.user_id;
        modes := modes || one.mode;
        verdicts := verdicts || has_room;
        counts := counts || used;
        resets := resets || coalesce(one.reset_s, p_window_s);
    end loop;

    if cardinality(fresh) > 0 then
        with message as materialized (
            select gen_random_uuid() as id, w.n, w.r, w.chat_id, w.key, w.role, w.text,
                w.is_hit and w.hits_max > 0 as is_hit, w.request_id, u.user_id,
                coalesce(w.mode, u.mode) as mode,
                case coalesce(w.mode, u.mode) when 'together'
                    then w.asks_together else w.asks end as asks
            from rows from (jsonb_to_recordset(p_messages) as (r integer, chat_id uuid,
                    key uuid, role text, text text, mode text, is_hit boolean,
                    hits_max integer, asks boolean, asks_together boolean,
                    request_id text)) with ordinality
                as w (r, chat_id, key, role, text, mode, is_hit, hits_max, asks,
                    asks_together, request_id, n)
            join unnest(fresh) as f (n) on f.n = w.n
            join unnest(requests, users, modes) as u (r, user_id, mode) on u.r = w.r
        ), inserted as (
            -- In the order of the conversations, whose rows the app's triggers may
            -- lock. now() is the same for all; a batch keeps the order in which it was
            -- said.
            insert into public.messages (id, chat_id, role, text, created_at,
                client_msg_id, status, mode, user_id)
            select m.id, m.chat_id, case m.role when 'user' then as_user
                    when 'assistant' then as_assistant end,
                m.text, moment + m.n * interval '1 microsecond', m.key, 'complete',
                m.mode, m.user_id
            from message m
            order by m.chat_id, m.key
            on conflict do nothing
            returning id
        ), queued as (
            insert into kiloscale.outbox (topic, key, payload)
            select 'llm', m.chat_id::text, jsonb_build_object('message_id', m.id,
                'chat_id', m.chat_id, 'user_id', m.user_id, 'request_id', m.request_id)
            from message m
            join inserted i on i.id = m.id
            where m.asks
            order by m.n
            returning id, (payload ->> 'message_id')::uuid as message_id
        )
        select coalesce(array_agg(m.id), '{}'), coalesce(array_agg(m.n), '{}'),
            coalesce(array_agg(m.r), '{}'), coalesce(array_agg(m.is_hit), '{}'),
            coalesce(array_agg(q.id), '{}')
        into saved, places, saved_requests, saved_hits, outbox_ids
        from message m
        join inserted i on i.id = m.id
        left join queued q on q.message_id = m.id;
    end if;

    -- Where fewer were saved than should be, the app itself saved the same message
    -- meanwhile, which is then found below; or it has a unique index on client_msg_id
    -- and another conversation has this one: then nothing of the request is kept, nor
    -- of one that shares a message with it.
    while cardinality(saved) < cardinality(fresh) loop
        select array_agg(w.r) into conflicts
        from jsonb_to_recordset(p_messages) as w (r integer, chat_id uuid, key uuid)
        join unnest(admitted) as a (r) on a.r = w.r
        where not exists (select from public.messages m
            where m.chat_id = w.chat_id and m.client_msg_id = w.key);
        exit when (saved_requests && conflicts) is not true;
        delete from kiloscale.outbox o
        where o.id = any (array(select s.id
            from unnest(saved_requests, outbox_ids) as s (r, id)
            where s.r = any (conflicts)));
        delete from public.messages m
        where m.id = any (array(select s.id
            from unnest(saved_requests, saved) as s (r, id)
            where s.r = any (conflicts)));
        select coalesce(array_agg(s.id), '{}'), coalesce(array_agg(s.n), '{}'),
            coalesce(array_agg(s.r), '{}'), coalesce(array_agg(s.is_hit), '{}'),
            coalesce(array_agg(s.outbox_id), '{}')
        into saved, places, saved_requests, saved_hits, outbox_ids
        from unnest(saved, places, saved_requests, saved_hits, outbox_ids)
            as s (id, n, r, is_hit, outbox_id)
        where s.r <> all (conflicts);
    end loop;

    -- Only what was saved counts. A window without hits has not begun.
    if subjects is not null and cardinality(saved) < jsonb_array_length(p_messages) then
        insert into kiloscale.rate_limits (scope, subject, hits)
        select 'chat', l.subject, l.hits - l.cost + coalesce(s.hits, 0)
        from unnest(subjects, hits, costs) as l (subject, hits, cost)
        left join (
            select u.user_id::text as subject, count(*) as hits
            from unnest(saved_requests, saved_hits) as s (r, is_hit)
            join unnest(requests, users) as u (r, user_id) on u.r = s.r
            where s.is_hit
            group by u.user_id
        ) s on s.subject = l.subject
        where l.cost > coalesce(s.hits, 0)
        on conflict (scope, subject) do update set hits = excluded.hits;
    end if;

    if is_read then
        for one in
            select w.n, w.chat_id, u.user_id, w.reading,
                (select m.id from public.messages m
                    where m.chat_id = w.chat_id and m.client_msg_id = w.key) as id
            from rows from (jsonb_to_recordset(p_messages) as (r integer, chat_id uuid,
                    key uuid, reading jsonb)) with ordinality
                as w (r, chat_id, key, reading, n)
            join unnest(requests, users) as u (r, user_id) on u.r = w.r
            where w.reading is not null and w.r = any (saved_requests)
            order by w.chat_id, w.n
        loop
            reading_places := reading_places || one.n::integer;
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

    select coalesce(json_agg(json_build_object('id', coalesce(s.id, (
                select m.id from public.messages m
                where u.r is not null
                    and m.chat_id = w.chat_id and m.client_msg_id = w.key)),
            'is_new', s.id is not null, 'user_id', u.user_id,
            'is_admitted', coalesce(u.is_admitted, false), 'hits', coalesce(u.hits, 0),
            'reset_s', coalesce(u.reset_s, p_window_s), 'outbox_id', s.outbox_id,
            'extraction_id', x.id) order by w.n), '[]')
    into answer
    from rows from (jsonb_to_recordset(p_messages)
            as (r integer, chat_id uuid, key uuid)) with ordinality
        as w (r, chat_id, key, n)
    left join unnest(requests, users, verdicts, counts, resets)
        as u (r, user_id, is_admitted, hits, reset_s) on u.r = w.r
    left join unnest(saved, places, outbox_ids) as s (id, n, outbox_id) on s.n = w.n
    left join unnest(reading_places, reading_ids) as x (n, id) on x.n = w.n;
    return answer;
end
$$;

comment on function kiloscale.accept_messages is
    'Saves chat messages once each, within their users'' limits; enqueues their work';

select kiloscale.seal();
