-- Creates the schema `kiloscale`: outbox, rate limits, run log, cron registry and
-- health snapshots, closed to everybody but their owner.
--
-- Phase:     expand (before the services and the jobs that write here)
-- Locks:     SHARE ROW EXCLUSIVE on conversations and profiles for a moment, to add
--            one trigger each; nothing else that exists is touched
-- Reversal:  drop trigger kiloscale_forget_conversations on public.conversations;
--            drop trigger kiloscale_forget_users on public.profiles;
--            drop schema kiloscale cascade; (with the history of jobs and deploys)
-- Follow-up: 20251107000500_add_job_runs.sql adds what the scheduled jobs run on

create schema if not exists kiloscale;

-- A producer inserts in its own transaction; the consumer deletes in the transaction
-- of its effect; the relay sends what is due and still here.
create table if not exists kiloscale.outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    key text not null,
    payload jsonb not null,
    created_at timestamptz not null default now(),
    ready_at timestamptz not null default now(),
    due_at timestamptz not null default now() + interval '60 seconds',
    sends integer not null default 0,
    leased_until timestamptz,
    dead_at timestamptz,
    last_error text
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

create index if not exists outbox_due_at_idx on kiloscale.outbox (due_at)
    where dead_at is null;

comment on column kiloscale.outbox.key is
    'Id of the conversation or user that the row is about; deleted with it';
comment on column kiloscale.outbox.ready_at is
    'When the work may begin; waiting counts from here';
comment on column kiloscale.outbox.due_at is
    'When the relay sends it, if it is still here';
comment on column kiloscale.outbox.leased_until is
    'Until when one consumer works on the row; others leave it alone';
comment on column kiloscale.outbox.dead_at is
    'When the relay gave up sending; NULL while it still tries';

-- One fixed window per key, started by its first hit. No index besides the key, so
-- that each hit is a HOT update.
create table if not exists kiloscale.rate_limits (
    scope text not null,
    subject text not null,
    window_started_at timestamptz not null default now(),
    hits integer not null default 0,
    primary key (scope, subject)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

create table if not exists kiloscale.run_log (
    id bigint generated always as identity primary key,
    job text not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    rows bigint not null default 0,
    batches integer not null default 0,
    error text,
    detail jsonb not null default '{}',
    pid integer not null default pg_backend_pid()
);

create index if not exists run_log_job_id_idx on kiloscale.run_log (job, id desc);

comment on column kiloscale.run_log.job is
    'Name of the pg_cron job, or the function that somebody called by hand';
comment on column kiloscale.run_log.pid is
    'Backend of the run: cron.job_run_details.job_pid for a run by pg_cron';
comment on column kiloscale.run_log.detail is
    'Counts of the run; no id and no text of a user';

create table if not exists kiloscale.cron_registry (
    jobname text primary key,
    jobid bigint not null,
    database text not null,
    username text not null,
    schedule text not null,
    command text not null,
    registered_at timestamptz not null default clock_timestamp(),
    registered_runid bigint not null default 0
);

comment on table kiloscale.cron_registry is
    'The pg_cron jobs that are ours; a job of the same name with another jobid is not';
comment on column kiloscale.cron_registry.registered_runid is
    'Newest cron.job_run_details.runid at registration: later runs ran this command';

create table if not exists kiloscale.health_snapshots (
    taken_at timestamptz primary key default clock_timestamp(),
    database_bytes bigint not null,
    detail jsonb not null default '{}'
);

-- Closes everything of ours. Each migration that adds a table, view or function ends
-- with `select kiloscale.seal()`. EXECUTE is PUBLIC's by default in any schema, and
-- Supabase grants all on what is created in public to anon and authenticated.
create or replace function kiloscale.seal() returns void
language plpgsql set search_path = '' as $$
declare
    who text;
    one record;
begin
    for one in
        select c.oid::regclass as rel
        from pg_catalog.pg_class c
        where c.relnamespace = 'kiloscale'::regnamespace
            and c.relkind in ('r', 'p') and not c.relrowsecurity
    loop
        execute format('alter table %s enable row level security', one.rel);
    end loop;
    for who in
        select 'public'
        union all
        select quote_ident(r.rolname) from pg_catalog.pg_roles r
        where r.rolname in ('anon', 'authenticated')
    loop
        execute format('revoke all on schema kiloscale from %s', who);
        execute format('revoke all on all tables in schema kiloscale from %s', who);
        execute format('revoke all on all sequences in schema kiloscale from %s', who);
        execute format('revoke all on all routines in schema kiloscale from %s', who);
        for one in
            select p.oid::regprocedure as fn
            from pg_catalog.pg_proc p
            where p.pronamespace = 'public'::regnamespace and p.proname in (
                'archive_old_messages', 'restore_conversation',
                'hard_delete_archived_messages')
        loop
            execute format('revoke all on routine %s from %s', one.fn, who);
        end loop;
        for one in
            select c.oid::regclass as rel
            from pg_catalog.pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
                and c.relname in ('active_messages', 'message_archival_stats')
        loop
            execute format('revoke all on %s from %s', one.rel, who);
        end loop;
    end loop;
end
$$;

-- Deleting a conversation or a user reaches what waits in the outbox and the limits.
-- SECURITY DEFINER, because the one who deletes may not read schema kiloscale.
create or replace function kiloscale.forget_conversations() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from kiloscale.outbox o
    using gone g
    where g.id::text
        in (o.key, o.payload ->> 'chat_id', o.payload ->> 'conversation_id');
    return null;
end
$$;

create or replace function kiloscale.forget_users() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from kiloscale.outbox o
    using gone g where g.id::text in (o.key, o.payload ->> 'user_id');
    delete from kiloscale.rate_limits l using gone g where l.subject = g.id::text;
    return null;
end
$$;

create or replace trigger kiloscale_forget_conversations
    after delete on public.conversations referencing old table as gone
    for each statement execute function kiloscale.forget_conversations();

create or replace trigger kiloscale_forget_users
    after delete on public.profiles referencing old table as gone
    for each statement execute function kiloscale.forget_users();

select kiloscale.seal();
