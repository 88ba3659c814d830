create table public.conversations (
    id uuid primary key default gen_random_uuid(), user_id uuid not null, title text,
    mode text, profile_id uuid, turn_count int not null default 0,
    last_summary_at_turn int not null default 0, meta jsonb,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now());
create table public.messages (
    id uuid primary key default gen_random_uuid(),
    chat_id uuid not null references public.conversations, role text not null, text text,
    created_at timestamptz not null default now(), meta jsonb, client_msg_id uuid,
    status text not null default 'complete', mode text, user_id uuid, user_name text,
    message_number int);
create unique index messages_client_msg_id_key on public.messages (client_msg_id);
create unique index messages_chat_id_client_msg_id_key on public.messages (chat_id, client_msg_id);
create view public.active_messages with (security_invoker = true) as select * from public.messages;
create table public.conversation_summaries (
    id uuid primary key default gen_random_uuid(), chat_id uuid not null,
    summary_text text, turn_range text, message_count int, created_at timestamptz not null default now());
create table public.user_memory (
    id uuid primary key default gen_random_uuid(), user_id uuid not null, profile_id uuid,
    memory_text text, memory_type text, confidence_score numeric(4,3), reference_count smallint default 0,
    last_referenced_at timestamptz, is_active boolean default true, created_at timestamptz default now());
create table public.user_profile_list (id uuid primary key, user_id uuid, profile_name text, is_primary boolean);
create table public.system_config (key text primary key, value jsonb);
create schema kiloscale;
create table kiloscale.outbox (
    id bigint generated always as identity primary key, topic text not null, key text,
    payload jsonb not null, created_at timestamptz not null default now(),
    due_at timestamptz not null default now() + interval '60 s', sends int not null default 0,
    leased_until timestamptz, dead_at timestamptz, last_error text);
create index outbox_due_at_idx on kiloscale.outbox (due_at) where dead_at is null;
create table kiloscale.rate_limits (
    scope text, subject text, window_started_at timestamptz not null, hits int not null,
    primary key (scope, subject)) with (fillfactor = 70);
create table kiloscale.health_snapshots (taken_at timestamptz primary key, database_bytes bigint, detail jsonb);
create table kiloscale.run_log (
    id bigint generated always as identity primary key, job text, started_at timestamptz default clock_timestamp(),
    finished_at timestamptz, rows bigint, batches int, error text, detail jsonb);
