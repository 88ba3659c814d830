-- Counts what language models cost for each user and day, and holds a budget exactly:
-- a call reserves the most that it may cost, and settles what it did cost. Finds where
-- the history of a prompt begins.
--
-- Phase:     expand (before llm_handler and extract_memory that call settle_llm)
-- Locks:     none on an existing table
-- Reversal:  run `create or replace function kiloscale.forget_users` of
--            20251107000200 again, then drop view kiloscale.llm_spend;
--            drop function kiloscale.settle_llm, kiloscale.reserve_llm,
--            kiloscale.hold_llm_budget, kiloscale.history_reach; drop table kiloscale.llm_reservations,
--            kiloscale.llm_usage; (with the record of costs)
-- Follow-up: none

create table if not exists kiloscale.llm_usage (
    user_id uuid not null,
    day date not null,
    purpose text not null check (purpose in ('answer', 'summary', 'extraction')),
    model text not null,
    calls integer not null default 0,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    microusd bigint not null default 0,
    primary key (user_id, day, purpose, model)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

comment on column kiloscale.llm_usage.day is 'Day in UTC on which the call began';
comment on column kiloscale.llm_usage.microusd is 'Cost in millionths of a USD';

-- A row lives as long as a call: the table is empty most of the time.
create table if not exists kiloscale.llm_reservations (
    user_id uuid not null,
    outbox_id bigint not null,
    day date not null,
    microusd bigint not null,
    expires_at timestamptz not null,
    primary key (user_id, outbox_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

comment on column kiloscale.llm_reservations.expires_at is
    'When it counts no more: its consumer died with the lease';

-- Holds p_microusd of a user's budget of today for one outbox row, for p_lease_s
-- seconds; replaces what the row held before. Gives
--   granted  it is held;
--   busy     other calls of the user hold what is left: ask again when they are done;
--   spent    it does not fit beside what was spent today.
--
-- Whoever asks takes a lock of the user first, and a volatile function reads what was
-- committed until then: two calls never hold the same rest. The lock ends with the
-- transaction, as a transaction pooler requires. settle_llm needs no lock: what was
-- spent and what is held are read from one snapshot.
create or replace function kiloscale.hold_llm_budget(
    p_outbox_id bigint, p_user_id uuid, p_microusd bigint, p_budget bigint,
    p_lease_s integer
) returns text
language plpgsql volatile set search_path = '' as $$
declare
    today date;
    spent bigint;
    held bigint;
begin
    perform kiloscale.require_between('p_microusd', p_microusd, 0, 1000000000000);
    perform kiloscale.require_between('p_budget', p_budget, 0, 1000000000000000);
    perform kiloscale.require_between('p_lease_s', p_lease_s, 1, 86400);
    perform pg_advisory_xact_lock(
        hashtextextended('kiloscale.llm ' || p_user_id::text, 0));
    today := (clock_timestamp() at time zone 'utc')::date;
    delete from kiloscale.llm_reservations r
    where r.user_id = p_user_id
        and (r.outbox_id = p_outbox_id or r.expires_at <= clock_timestamp());
    select
        (select coalesce(sum(u.microusd), 0) from kiloscale.llm_usage u
         where u.user_id = p_user_id and u.day = today),
        (select coalesce(sum(r.microusd), 0) from kiloscale.llm_reservations r
         where r.user_id = p_user_id and r.day = today)
    into spent, held;
    if spent + p_microusd > p_budget then
        return 'spent';
    end if;
    if spent + held + p_microusd > p_budget then
        return 'busy';
    end if;
    insert into kiloscale.llm_reservations
        (user_id, outbox_id, day, microusd, expires_at)
    values (p_user_id, p_outbox_id, today, p_microusd,
        clock_timestamp() + make_interval(secs => p_lease_s));
    return 'granted';
end
$$;

comment on function kiloscale.hold_llm_budget is
    'Holds a part of a user''s budget of today: granted, busy or spent';

create or replace function kiloscale.reserve_llm(
    p_outbox_id bigint, p_user_id uuid, p_microusd bigint, p_budget bigint,
    p_lease_s integer
) returns boolean
language sql volatile set search_path = '' as $$
    select kiloscale.hold_llm_budget(
        p_outbox_id, p_user_id, p_microusd, p_budget, p_lease_s) = 'granted'
$$;

comment on function kiloscale.reserve_llm is
    'Holds a part of a user''s budget of today; says whether it fitted';

-- Adds one call to the record of costs and gives back what its outbox row held; without
-- an outbox row it only adds. A call counts for the day for which it was held, so that
-- midnight moves no cost into a day whose budget did not know of it.
create or replace function kiloscale.settle_llm(
    p_outbox_id bigint, p_user_id uuid, p_purpose text, p_model text, p_input integer,
    p_output integer, p_microusd bigint
) returns void
language plpgsql volatile set search_path = '' as $$
declare
    today constant date := (clock_timestamp() at time zone 'utc')::date;
    booked date;
    is_first boolean;
begin
    perform kiloscale.require_between('p_input', p_input, 0, 2147483647);
    perform kiloscale.require_between('p_output', p_output, 0, 2147483647);
    perform kiloscale.require_between('p_microusd', p_microusd, 0, 1000000000000);
    delete from kiloscale.llm_reservations r
    where r.user_id = p_user_id and r.outbox_id = p_outbox_id
    returning r.day into booked;
    insert into kiloscale.llm_usage as u
        (user_id, day, purpose, model, calls, input_tokens, output_tokens, microusd)
    values (p_user_id, coalesce(booked, today), p_purpose, p_model, 1, p_input,
        p_output, p_microusd)
    on conflict (user_id, day, purpose, model) do update
    set calls = u.calls + 1,
        input_tokens = u.input_tokens + excluded.input_tokens,
        output_tokens = u.output_tokens + excluded.output_tokens,
        microusd = u.microusd + excluded.microusd
    returning u.calls = 1 into is_first;
    -- 13 months of a user's days are kept. The first call of a day clears the older
    -- ones, so that no job is needed; whoever never calls again keeps what he has.
    if is_first then
        delete from kiloscale.llm_usage u
        where u.user_id = p_user_id and u.day < today - 400;
    end if;
end
$$;

comment on function kiloscale.settle_llm is
    'Adds a call to the record of costs and gives back what was held for it';

create or replace view kiloscale.llm_spend with (security_invoker = true) as
select u.day, u.purpose, u.model, count(*) as users, sum(u.calls) as calls,
    sum(u.input_tokens) as input_tokens, sum(u.output_tokens) as output_tokens,
    round(sum(u.microusd) / 1000000.0, 6) as usd
from kiloscale.llm_usage u
group by u.day, u.purpose, u.model;

comment on view kiloscale.llm_spend is
    'What the language models cost, by day, purpose and model';

-- When the p_messages-th newest message was written of those that a model may read, up
-- to p_at; NULL if there are fewer.
--
-- A function for its settings: the planner takes every conversation for one of average
-- length, and would read one of thousands of messages as a whole to sort it, where the
-- index on (chat_id, created_at desc) has the newest in front.
create or replace function kiloscale.history_reach(
    p_chat_id uuid, p_at timestamptz, p_messages integer
) returns timestamptz
language plpgsql stable
set search_path = ''
set enable_bitmapscan = off
set enable_seqscan = off
set enable_sort = off
as $$
begin
    return (
        select m.created_at
        from public.messages m
        where m.chat_id = p_chat_id and m.created_at <= p_at
            and m.role in ('user', 'assistant') and m.status = 'complete'
            and (m.meta ? 'refused') is not true
        order by m.created_at desc
        offset p_messages - 1
        limit 1);
end
$$;

comment on function kiloscale.history_reach is
    'When the n-th newest message was written of those that a model may read';

-- As in 20251107000200, and the two tables above.
create or replace function kiloscale.forget_users() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from kiloscale.outbox o
    using gone g where g.id::text in (o.key, o.payload ->> 'user_id');
    delete from kiloscale.rate_limits l using gone g where l.subject = g.id::text;
    delete from kiloscale.llm_reservations r using gone g where r.user_id = g.id;
    delete from kiloscale.llm_usage u using gone g where u.user_id = g.id;
    return null;
end
$$;

select kiloscale.seal();
