-- A plain table of logs with everything at once that a conversion has to carry over.

drop table public.edge_function_logs;
create table public.edge_function_logs (
    id bigint generated always as identity (start with 5 increment by 3) primary key,
    function_name text not null check (function_name <> ''),
    level text default 'info',
    gone text,
    event jsonb not null default '{}',
    user_id uuid references auth.users (id) on delete set null,
    shouted text generated always as (upper(function_name)) stored,
    created_at timestamptz default now()
) with (fillfactor = 90);
alter table public.edge_function_logs drop column gone;
comment on table public.edge_function_logs is 'the app''s own';
comment on column public.edge_function_logs.level is 'info, warn, error';
create index logs_by_function on public.edge_function_logs (function_name, created_at);
create index logs_errors on public.edge_function_logs (created_at)
    where level = 'error';
create index on public.edge_function_logs using gin (event);
create table public.log_counts (n bigint);
insert into public.log_counts values (0);
create function public.count_log() returns trigger language plpgsql as $$
begin
    update public.log_counts set n = n + 1;
    return null;
end $$;
create trigger counted after insert on public.edge_function_logs
    for each row execute function public.count_log();
create function public.stamp_log() returns trigger language plpgsql as $$
begin
    new.event := new.event || '{"stamped": true}';
    return new;
end $$;
create trigger stamped before insert on public.edge_function_logs
    for each row execute function public.stamp_log();
alter table public.edge_function_logs enable row level security;
create policy app_writes on public.edge_function_logs for insert to authenticated
    with check (level <> 'secret');
create policy app_reads on public.edge_function_logs for select to authenticated
    using (level <> 'secret');
revoke all on public.edge_function_logs from anon, authenticated;
grant select, insert on public.edge_function_logs to authenticated;
grant select (level, created_at) on public.edge_function_logs to anon;
create view public.recent_errors with (security_invoker = true) as
    select id, function_name, created_at from public.edge_function_logs
    where level = 'error';
create view public.error_count as select count(*) as n from public.recent_errors;
grant select on public.recent_errors to authenticated;
create publication app_changes for table public.edge_function_logs;
insert into public.edge_function_logs (function_name, level, created_at)
select 'chat-send', case when n % 10 = 0 then 'error' else 'info' end,
    now() - n * interval '15 minutes'
from generate_series(0, 2879) n;
