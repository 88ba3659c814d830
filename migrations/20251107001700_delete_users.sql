-- Deletes all that is a user's, in small committed batches, and never another user's
-- row: `call kiloscale.delete_user(id)`, or ./bootstrap user.delete.
--
-- A cascade from auth.users does the same in one transaction that holds every lock to
-- its end. Here each table is read once, page after page, so that no index is needed
-- and no batch reads what an earlier one deleted. What points at the user's rows is
-- found through the foreign keys: rows that would go with them by ON DELETE CASCADE and
-- belong to somebody else, or that would refuse the deletion, stop it before it begins.
-- A conversation in which others wrote is handed to the one of them who wrote last.
--
-- Phase:     expand
-- Locks:     none on an existing table; a call takes row locks for a batch
-- Reversal:  drop procedure kiloscale.delete_user(uuid, text[], integer);
--            drop function kiloscale.preview_user_deletion(uuid),
--                kiloscale.delete_user_step(jsonb, jsonb), kiloscale.user_plan(uuid),
--                kiloscale.hand_over(uuid), kiloscale.heir(uuid, uuid),
--                kiloscale.shared_conversations(uuid),
--                kiloscale.user_mark(uuid), kiloscale.names_user(text);
--            What was deleted only a backup gives back
-- Follow-up: none

-- Tells in the run log of whom a run was, to somebody who knows the id: the id itself
-- is 122 random bits, so that nobody finds it from the mark.
create or replace function kiloscale.user_mark(target uuid) returns text
language sql immutable set search_path = '' as $$
    select left(encode(sha256(convert_to(target::text, 'UTF8')), 'hex'), 16)
$$;

-- The user's conversations in which somebody else wrote. LIMIT keeps the planner from
-- reading all messages for the few of one user.
create or replace function kiloscale.shared_conversations(target uuid) returns uuid[]
language sql stable set search_path = '' as $$
    select coalesce(array_agg(c.id order by c.id), '{}')
    from public.conversations c
    left join lateral (
        select true as found_one from public.messages m
        where m.chat_id = c.id and m.user_id <> target limit 1) m on true
    left join lateral (
        select true as found_one from kiloscale.messages_archive m
        where m.chat_id = c.id and m.user_id <> target limit 1) a on true
    where c.user_id = target and (m.found_one or a.found_one)
$$;

-- The condition that any column of a row names the user; much quicker than to look at
-- the text of whole rows.
create or replace function kiloscale.names_user(tab text) returns text
language sql stable set search_path = '' as $$
    select coalesce(string_agg(case
            when a.atttypid = 'uuid'::regtype then format('t.%I = $1', a.attname)
            else format('position($1::text in t.%I::text) > 0', a.attname) end,
        ' or ' order by a.atttypid = 'uuid'::regtype desc, a.attnum), 'false')
    from pg_catalog.pg_attribute a
    where a.attrelid = to_regclass(tab) and a.attnum > 0 and not a.attisdropped
        and (a.atttypid = any ('{uuid,text,varchar,json,jsonb}'::regtype[])
            or a.atttypid::regtype::text like '%[]')
$$;

-- The plan: conditions over the alias t, with $1 for the user's id.
--   delete  these rows go, in the order of n
--   hand    conversations that get another owner
--   stop    rows that would refuse the deletion, or nobody is there to hand them to
--   others  rows of other users that would go along, by the app's own cascade
--   clears  rows that stay and lose their link
--   kept    rows that name the user and stay; `why` says what to do
--   slow    a foreign key without an index: each deleted row reads its whole table
create or replace function kiloscale.user_plan(target uuid)
returns table (n integer, rel regclass, act text, cond text, why text)
language plpgsql stable set search_path = '' as $$
declare
    shared constant text := format('any (%L::uuid[])',
        kiloscale.shared_conversations(target));
    chats constant text := 'select c.id from public.conversations c'
        ' where c.user_id = $1 and not c.id = ' || shared;
    users constant regclass := to_regclass('auth.users');
    known jsonb := '[]';  -- [n, oid, condition]
    one record;
    key record;
    mine text;
    via text;
    at integer := 0;
begin
    for one in
        select v.* from (values
            (100, 'kiloscale.outbox', '$1::text in (t.key, t.payload ->> ''user_id'')'
                ' or t.key in (select x.id::text from (CHATS) x) or t.payload'
                ' ->> ''chat_id'' in (select x.id::text from (CHATS) x)'
                -- By the name of a file in the user's folder. A purge of the CDN is
                -- left to be sent: it is what forgets the copies.
                ' or t.topic = ''images'' and position($1::text in t.payload::text) > 0'),
            (110, 'kiloscale.llm_reservations', 't.user_id = $1'),
            (120, 'kiloscale.rate_limits', 'position($1::text in t.subject) > 0'),
            (130, 'public.edge_function_logs', kiloscale.names_user(
                'public.edge_function_logs')),
            (140, 'public.conversation_caches', 't.chat_id in (CHATS)'),
            (150, 'public.conversation_summaries', 't.chat_id in (CHATS)'),
            (160, 'kiloscale.memory_progress', 't.chat_id in (CHATS)'),
            (170, 'public.user_memory', 't.user_id = $1'),
            (180, 'kiloscale.messages_archive', 't.user_id = $1'
                ' or t.user_id is null and t.chat_id in (CHATS)'),
            (190, 'public.messages', 't.user_id = $1'
                ' or t.user_id is null and t.chat_id in (CHATS)'),
            (194, 'kiloscale.images', 't.user_id = $1'
                ' or t.user_id is null and position($1::text in t.path) > 0'),
            (196, 'kiloscale.image_urls', 't.user_id = $1'
                ' or t.user_id is null and position($1::text in t.path) > 0'),
            (200, 'public.user_images', 't.user_id = $1'),
            (210, 'public.image_generation_log', 't.user_id = $1'),
            (220, 'public.feature_usage', 't.user_id = $1'),
            (230, 'public.report_logs', 't.user_id = $1'),
            (240, 'public.translator_logs', 't.user_id = $1'),
            (250, 'public.user_profile_list', 't.user_id = $1'),
            (260, 'public.conversation_activity', 't.conversation_id in (CHATS)'),
            (270, 'public.conversations', 't.user_id = $1 and not t.id = SHARED'),
            (280, 'kiloscale.llm_usage', 't.user_id = $1'),
            (290, 'public.profiles', 't.id = $1')
        ) v (n, name, cond)
        where to_regclass(v.name) is not null
        order by v.n
    loop
        -- A column that the app's own table lacks names nobody.
        continue when one.cond ~ 't\.user_id' and not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = to_regclass(one.name) and a.attname = 'user_id'
                and not a.attisdropped);
        known := known || jsonb_build_array(jsonb_build_array(one.n,
            to_regclass(one.name)::oid::bigint, replace(replace(one.cond, 'CHATS',
                chats), 'SHARED', shared)));
    end loop;
    n := 1;
    rel := 'public.conversations';
    act := 'hand';
    cond := 't.id = ' || shared;
    why := 'others wrote in it: it goes to the one who wrote last';
    return next;
    act := 'stop';
    cond := cond || ' and kiloscale.heir(t.id, $1) is null';
    why := 'others wrote in it, and none of them is a user any more';
    return next;
    if users is not null then
        known := known || jsonb_build_array(
            jsonb_build_array(1000, users::oid::bigint, 't.id = $1'));
    end if;

    -- The list grows by the tables that cascade; each is looked at once.
    while at < jsonb_array_length(known) loop
        for key in
            select k.conrelid::regclass as child, k.confdeltype as rule, k.conname,
                (known -> at ->> 0)::integer as parent_n, k.conkey,
                case when k.confrelid in (users, to_regclass('public.profiles'))
                    and cardinality(k.conkey) = 1 and p.names = '{id}'
                    then format('t.%I = $1', c.names[1])
                    else format('(%s) in (select %s from %s t where %s)',
                        (select string_agg(format('t.%I', x), ', ')
                            from unnest(c.names) x),
                        (select string_agg(format('t.%I', x), ', ')
                            from unnest(p.names) x),
                        k.confrelid::regclass, known -> at ->> 2) end as through,
                c.names, c.nullable,
                exists (select from pg_catalog.pg_attribute a
                    where a.attrelid = k.conrelid and a.attname = 'user_id'
                        and a.atttypid = 'uuid'::regtype and not a.attisdropped)
                    as has_user,
                exists (select from pg_catalog.pg_index i
                    where i.indrelid = k.conrelid and i.indisvalid
                        and i.indkey[0] = k.conkey[1]) as has_index
            from pg_catalog.pg_constraint k
            cross join lateral (
                select array_agg(a.attname::text order by u.o) as names,
                    not bool_or(a.attnotnull) as nullable
                from unnest(k.conkey) with ordinality u (attnum, o)
                join pg_catalog.pg_attribute a
                    on a.attrelid = k.conrelid and a.attnum = u.attnum) c
            cross join lateral (
                select array_agg(a.attname::text order by u.o) as names
                from unnest(k.confkey) with ordinality u (attnum, o)
                join pg_catalog.pg_attribute a
                    on a.attrelid = k.confrelid and a.attnum = u.attnum) p
            where k.contype = 'f' and k.conparentid = 0
                and k.confrelid = (known -> at ->> 1)::bigint::oid
                -- What refers to a login of Supabase itself goes with it.
                and k.connamespace <> coalesce(to_regnamespace('auth'), 0)
            order by k.conname
        loop
            select e.value into one
            from jsonb_array_elements(known) e
            where (e.value ->> 1)::bigint::oid = key.child;
            mine := one.value ->> 2;
            n := 10;
            rel := key.child;
            via := format('%s, through %s', case key.rule when 'c' then 'cascade'
                when 'n' then 'set null' when 'd' then 'set default'
                else 'no action' end, key.conname);
            if not key.has_index and key.parent_n < 1000 then
                act := 'slow';
                cond := 'true';
                why := format('create index concurrently on %s (%I);', key.child,
                    key.names[1]);
                return next;
            end if;
            cond := key.through || coalesce(' and (' || mine || ') is not true', '');
            if key.rule in ('a', 'r') or key.rule = 'n' and not key.nullable then
                act := 'stop';
                if (one.value ->> 0)::integer >= key.parent_n then
                    cond := key.through;  -- they would go only after it
                end if;
                why := 'they refuse the deletion: ' || via;
                return next;
            elsif key.rule in ('n', 'd') then
                act := 'clears';
                why := 'they stay without the link: ' || via;
                return next;
            else
                if key.has_user and key.through <> 't.user_id = $1' then
                    act := 'others';
                    cond := cond || ' and t.user_id <> $1';
                    why := 'rows of other users that would go along: ' || via;
                    return next;
                end if;
                if mine is null then
                    known := known || jsonb_build_array(jsonb_build_array(
                        99 - jsonb_array_length(known), key.child::oid::bigint,
                        key.through));
                end if;
            end if;
        end loop;
        at := at + 1;
    end loop;

    act := 'delete';
    for one in
        select (e.value ->> 0)::integer as n, (e.value ->> 1)::bigint::oid::regclass
            as rel, e.value ->> 2 as cond
        from jsonb_array_elements(known) e
        where (e.value ->> 0)::integer < 1000
        order by 1
    loop
        n := one.n;
        rel := one.rel;
        cond := one.cond;
        why := case when n < 100 then 'found through a foreign key' else '' end;
        return next;
    end loop;

    act := 'kept';
    n := 2000;
    for one in
        select v.name, v.cond, v.why from (values
            ('auth.users', 't.id = $1', 'the login is Supabase''s: delete it there'),
            ('storage.objects', kiloscale.names_user('storage.objects'),
                'delete the files through the storage API'),
            ('kiloscale.outbox', 't.topic = ''cdn-purge'''
                ' and position($1::text in t.payload::text) > 0',
                'purges of the CDN under way: they are sent within two minutes'),
            ('public.stripe_webhook_events',
                'position($1::text in t.payload::text) > 0',
                'records of payments: they go after 90 days'),
            ('public.conversation_summaries', 't.chat_id in (select w.chat_id from'
                ' (select distinct m.chat_id from public.messages m'
                ' where m.user_id = $1 offset 0) w'
                ' join public.conversations c on c.id = w.chat_id'
                ' where c.user_id <> $1)',
                'they sum up conversations of others in which the user wrote')
        ) v (name, cond, why)
        where to_regclass(v.name) is not null
        union all
        select a.attrelid::regclass::text, format('t.%I::text = $1::text', a.attname)
                || coalesce(' and (' || (
                    select e.value ->> 2 from jsonb_array_elements(known) e
                    where (e.value ->> 1)::bigint::oid = c.oid) || ') is not true', ''),
            format('column %I names the user, and no foreign key says what is to be'
                ' done', a.attname)
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_class c on c.oid = a.attrelid
            and c.relkind in ('r', 'p') and not c.relispartition
        where c.relnamespace = 'public'::regnamespace and not a.attisdropped
            and a.attname ~ '(^|_)(user|owner|author|sender|member|account)(_user)?_id$'
            and a.atttypid = any ('{uuid,text,varchar}'::regtype[])
            and not exists (
                select from jsonb_array_elements(known) e
                where (e.value ->> 1)::bigint::oid = c.oid
                    and e.value ->> 2 like format('t.%I = $1%%', a.attname)
                    and e.value ->> 2 not like '% and %')
            and (a.attname <> 'user_id'
                or c.relname <> all ('{conversations,messages}'))
    loop
        rel := one.name;
        cond := one.cond;
        why := one.why;
        return next;
    end loop;
end
$$;

-- Who gets a conversation: of those who are users still, the one who wrote last.
create or replace function kiloscale.heir(chat uuid, but uuid) returns uuid
language plpgsql stable set search_path = '' as $$
declare
    found_one uuid;
begin
    execute 'select m.user_id from (select m.user_id, m.created_at'
        ' from public.messages m where m.chat_id = $1 and m.user_id <> $2 union all'
        ' select m.user_id, m.created_at from kiloscale.messages_archive m'
        ' where m.chat_id = $1 and m.user_id <> $2) m'
        || case when to_regclass('auth.users') is null then '' else
            ' where exists (select from auth.users u where u.id = m.user_id)' end
        || ' order by m.created_at desc limit 1' into found_one using chat, but;
    return found_one;
end
$$;

-- What sums up a conversation sums up what the user said: it goes, and is made anew.
create or replace function kiloscale.hand_over(target uuid) returns bigint
language plpgsql set search_path = '' as $$
declare
    handed uuid[];
begin
    execute 'with mine as materialized (select t.id, kiloscale.heir(t.id, $1) as heir'
        ' from unnest($2) t (id)), done as ('
        ' update public.conversations c set user_id = m.heir from mine m'
        ' where c.id = m.id returning c.id) select array_agg(d.id) from done d'
        into handed using target, kiloscale.shared_conversations(target);
    if handed is null then
        return 0;
    end if;
    delete from public.conversation_summaries s where s.chat_id = any (handed);
    delete from public.conversation_caches s where s.chat_id = any (handed);
    if exists (select from pg_catalog.pg_attribute a
        where a.attrelid = 'public.conversation_activity'::regclass
            and a.attname = 'user_id' and not a.attisdropped) then
        execute 'update public.conversation_activity a set user_id = c.user_id'
            ' from public.conversations c where c.id = a.conversation_id'
            ' and c.id = any ($1)' using handed;
    end if;
    return cardinality(handed);
end
$$;

-- What a deletion would do now, table by table; reads every one of them.
create or replace function kiloscale.preview_user_deletion(target uuid)
returns table (n integer, tab text, act text, rows bigint, why text)
language plpgsql stable set search_path = '' as $$
declare
    one record;
begin
    if target is null then
        raise exception 'target must be the id of a user, got null'
            using errcode = 'invalid_parameter_value';
    end if;
    for one in select p.* from kiloscale.user_plan(target) p loop
        n := one.n;
        tab := one.rel::text;
        act := one.act;
        why := one.why;
        if act = 'slow' then
            select greatest(c.reltuples, 0)::bigint into rows
            from pg_catalog.pg_class c where c.oid = one.rel;
        elsif has_table_privilege(one.rel, 'select') then
            execute format('select count(*) from %s t where %s', one.rel, one.cond)
                into rows using target;
        else
            rows := null;
            why := why || ' (this role may not read it)';
        end if;
        return next;
    end loop;
end
$$;

create or replace function kiloscale.delete_user_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    pages_at_once constant integer := 2000;
    batch_rows constant integer := (settings ->> 'batch_rows')::integer;
    target constant uuid := (settings ->> 'user')::uuid;
    began constant timestamptz := clock_timestamp();
    at integer := (state ->> 'at')::integer;
    page bigint := (state ->> 'page')::bigint;
    counts jsonb := state -> 'counts';
    problems text;
    one jsonb;
    pages bigint;
    gone bigint;
begin
    moved := 0;
    perform set_config('lock_timeout', '2s', true);
    if state = '{}' then
        select string_agg(format('%s row(s) of %s: %s', p.rows, p.tab, p.why), '; ')
        into problems
        from kiloscale.preview_user_deletion(target) p
        where p.rows > 0 and (p.act = 'stop'
            or p.act = 'others' and not settings -> 'allowed' ? p.tab);
        if problems is not null then
            raise exception 'nothing was deleted: %', problems
                using errcode = 'dependent_objects_still_exist';
        end if;
        gone := kiloscale.hand_over(target);
        notes := jsonb_build_object('user', kiloscale.user_mark(target),
            'conversations_handed_over', gone);
        select jsonb_build_object('at', 0, 'page', 0, 'counts', '{}'::jsonb,
            'plan', jsonb_agg(jsonb_build_array(leaf.name, p.cond || case
                -- A cascade reaches nobody's message, whoever wrote meanwhile.
                when p.rel = 'public.conversations'::regclass then
                    ' and (select m.id from public.messages m'
                    ' where m.chat_id = t.id limit 1) is null'
                    ' and (select m.id from kiloscale.messages_archive m'
                    ' where m.chat_id = t.id limit 1) is null'
                else '' end, p.rel::text) order by p.n, leaf.name))
        into next
        from kiloscale.user_plan(target) p
        cross join lateral (
            select t.relid::regclass::text as name
            from pg_catalog.pg_partition_tree(p.rel) t where t.isleaf
            union all
            select p.rel::text where not exists (
                select from pg_catalog.pg_partition_tree(p.rel))) leaf
        where p.act = 'delete';
        return;
    end if;
    -- Small tables share a transaction; a large one is left and gone on with.
    while at < jsonb_array_length(state -> 'plan') and moved < batch_rows
        and clock_timestamp() - began < interval '100 ms'
    loop
        one := state -> 'plan' -> at;
        -- A partition of the logs may have been dropped since.
        if to_regclass(one ->> 0) is null then
            at := at + 1;
            page := 0;
            continue;
        end if;
        pages := pg_relation_size((one ->> 0)::regclass)
            / current_setting('block_size')::integer;
        execute format('delete from only %1$s t where t.ctid = any (array('
            'select t.ctid from only %1$s t where t.ctid >= %2$L and t.ctid < %3$L'
            ' and (%4$s) limit $2))', one ->> 0, format('(%s,0)', page),
            format('(%s,0)', page + pages_at_once), one ->> 1)
            using target, batch_rows - moved;
        get diagnostics gone = row_count;
        moved := moved + gone;
        if gone > 0 then
            counts := counts || jsonb_build_object(one ->> 2,
                coalesce((counts ->> (one ->> 2))::bigint, 0) + gone);
        end if;
        exit when moved >= batch_rows;  -- the same pages may hold more
        page := page + pages_at_once;
        if page >= pages then
            at := at + 1;
            page := 0;
        end if;
    end loop;
    notes := jsonb_build_object('deleted', counts);
    if at < jsonb_array_length(state -> 'plan') then
        next := state
            || jsonb_build_object('at', at, 'page', page, 'counts', counts);
        raise notice '%: % row(s) deleted so far', state -> 'plan' -> at ->> 2,
            (select coalesce(sum(v.value::bigint), 0) from jsonb_each_text(counts) v);
    end if;
end
$$;

create or replace procedure kiloscale.delete_user(
    target uuid, allowed text[] default '{}', batch_rows integer default 2000
)
language plpgsql as $$
begin
    if target is null then
        raise exception 'target must be the id of a user, got null'
            using errcode = 'invalid_parameter_value';
    end if;
    perform kiloscale.require_between('batch_rows', batch_rows, 1, 100000);
    call kiloscale.run_steps('user.delete',
        'kiloscale.delete_user_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object('user', target, 'batch_rows', batch_rows,
            'allowed', pg_catalog.to_jsonb(coalesce(allowed, '{}'))));
end
$$;

select kiloscale.seal();
