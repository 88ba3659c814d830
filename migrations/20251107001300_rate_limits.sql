-- Adds the functions that count hits of rate limits, and limits the images of a user
-- in the database.
--
-- Phase:     expand (before the services that call hit_limit)
-- Locks:     SHARE ROW EXCLUSIVE on public.image_generation_log for a moment, to add
--            one trigger, if Kiloscale made that table; nothing else that exists is
--            touched
-- Reversal:  drop trigger kiloscale_limit_images on public.image_generation_log;
--            drop function kiloscale.limit_images; drop function kiloscale.return_hits;
--            drop function kiloscale.hit_limit;
-- Follow-up: where the app made image_generation_log, a notice gives the statement that
--            installs the limit of images there as well

-- Counts hits of a key, all of them or none. The window starts with the key's first
-- hit; what is refused is not counted. Exact whatever runs at the same time: the upsert
-- locks the key's row and reads its newest version.
--
-- A key has one row, whatever it did: 5,000 users in four scopes are 20,000 rows, 4.5 MB
-- with the index (measured), and they go with their users. So nothing purges them.
--
-- Returns whether the hits were counted, the hits of the window then, and the seconds
-- until it ends (all of it if none runs).
create or replace function kiloscale.hit_limit(
    p_scope text, p_subject text, p_cost integer, p_hits_max integer,
    p_window_s integer
) returns table (is_admitted boolean, hits integer, reset_s integer)
language plpgsql rows 1 set search_path = '' as $$
#variable_conflict use_column
declare
    -- Not now(): in a long transaction that would be the start of it all.
    at timestamptz := clock_timestamp();
    window_length interval;
    running_since timestamptz;
    counted integer;
begin
    if (length(p_scope) between 1 and 64 and length(p_subject) between 1 and 200
        and p_cost between 1 and 1000000 and p_hits_max between 1 and 1000000000
        and p_window_s between 1 and 31536000) is not true
    then
        raise exception 'scope must have 1 to 64 characters, subject 1 to 200;'
            ' cost % must be from 1 to 1000000, hits_max % from 1 to 1000000000,'
            ' window_s % from 1 to 31536000', p_cost, p_hits_max, p_window_s
            using errcode = 'invalid_parameter_value';
    end if;
    window_length := make_interval(secs => p_window_s);

    -- A look first, so that refusing writes nothing: whoever hammers on a used-up limit
    -- costs a read, and no commit on disk.
    select r.hits, r.window_started_at into counted, running_since
    from kiloscale.rate_limits r
    where r.scope = p_scope and r.subject = p_subject
        and r.window_started_at > at - window_length;
    is_admitted := coalesce(counted, 0) <= p_hits_max - p_cost;

    if is_admitted then
        insert into kiloscale.rate_limits as r
            (scope, subject, window_started_at, hits)
        values (p_scope, p_subject, at, p_cost)
        on conflict (scope, subject) do update
        set hits = case when r.window_started_at > at - window_length
                then r.hits + p_cost else p_cost end,
            window_started_at = case when r.window_started_at > at - window_length
                then r.window_started_at else at end
        where r.hits <= p_hits_max - p_cost
            or r.window_started_at <= at - window_length
        returning r.hits, r.window_started_at into counted, running_since;
        is_admitted := found;
        if not found then
            -- Others used the limit up after the look.
            select r.hits, r.window_started_at into counted, running_since
            from kiloscale.rate_limits r
            where r.scope = p_scope and r.subject = p_subject;
        end if;
    end if;

    hits := coalesce(counted, 0);
    -- At least 1: an answer that says 0 would ask for a retry at once.
    reset_s := case when running_since is null then p_window_s
        else greatest(least(ceil(extract(epoch from
            running_since + window_length - at)), p_window_s), 1) end;
    return next;
end
$$;

comment on function kiloscale.hit_limit is
    'Counts hits of a key in a window that its first hit starts, all of them or none';

-- Gives back hits of the running window that had no effect.
create or replace function kiloscale.return_hits(
    p_scope text, p_subject text, p_cost integer, p_window_s integer
) returns void
language plpgsql set search_path = '' as $$
begin
    if (p_cost between 1 and 1000000 and p_window_s between 1 and 31536000) is not true
    then
        raise exception 'cost % must be from 1 to 1000000, window_s % from 1 to 31536000',
            p_cost, p_window_s using errcode = 'invalid_parameter_value';
    end if;
    update kiloscale.rate_limits r
    set hits = greatest(r.hits - p_cost, 0)
    where r.scope = p_scope and r.subject = p_subject
        and r.window_started_at > clock_timestamp() - make_interval(secs => p_window_s);
end
$$;

comment on function kiloscale.return_hits is
    'Gives back hits that had no effect to the running window of a key';

-- The plan's limit of images, 3 a day. The hit is counted in the transaction of the
-- row: it is taken back with it, and two inserts at once cannot both be the third.
-- SECURITY DEFINER, because the one who inserts may not read schema kiloscale.
-- PostgREST answers SQLSTATE PT429 with the HTTP status 429.
create or replace function kiloscale.limit_images() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    images_max constant integer := 3;
    window_s constant integer := 86400;
    verdict record;
begin
    -- A row without a user is nobody's image.
    if new.user_id is null then
        return new;
    end if;
    select * into verdict from kiloscale.hit_limit(
        'images', new.user_id::text, 1, images_max, window_s);
    if not verdict.is_admitted then
        raise exception 'the limit of % images in % s is used up', images_max, window_s
            using errcode = 'PT429', detail = 'images',
                hint = format('The next one is admitted in %s s.', verdict.reset_s);
    end if;
    return new;
end
$$;

comment on function kiloscale.limit_images is
    'Refuses the row of an image beyond the limit of its user';

-- A table of the app has the app's own limit, and is not altered here.
do $$
declare
    install constant text := 'create or replace trigger kiloscale_limit_images'
        ' before insert on public.image_generation_log'
        ' for each row execute function kiloscale.limit_images()';
begin
    if obj_description('public.image_generation_log'::regclass, 'pg_class')
        like 'Made by Kiloscale:%'
    then
        execute install;
    else
        raise notice 'public.image_generation_log is the app''s own: to limit images'
            ' there as well, run: %;', install;
    end if;
end
$$;

select kiloscale.seal();
