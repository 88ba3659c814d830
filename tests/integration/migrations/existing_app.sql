-- A database as the app has it before Kiloscale: some of the tables, with columns of its
-- own, an archived_at, plain logs, its own unique index, two of the redundant indexes.

create table public.profiles (
    id uuid primary key references auth.users (id) on delete cascade,
    email text unique, email_verified boolean, display_name text,
    subscription_plan text, subscription_status text, subscription_active boolean,
    created_at timestamptz default now()
);
create index idx_profiles_email on public.profiles (email);

create table public.conversations (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    owner_user_id uuid, title text, mode text, profile_id uuid,
    turn_count integer default 0, last_summary_at_turn integer default 0,
    meta jsonb default '{}', created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create index idx_conversations_id on public.conversations (id);

create type public.message_role as enum ('user', 'assistant', 'system');
create table public.messages (
    id uuid primary key default gen_random_uuid(),
    chat_id uuid not null references public.conversations (id) on delete cascade,
    role public.message_role not null, text text,
    created_at timestamptz default now(), meta jsonb default '{}',
    client_msg_id uuid, status text default 'complete', context_injected boolean,
    message_number bigint, mode text, user_id uuid, user_name text,
    archived_at timestamptz,
    words integer generated always as (length(text)) stored
);
create unique index messages_client_msg_id_unique on public.messages (client_msg_id);
create index idx_messages_chat_created_desc
    on public.messages (chat_id, created_at desc);

create table public.edge_function_logs (
    id bigint generated always as identity primary key,
    created_at timestamptz not null default now(),
    function_name text, level text, status_code integer, message text
);

create table public.stripe_webhook_events (
    id bigint generated always as identity primary key,
    stripe_event_id text unique, stripe_event_type text, payload jsonb,
    processed boolean default false, created_at timestamptz default now()
);

insert into auth.users (id, email)
values ('00000000-0000-0000-0000-00000000000a', 'a@example.test');
insert into public.profiles (id, email)
values ('00000000-0000-0000-0000-00000000000a', 'a@example.test');
insert into public.conversations (id, user_id, title)
values ('00000000-0000-0000-0000-0000000000c1',
    '00000000-0000-0000-0000-00000000000a', 'old');
insert into public.messages (chat_id, role, text, created_at, archived_at)
select '00000000-0000-0000-0000-0000000000c1', 'user', 'message ' || n,
    now() - interval '1 year' + n * interval '1 minute',
    case when n <= 5 then now() - interval '1 month' end
from generate_series(1, 130) n;
insert into public.edge_function_logs (created_at, function_name)
select now() - n * interval '1 hour', 'chat-send' from generate_series(0, 719) n;
insert into public.stripe_webhook_events
    (stripe_event_id, stripe_event_type, payload, processed, created_at)
select 'evt_' || n, 'invoice.paid', '{}', n % 10 <> 0, now() - n * interval '1 day'
from generate_series(0, 199) n;
