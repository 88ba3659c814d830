-- Adds what every scheduled job runs on: one procedure that calls a job's step again
-- and again, commits after each call and keeps the row of the run in the run log.
--
-- A job is a procedure that checks its arguments and calls kiloscale.run_steps with
-- the name of its step function: step(state jsonb, settings jsonb) returns the next
-- state (NULL when nothing is left), the rows that it changed, and notes for the log.
--
-- Phase:     expand
-- Locks:     none on an existing table
-- Reversal:  drop the jobs' procedures of 20251107000600 to ...000900 first, then
--            drop procedure kiloscale.run_steps(text, regprocedure, jsonb);
--            drop function kiloscale.take_job_lock(text, boolean);
--            drop function kiloscale.require_between(text, bigint, bigint, bigint);
-- Follow-up: 20251107000600_add_system_log_retention.sql is the first job

create or replace function kiloscale.require_between(
    argument text, value bigint, low bigint, high bigint
) returns void
language plpgsql immutable set search_path = '' as $$
begin
    if value is null or value not between low and high then
        raise exception '% must be between % and %, got %', argument, low, high,
            coalesce(value::text, 'null')
            using errcode = 'invalid_parameter_value';
    end if;
end
$$;

-- Two runs of a job never overlap. The lock is the session's, since a job commits, or
-- the transaction's for a function that somebody calls by hand.
create or replace function kiloscale.take_job_lock(job text, whole_session boolean)
returns void
language plpgsql set search_path = '' as $$
declare
    space constant integer := 1263095887;  -- 'KILO' in ASCII: the locks that are ours
    taken boolean;
    holder integer;
begin
    if whole_session then
        taken := pg_try_advisory_lock(space, hashtext(job));
    else
        taken := pg_try_advisory_xact_lock(space, hashtext(job));
    end if;
    if not taken then
        select l.pid into holder from pg_catalog.pg_locks l
        where l.locktype = 'advisory' and l.granted and l.objsubid = 2
            and l.classid = space
            and l.objid = (hashtext(job)::bigint & 4294967295)::oid
        limit 1;
        raise exception 'job % is already running in backend %', job,
            coalesce(holder::text, 'unknown')
            using errcode = 'lock_not_available',
                hint = 'Wait for it, or end it: select pg_cancel_backend(pid);';
    end if;
end
$$;

-- How long one run may take: 8 minutes (Supabase advises at most 10 for a job), and
-- 80 % of statement_timeout where one is set (Supabase: 2 min), since it counts for
-- the whole CALL and cannot be changed from inside. The next run goes on.
create or replace function kiloscale.time_budget() returns interval
language sql stable set search_path = '' as $$
    select least(
        interval '8 minutes',
        (select interval '1 ms' * s.setting::bigint * 0.8
         from pg_catalog.pg_settings s
         where s.name = 'statement_timeout' and s.setting::bigint > 0)
    )
$$;

-- No SET clause: a procedure that has one may not commit. So every name is qualified.
-- COMMIT is not allowed in a block with an exception clause either: the clause stands
-- around one step only, and the error is kept, logged, committed and raised again.
create or replace procedure kiloscale.run_steps(
    job text, step regprocedure, settings jsonb
)
language plpgsql as $$
declare
    deadline constant timestamptz :=
        pg_catalog.clock_timestamp() + kiloscale.time_budget();
    call_step constant text := pg_catalog.format(
        'select next, moved, notes from %s($1, $2)', step::pg_catalog.regproc);
    began timestamptz;
    longest interval := '0';
    run bigint;
    state jsonb := '{}';
    done bigint;
    news jsonb;
    code text;
    problem text;
    more text;
    advice text;
begin
    perform kiloscale.take_job_lock(job, true);
    insert into kiloscale.run_log (job) values (job) returning id into run;
    commit;
    loop
        began := pg_catalog.clock_timestamp();
        begin
            execute call_step into state, done, news using state, settings;
        exception when query_canceled or others then
            get stacked diagnostics code = returned_sqlstate, problem = message_text,
                more = pg_exception_detail, advice = pg_exception_hint;
        end;
        exit when code is not null;
        longest := greatest(longest, pg_catalog.clock_timestamp() - began);
        if state is not null and pg_catalog.clock_timestamp() + longest > deadline then
            state := null;
            news := coalesce(news, '{}') || '{"stopped": "time budget used up"}';
        end if;
        update kiloscale.run_log l
        set rows = l.rows + coalesce(done, 0),
            batches = l.batches + 1,
            detail = l.detail || coalesce(news, '{}')
        where l.id = run;
        commit;
        exit when state is null;
    end loop;
    update kiloscale.run_log l
    set finished_at = pg_catalog.clock_timestamp(),
        error = case when code is not null then code || ' ' || problem end
    where l.id = run;
    commit;
    perform pg_catalog.pg_advisory_unlock(1263095887, pg_catalog.hashtext(job));
    -- An option of RAISE may not be NULL, and an empty one shows as an empty line.
    if code is not null and more > '' and advice > '' then
        raise exception using errcode = code, message = problem, detail = more,
            hint = advice;
    elsif code is not null and more > '' then
        raise exception using errcode = code, message = problem, detail = more;
    elsif code is not null and advice > '' then
        raise exception using errcode = code, message = problem, hint = advice;
    elsif code is not null then
        raise exception using errcode = code, message = problem;
    end if;
end
$$;

select kiloscale.seal();
