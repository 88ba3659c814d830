-- The log lines of the day low - 1 days ago, and its partition where it has none.

do $$
declare
    day constant date := (now() at time zone 'UTC')::date - (%(low)s - 1);
    part constant text := 'edge_function_logs_p' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass('kiloscale.' || part) is null and (select relkind from pg_class
            where oid = 'public.edge_function_logs'::regclass) = 'p' then
        execute format('create table kiloscale.%%I partition of'
            ' public.edge_function_logs for values from (%%L) to (%%L)', part,
            day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
        execute format('alter table kiloscale.%%I enable row level security', part);
        execute format('comment on table kiloscale.%%I is %%L', part,
            'Made by the demo of Kiloscale');
    end if;
end
$$;

insert into public.edge_function_logs (function_name, level, event, created_at)
select (array['chat-send', 'llm-handler', 'extract-memory', 'health-check'])
        [1 + mod(g, 4)],
    case when mod(g, 50) = 0 then 'error' when mod(g, 20) = 0 then 'warn'
        else 'info' end,
    jsonb_build_object('event', 'message_saved', 'status',
        case when mod(g, 50) = 0 then 502 else 201 end,
        'request_id', substr(md5(random()::text), 1, 12),
        'duration_ms', 20 + floor(power(random(), 3) * 900)::int, 'demo', true),
    day.start + (least(now(), day.start + interval '1 day') - day.start) * random()
from (select date_trunc('day', now(), 'UTC')
    - make_interval(days => %(low)s - 1) as start) day,
    generate_series(1, %(logs)s / %(log_days)s) g;
