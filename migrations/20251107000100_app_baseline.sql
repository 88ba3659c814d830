-- Creates the app's tables that are missing and leaves those that exist as they are.
--
-- An existing table that lacks a column which a query of Kiloscale needs stops this
-- migration with the full list; any other difference is reported as a notice.
-- public.edge_function_logs is made in 20251107000600_add_system_log_retention.sql.
--
-- Phase:     expand (before anything else)
-- Locks:     none on an existing table, but SHARE ROW EXCLUSIVE for a moment on an
--            existing conversations, messages and auth.users where a table made here
--            references them
-- Reversal:  drop table public.<name>; for each table whose comment reads
--            'Made by Kiloscale' (select obj_description('public.<name>'::regclass));
--            drop type public.memory_type; only if no table of the app uses it
-- Follow-up: 20251107000300_optimize_hot_queries.sql builds the indexes

-- What the queries of Kiloscale rely on: name, type, and whether a query needs it.
create temp table relied_on (tab text, col text, typ text, needed boolean)
    on commit drop;
insert into relied_on values
    ('conversations', 'id', 'uuid', true),
    ('conversations', 'user_id', 'uuid', true),
    ('conversations', 'title', 'text', false),
    ('conversations', 'mode', 'text', true),
    ('conversations', 'profile_id', 'uuid', true),
    ('conversations', 'turn_count', 'integer', true),
    ('conversations', 'last_summary_at_turn', 'integer', true),
    ('conversations', 'meta', 'jsonb', false),
    ('conversations', 'created_at', 'timestamp with time zone', true),
    ('conversations', 'updated_at', 'timestamp with time zone', true),
    ('messages', 'id', 'uuid', true),
    ('messages', 'chat_id', 'uuid', true),
    ('messages', 'role', 'text', true),
    ('messages', 'text', 'text', true),
    ('messages', 'created_at', 'timestamp with time zone', true),
    ('messages', 'meta', 'jsonb', true),
    ('messages', 'client_msg_id', 'uuid', true),
    ('messages', 'status', 'text', true),
    ('messages', 'mode', 'text', true),
    ('messages', 'user_id', 'uuid', true),
    ('messages', 'user_name', 'text', false),
    ('messages', 'message_number', 'integer', false),
    ('conversation_activity', 'conversation_id', 'uuid', true),
    ('conversation_activity', 'user_id', 'uuid', false),
    ('conversation_activity', 'last_user_message_at',
        'timestamp with time zone', false),
    ('conversation_activity', 'last_assistant_message_at',
        'timestamp with time zone', false),
    ('conversation_activity', 'last_activity_at', 'timestamp with time zone', true),
    ('conversation_caches', 'chat_id', 'uuid', true),
    ('conversation_caches', 'cache_name', 'text', false),
    ('conversation_caches', 'system_data_hash', 'text', false),
    ('conversation_caches', 'created_at', 'timestamp with time zone', false),
    ('conversation_caches', 'expires_at', 'timestamp with time zone', true),
    ('conversation_summaries', 'id', 'uuid', true),
    ('conversation_summaries', 'chat_id', 'uuid', true),
    ('conversation_summaries', 'summary_text', 'text', true),
    ('conversation_summaries', 'turn_range', 'text', true),
    ('conversation_summaries', 'message_count', 'integer', true),
    ('conversation_summaries', 'created_at', 'timestamp with time zone', true),
    ('user_memory', 'id', 'uuid', true),
    ('user_memory', 'user_id', 'uuid', true),
    ('user_memory', 'profile_id', 'uuid', true),
    ('user_memory', 'conversation_id', 'uuid', true),
    ('user_memory', 'source_message_id', 'uuid', true),
    ('user_memory', 'memory_text', 'text', true),
    ('user_memory', 'memory_type', 'text', true),
    ('user_memory', 'confidence_score', 'numeric', true),
    ('user_memory', 'reference_count', 'integer', true),
    ('user_memory', 'last_referenced_at', 'timestamp with time zone', true),
    ('user_memory', 'is_active', 'boolean', true),
    ('user_memory', 'canonical_hash', 'text', true),
    ('user_memory', 'memory_metadata', 'jsonb', true),
    ('user_memory', 'origin_mode', 'text', true),
    ('user_memory', 'created_at', 'timestamp with time zone', true),
    ('user_profile_list', 'id', 'uuid', true),
    ('user_profile_list', 'user_id', 'uuid', true),
    ('user_profile_list', 'profile_name', 'text', false),
    ('user_profile_list', 'is_primary', 'boolean', true),
    ('profiles', 'id', 'uuid', true),
    ('profiles', 'email', 'text', false),
    ('profiles', 'subscription_plan', 'text', false),
    ('profiles', 'subscription_status', 'text', false),
    ('profiles', 'subscription_active', 'boolean', false),
    ('feature_usage', 'user_id', 'uuid', false),
    ('feature_usage', 'chat_messages', 'integer', false),
    ('feature_usage', 'images_generated', 'integer', false),
    ('feature_usage', 'therai_calls', 'integer', false),
    ('feature_usage', 'insights_count', 'integer', false),
    ('feature_usage', 'last_reset_date', 'date', false),
    ('user_images', 'user_id', 'uuid', false),
    ('user_images', 'chat_id', 'uuid', false),
    ('user_images', 'image_url', 'text', false),
    ('user_images', 'image_path', 'text', false),
    ('user_images', 'model', 'text', false),
    ('user_images', 'created_at', 'timestamp with time zone', false),
    ('image_generation_log', 'user_id', 'uuid', false),
    ('image_generation_log', 'created_at', 'timestamp with time zone', false),
    ('system_config', 'key', 'text', true),
    ('system_config', 'value', 'jsonb', true),
    ('stripe_webhook_events', 'stripe_event_id', 'text', false),
    ('stripe_webhook_events', 'processed', 'boolean', true),
    ('stripe_webhook_events', 'created_at', 'timestamp with time zone', true),
    ('edge_function_logs', 'created_at', 'timestamp with time zone', true);

create temp table made_here (tab text) on commit drop;
insert into made_here
select t.tab
from (
    select distinct r.tab from relied_on r where r.tab <> 'edge_function_logs'
    union all values ('report_logs'), ('translator_logs')
) t
where to_regclass('public.' || t.tab) is null;

-- Types of one family (text and enums, the integers) are interchangeable for the
-- queries.
do $$
declare
    problem record;
    fatal text[] := '{}';
begin
    for problem in
        select r.*, found.typ as is_typ
        from relied_on r
        left join lateral (
            select case
                when a.atttypid = any ('{text,varchar,bpchar}'::regtype[])
                    or t.typtype = 'e' then 'text'
                when a.atttypid = any ('{int2,int4,int8}'::regtype[]) then 'integer'
                else format_type(a.atttypid, null)
            end as typ
            from pg_attribute a
            join pg_type t on t.oid = a.atttypid
            where a.attrelid = to_regclass('public.' || r.tab)
                and a.attname = r.col and not a.attisdropped
        ) found on true
        where to_regclass('public.' || r.tab) is not null
            and found.typ is distinct from r.typ
        order by r.tab, r.col
    loop
        if problem.needed then
            fatal := fatal || format('public.%s.%s is %s, needs %s', problem.tab,
                problem.col, coalesce(problem.is_typ, 'missing'), problem.typ);
        else
            raise notice 'public.%.% is %, expected %: left as it is', problem.tab,
                problem.col, coalesce(problem.is_typ, 'missing'), problem.typ;
        end if;
    end loop;
    if cardinality(fatal) > 0 then
        raise exception '% column(s) of existing tables do not fit the queries: %',
            cardinality(fatal), array_to_string(fatal, '; ')
            using errcode = 'undefined_column',
                hint = 'Add or convert these columns, then migrate again.';
    end if;
end
$$;

-- Storage settings (measured on PostgreSQL 15): fillfactor 70 lets a counter or a
-- clock be updated in its page; the autovacuum defaults wait for 400,000 dead rows at
-- 2 million messages.
create table if not exists public.profiles (
    id uuid primary key,
    email text,
    subscription_plan text not null default 'free',
    subscription_status text not null default 'inactive',
    subscription_active boolean not null default false,
    created_at timestamptz not null default now()
);

create table if not exists public.user_profile_list (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    profile_name text not null default 'Main',
    is_primary boolean not null default false,
    created_at timestamptz not null default now()
);

create table if not exists public.conversations (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    title text,
    mode text not null default 'chat',
    profile_id uuid,
    turn_count integer not null default 0,
    last_summary_at_turn integer not null default 0,
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
) with (fillfactor = 80);

create table if not exists public.messages (
    id uuid primary key default gen_random_uuid(),
    chat_id uuid not null references public.conversations (id) on delete cascade,
    role text not null check (role in ('user', 'assistant', 'system')),
    text text not null default '',
    created_at timestamptz not null default now(),
    meta jsonb not null default '{}',
    client_msg_id uuid,
    status text not null default 'complete'
        check (status in ('pending', 'streaming', 'complete', 'failed')),
    mode text,
    user_id uuid,
    user_name text,
    message_number integer
) with (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);

create table if not exists public.conversation_activity (
    conversation_id uuid primary key
        references public.conversations (id) on delete cascade,
    user_id uuid,
    last_user_message_at timestamptz,
    last_assistant_message_at timestamptz,
    last_activity_at timestamptz not null default now()
) with (fillfactor = 70);

create table if not exists public.conversation_caches (
    chat_id uuid primary key references public.conversations (id) on delete cascade,
    cache_name text not null,
    system_data_hash text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);

create table if not exists public.conversation_summaries (
    id uuid primary key default gen_random_uuid(),
    chat_id uuid not null references public.conversations (id) on delete cascade,
    summary_text text not null,
    turn_range text,
    message_count integer,
    created_at timestamptz not null default now()
);

do $$
begin
    if to_regtype('public.memory_type') is null then
        create type public.memory_type
            as enum ('fact', 'emotion', 'goal', 'pattern', 'relationship');
    end if;
end
$$;

create table if not exists public.user_memory (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    profile_id uuid,
    conversation_id uuid references public.conversations (id) on delete set null,
    source_message_id uuid references public.messages (id) on delete set null,
    memory_text text not null,
    memory_type public.memory_type not null,
    confidence_score numeric(4, 3) not null
        check (confidence_score between 0 and 1),
    reference_count smallint not null default 0,
    last_referenced_at timestamptz,
    is_active boolean not null default true,
    canonical_hash text,
    memory_metadata jsonb not null default '{}',
    origin_mode text,
    created_at timestamptz not null default now()
) with (fillfactor = 85);

create table if not exists public.feature_usage (
    user_id uuid primary key,
    chat_messages integer not null default 0,
    images_generated integer not null default 0,
    therai_calls integer not null default 0,
    insights_count integer not null default 0,
    last_reset_date date not null default current_date
) with (fillfactor = 70);

create table if not exists public.user_images (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    chat_id uuid references public.conversations (id) on delete set null,
    image_url text,
    image_path text,
    model text,
    created_at timestamptz not null default now()
);

create table if not exists public.image_generation_log (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    chat_id uuid references public.conversations (id) on delete set null,
    image_url text,
    image_path text,
    model text,
    created_at timestamptz not null default now()
);

create table if not exists public.system_config (
    key text primary key,
    value jsonb not null
);

create table if not exists public.stripe_webhook_events (
    id uuid primary key default gen_random_uuid(),
    stripe_event_id text not null unique,
    stripe_event_type text not null,
    payload jsonb not null,
    processed boolean not null default false,
    created_at timestamptz not null default now()
);

-- User data: no retention job of Kiloscale touches these two.
create table if not exists public.report_logs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid,
    payload jsonb not null default '{}',
    created_at timestamptz not null default now()
);

create table if not exists public.translator_logs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid,
    payload jsonb not null default '{}',
    created_at timestamptz not null default now()
);

-- Tables made here start empty, so a plain index and a checked foreign key cost
-- nothing. Row-level security without a policy lets nobody but the owner in.
do $$
declare
    one record;
    may_reference boolean := coalesce(
        has_table_privilege(to_regclass('auth.users'), 'references'), false);
begin
    for one in
        select m.tab, i.cols, owner.col
        from made_here m
        left join (values
            ('user_profile_list', 'user_id'),
            ('conversation_activity', 'user_id'),
            ('user_memory', 'conversation_id'),
            ('user_images', 'user_id, created_at'),
            ('image_generation_log', 'user_id, created_at'),
            ('stripe_webhook_events', 'created_at'),
            ('report_logs', 'user_id'),
            ('translator_logs', 'user_id')
        ) i (tab, cols) on i.tab = m.tab
        left join (values
            ('profiles', 'id'), ('user_profile_list', 'user_id'),
            ('conversations', 'user_id'), ('conversation_activity', 'user_id'),
            ('user_memory', 'user_id'), ('feature_usage', 'user_id'),
            ('user_images', 'user_id'), ('image_generation_log', 'user_id'),
            ('report_logs', 'user_id'), ('translator_logs', 'user_id')
        ) owner (tab, col) on owner.tab = m.tab
    loop
        execute format('alter table public.%I enable row level security', one.tab);
        execute format('comment on table public.%I is %L', one.tab,
            'Made by Kiloscale: 20251107000100_app_baseline');
        if one.cols is not null then
            execute format('create index on public.%I (%s)', one.tab, one.cols);
        end if;
        if may_reference and one.col is not null then
            execute format('alter table public.%I add foreign key (%I)'
                ' references auth.users (id) on delete cascade', one.tab, one.col);
        end if;
    end loop;
end
$$;
