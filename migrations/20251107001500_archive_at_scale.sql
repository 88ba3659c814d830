-- Makes archival, reclaim, restore and hard delete right and short at millions of
-- messages, and message_archival_stats cheap and its archived counts exact.
--
-- Counting and looking for the watermark read only the index (chat_id, created_at):
-- 576,000 of 2 million messages are archived in a tenth of the time. A reclaim locks
-- messages before it looks again for rows that reference them, so that a reference made
-- meanwhile keeps its message; it follows foreign keys of several columns, and refuses
-- to scan a large table without an index once for each message. Its batches adapt to
-- 0.35 s. A restore puts back what it can where parents of a message are gone, and
-- says what it could not. A trigger of the app can leave out what is only moved:
-- when (current_setting('kiloscale.moving', true) is distinct from 'on').
--
-- Phase:     expand
-- Locks:     SHARE ROW EXCLUSIVE on conversations for a moment, for a foreign key, and
--            on kiloscale.messages_archive while its rows are counted (0.1 s for
--            500,000); nothing else reads or writes that but the jobs
-- Reversal:  drop procedure kiloscale.run_hard_delete_archived_messages(integer,
--                integer, timestamptz); drop trigger kiloscale_count_added,
--                kiloscale_count_removed and kiloscale_count_none on
--                kiloscale.messages_archive; run 20251107000700 and ...000800 again from
--                `create or replace` on; then drop table kiloscale.archive_counts.
--            Functions that only these call may stay
-- Follow-up: none

-- How many messages of a conversation are in the archive: exact, kept by triggers, so
-- that whoever deletes there is counted too.
create table if not exists kiloscale.archive_counts (
    chat_id uuid primary key references public.conversations (id) on delete cascade,
    moved bigint not null
);

create or replace function kiloscale.count_added() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into kiloscale.archive_counts as c (chat_id, moved)
    select n.chat_id, count(*) from new_rows n group by n.chat_id order by n.chat_id
    on conflict (chat_id) do update set moved = c.moved + excluded.moved;
    return null;
end
$$;

create or replace function kiloscale.count_removed() returns trigger
language plpgsql set search_path = '' as $$
begin
    update kiloscale.archive_counts c set moved = c.moved - g.rows
    from (select o.chat_id, count(*) as rows from old_rows o group by o.chat_id) g
    where c.chat_id = g.chat_id;
    delete from kiloscale.archive_counts c
    where c.moved = 0 and c.chat_id in (select o.chat_id from old_rows o);
    return null;
end
$$;

create or replace function kiloscale.count_none() returns trigger
language plpgsql set search_path = '' as $$
begin
    delete from kiloscale.archive_counts;
    return null;
end
$$;

create or replace trigger kiloscale_count_added
    after insert on kiloscale.messages_archive referencing new table as new_rows
    for each statement execute function kiloscale.count_added();

create or replace trigger kiloscale_count_removed
    after delete on kiloscale.messages_archive referencing old table as old_rows
    for each statement execute function kiloscale.count_removed();

create or replace trigger kiloscale_count_none
    after truncate on kiloscale.messages_archive
    for each statement execute function kiloscale.count_none();

insert into kiloscale.archive_counts (chat_id, moved)
select a.chat_id, count(*) from kiloscale.messages_archive a group by a.chat_id
on conflict (chat_id) do update set moved = excluded.moved;

-- How many messages of a conversation are at or below (through, through_id). All but
-- those of that very instant are counted in the index alone.
create or replace function kiloscale.messages_through(
    chat uuid, through timestamptz, through_id uuid
) returns bigint
language sql stable set search_path = '' as $$
    select (select count(*) from public.messages m
            where m.chat_id = chat and m.created_at <= through)
        - (select count(*) from public.messages m
           where m.chat_id = chat and m.created_at = through and m.id > through_id)
$$;

-- The watermarks that a run would set, of the conversations after `after_id`, at most
-- `batch` of them looked at. The message that has `keep` newer ones is found in the
-- index; its id is looked up only where there is one.
create or replace function kiloscale.next_watermarks(
    after_id uuid, months integer, keep integer, batch integer
) returns table (
    chat_id uuid, old_through timestamptz, old_through_id uuid,
    new_through timestamptz, new_through_id uuid, last_seen uuid, seen bigint
)
language sql stable set search_path = '' as $$
    with inactive as materialized (
        select c.id, c.archived_through, c.archived_through_id
        from public.conversations c
        -- So written, the index gives the next ones and the scan ends with the batch.
        where c.id >= coalesce(after_id, '00000000-0000-0000-0000-000000000000')
            and c.id is distinct from after_id and not c.archive_hold
            and coalesce((select a.last_activity_at from public.conversation_activity a
                where a.conversation_id = c.id), '-infinity')
                < now() - make_interval(months => months)
        order by c.id
        limit batch
    ), long as materialized (
        select i.*, w.created_at as through
        from inactive i
        cross join lateral (
            select m.created_at from public.messages m
            where m.chat_id = i.id order by m.created_at desc offset keep limit 1
        ) w
        where (i.archived_through is null or w.created_at >= i.archived_through)
            -- The activity table is kept by the app: trust the messages more.
            and not exists (
                select from public.messages m where m.chat_id = i.id
                    and m.created_at >= now() - make_interval(months => months))
    ), target as (
        select l.*, w.id as through_id
        from long l
        cross join lateral (
            select m.id from public.messages m
            where m.chat_id = l.id and m.created_at = l.through
            order by m.id desc
            offset keep - (select count(*) from public.messages n
                           where n.chat_id = l.id and n.created_at > l.through)
                -- Without a time they come first, as if they were the newest.
                - (select count(*) from public.messages n
                   where n.chat_id = l.id and n.created_at is null)
            limit 1
        ) w
        where l.archived_through is null
            or (l.through, w.id) > (l.archived_through, l.archived_through_id)
    ), progress as (
        select count(*) as seen, (max(i.id::text))::uuid as last_seen from inactive i
    )
    select t.id, t.archived_through, t.archived_through_id, t.through, t.through_id,
        p.last_seen, p.seen
    from progress p
    left join target t on true
$$;

-- Marks the next conversations after `after_id`. One that somebody holds locked is
-- skipped and counted: the next run finds it again.
create or replace function kiloscale.mark_batch(
    after_id uuid, months integer, keep integer, batch integer,
    out last_id uuid, out conversations bigint, out messages bigint, out skipped bigint
)
language sql set search_path = '' as $$
    with target as materialized (
        select * from kiloscale.next_watermarks(after_id, months, keep, batch)
    ), free as materialized (
        select c.id from public.conversations c
        where c.id in (select t.chat_id from target t) and not c.archive_hold
        order by c.id
        for no key update skip locked
    ), marked as (
        update public.conversations c
        set archived_through = t.new_through, archived_through_id = t.new_through_id
        from target t
        join free f on f.id = t.chat_id
        where c.id = t.chat_id
        returning t.*
    )
    select
        (select max(t.last_seen::text) filter (where t.seen = batch)
         from target t)::uuid,
        (select count(*) from marked),
        (select coalesce(sum(
            kiloscale.messages_through(k.chat_id, k.new_through, k.new_through_id)
            - case when k.old_through is null then 0 else kiloscale.messages_through(
                k.chat_id, k.old_through, k.old_through_id) end), 0)::bigint
         from marked k),
        (select count(t.chat_id) from target t) - (select count(*) from free)
$$;

create or replace function kiloscale.archive_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    batch record;
    marked bigint := coalesce((state ->> 'conversations')::bigint, 0);
    left_out bigint := coalesce((state ->> 'skipped')::bigint, 0);
begin
    -- A batch lost in a crash is marked by the next run; the end of this one waits.
    perform set_config('synchronous_commit', 'off', true);
    select * into batch from kiloscale.mark_batch(
        (state ->> 'after')::uuid, (settings ->> 'months')::integer,
        (settings ->> 'keep')::integer, (settings ->> 'batch')::integer);
    marked := marked + batch.conversations;
    left_out := left_out + batch.skipped;
    moved := batch.messages;
    notes := jsonb_build_object('conversations', marked);
    if left_out > 0 then
        notes := notes || jsonb_build_object('skipped_locked', left_out);
    end if;
    if batch.last_id is not null then
        next := jsonb_build_object(
            'after', batch.last_id, 'conversations', marked, 'skipped', left_out);
    end if;
end
$$;

-- What archive_old_messages() calls.
create or replace function kiloscale.archive_batch(
    after_id uuid, months integer, keep integer, batch integer,
    out last_id uuid, out conversations bigint, out messages bigint
)
language sql set search_path = '' as $$
    select b.last_id, b.conversations, b.messages
    from kiloscale.mark_batch(after_id, months, keep, batch) b
$$;

create or replace function kiloscale.preview_archive_old_messages(
    months integer default 6, keep integer default 100
) returns table (
    inactive_before timestamptz, conversations_to_mark bigint,
    messages_to_archive bigint, conversations_on_hold bigint, update_triggers text
)
language sql stable set search_path = '' as $$
    select kiloscale.require_between('months', months, 1, 1200),
        kiloscale.require_between('keep', keep, 1, 100000);
    select now() - make_interval(months => months),
        (select count(t.chat_id)
         from kiloscale.next_watermarks(null, months, keep, 2147483647) t),
        (select coalesce(sum(
            kiloscale.messages_through(t.chat_id, t.new_through, t.new_through_id)
            - case when t.old_through is null then 0 else kiloscale.messages_through(
                t.chat_id, t.old_through, t.old_through_id) end), 0)::bigint
         from kiloscale.next_watermarks(null, months, keep, 2147483647) t
         where t.chat_id is not null),
        (select count(*) from public.conversations c where c.archive_hold),
        (select string_agg(g.tgname, ', ' order by g.tgname)
         from pg_catalog.pg_trigger g
         where g.tgrelid = 'public.conversations'::regclass and not g.tgisinternal
            and g.tgname !~ '^kiloscale_' and g.tgenabled <> 'D' and g.tgtype & 16 <> 0)
$$;

-- A message without a time is above every watermark.
create or replace function kiloscale.make_active_messages() returns void
language plpgsql set search_path = '' as $$
declare
    by_app constant boolean := exists (
        select from pg_catalog.pg_attribute a
        where a.attrelid = 'public.messages'::regclass
            and a.attname = 'archived_at' and not a.attisdropped);
begin
    execute 'create or replace view public.active_messages'
        ' with (security_invoker = true) as'
        ' select m.* from public.messages m'
        ' join public.conversations c on c.id = m.chat_id'
        ' where (c.archived_through is null or m.created_at is null or'
        ' (m.created_at, m.id) > (c.archived_through, c.archived_through_id))'
        || case when by_app then ' and m.archived_at is null' else '' end;
    comment on view public.active_messages is
        'The messages that are not archived; made by Kiloscale';
end
$$;

select kiloscale.make_active_messages();

-- A function, so that the planner does not take the view for a count of all messages
-- and compile it (JIT), which takes longer than the view.
create or replace function kiloscale.count_messages() returns bigint
language plpgsql stable set search_path = '' as $$
begin
    return (select count(*) from public.messages);
end
$$;

-- Size of a table with its indexes; a partitioned one is the sum of its partitions.
create or replace function kiloscale.tree_bytes(tab regclass) returns bigint
language sql stable set search_path = '' as $$
    select sum(pg_total_relation_size(t.oid))::bigint
    from (
        select tab::oid as oid
        union
        select p.relid from pg_partition_tree(tab) p
    ) t
$$;

-- The planner's estimate of a table's rows, of a partitioned one the sum of what its
-- partitions have: autovacuum analyses those, never the table above them. NULL where
-- one was never analysed.
create or replace function kiloscale.estimated_rows(tab regclass) returns bigint
language sql stable set search_path = '' as $$
    select case when min(c.reltuples) >= 0 then sum(c.reltuples)::bigint end
    from (
        select tab::oid as oid
        union
        select p.relid from pg_partition_tree(tab) p
    ) t
    join pg_catalog.pg_class c on c.oid = t.oid and c.relkind <> 'p'
$$;

-- The archived counts are exact. They cost a look into the index below the watermarks
-- and into one small table, and with an archived_at of the app its index or a scan.
-- The totals are the planner's estimates (0.03 % off at 2 million). Call it again when
-- the app adds archived_at; before it drops that column, drop the view.
create or replace function kiloscale.make_archival_stats() returns void
language plpgsql set search_path = '' as $$
declare
    by_app constant boolean := exists (
        select from pg_catalog.pg_attribute a
        where a.attrelid = 'public.messages'::regclass
            and a.attname = 'archived_at' and not a.attisdropped);
begin
    execute format($view$
create or replace view public.message_archival_stats
with (security_invoker = true) as
with part as materialized (
    select
        -- What was never analysed is small enough to count.
        coalesce(kiloscale.estimated_rows('public.messages'::regclass),
            kiloscale.count_messages()) as in_table,
        (select coalesce(sum(k.moved), 0)::bigint
         from kiloscale.archive_counts k) as moved,
        (select coalesce(sum(
            (select count(*) from public.messages m
             where m.chat_id = c.id and m.created_at <= c.archived_through)
            - (select count(*) from public.messages m
               where m.chat_id = c.id and m.created_at = c.archived_through
                and m.id > c.archived_through_id)), 0)::bigint
         from public.conversations c
         where c.archived_through is not null) as below_watermark,
        %s as by_app
)
select
    p.in_table + p.moved as total_messages,
    greatest(p.in_table - p.below_watermark - p.by_app, 0) as active_messages,
    p.below_watermark + p.moved + p.by_app as archived_messages,
    p.below_watermark as archived_in_place,
    p.moved as archived_moved,
    (select count(*) from public.conversations c where c.archived_through is not null)
        as conversations_archived,
    (select count(*) from public.conversations c where c.archive_hold)
        as conversations_on_hold,
    kiloscale.tree_bytes('public.messages'::regclass) as messages_bytes,
    pg_total_relation_size('kiloscale.messages_archive'::regclass) as archive_bytes
from part p$view$,
        case when by_app then
            '(select count(*) from public.messages m'
            ' join public.conversations c on c.id = m.chat_id'
            ' where m.archived_at is not null and (c.archived_through is null'
            ' or m.created_at is null or (m.created_at, m.id)'
            ' > (c.archived_through, c.archived_through_id)))'
        else '0::bigint' end);
    comment on view public.message_archival_stats is
        'Archived means below the watermark, moved, or with an archived_at of the app;'
        ' that is exact, total and active messages are estimates';
end
$$;

select kiloscale.make_archival_stats();

create table if not exists kiloscale.message_links (
    child text not null,
    name text not null,
    col text not null,
    action text not null,
    definition text not null,
    primary key (child, name)
);

comment on table kiloscale.message_links is
    'Foreign keys that pointed at messages(id), whose work triggers do on partitions;'
    ' empty until 20251107001900 fills it';

-- What refers to messages, by foreign keys or by the triggers that stand in for them:
-- archival and reclaim ask it what is to stay.
create or replace function kiloscale.message_references()
returns table (
    tab regclass, cols text, names name[], matches text, is_self boolean
)
language sql stable set search_path = '' as $$
    select k.conrelid::regclass,
        string_agg(quote_ident(child.attname), ', ' order by u.n),
        array_agg(child.attname),
        string_agg(format('r.%I = m.%I', child.attname, parent.attname), ' and '
            order by u.n)
        || case when k.conrelid = k.confrelid then ' and r.id <> m.id' else '' end,
        k.conrelid = k.confrelid
    from pg_catalog.pg_constraint k
    cross join unnest(k.conkey, k.confkey) with ordinality u (child, parent, n)
    join pg_catalog.pg_attribute child
        on child.attrelid = k.conrelid and child.attnum = u.child
    join pg_catalog.pg_attribute parent
        on parent.attrelid = k.confrelid and parent.attnum = u.parent
    where k.contype = 'f' and k.confrelid = 'public.messages'::regclass
        and k.conparentid = 0
    group by k.oid, k.conrelid, k.confrelid
    union all
    select l.child::regclass, quote_ident(l.col), array[l.col::name],
        format('r.%I = m.id', l.col), false
    from kiloscale.message_links l
$$;

-- What a message must fulfil to be moved.
create or replace function kiloscale.unreferenced_only() returns text
language sql stable set search_path = '' as $$
    select coalesce(string_agg(format(
        ' and not exists (select from %s r where %s)', f.tab, f.matches), ''), '')
    from kiloscale.message_references() f
$$;

-- Tables that a deletion of a message would scan for references, because no index
-- serves their foreign key: at least `bytes` of them.
create or replace function kiloscale.unindexed_references(bytes bigint)
returns table (tab regclass, cols text, scanned bigint)
language sql stable set search_path = '' as $$
    select f.tab, f.cols, sum(pg_relation_size(leaf.oid))::bigint
    from kiloscale.message_references() f
    cross join lateral (
        select f.tab::oid as oid
        union
        select t.relid from pg_catalog.pg_partition_tree(f.tab) t
    ) leaf
    where not exists (
        select
        from pg_catalog.pg_index i
        join pg_catalog.pg_class c on c.oid = i.indexrelid
        join pg_catalog.pg_am am on am.oid = c.relam
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid
            and a.attnum = i.indkey[0]
        where i.indrelid = leaf.oid and i.indisvalid
            and am.amname in ('btree', 'hash') and a.attname = any (f.names)
            and (i.indpred is null
                or pg_get_expr(i.indpred, i.indrelid)
                    = format('(%I IS NOT NULL)', a.attname)))
    group by f.tab, f.cols
    having sum(pg_relation_size(leaf.oid)) >= bytes
$$;

-- The columns to copy, quoted, after adding to the archive what messages has gained and
-- giving it the types that messages has. A column that was added with a default has it
-- for what was archived before, as it has for the rows of messages.
create or replace function kiloscale.archive_columns() returns text
language plpgsql set search_path = '' as $$
declare
    one record;
begin
    for one in
        select quote_ident(m.attname) as col,
            format_type(m.atttypid, m.atttypmod) as typ, a.attnum is null as is_new,
            case when m.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end
                as preset
        from pg_catalog.pg_attribute m
        left join pg_catalog.pg_attrdef d
            on d.adrelid = m.attrelid and d.adnum = m.attnum
        left join pg_catalog.pg_attribute a
            on a.attrelid = 'kiloscale.messages_archive'::regclass
            and a.attname = m.attname and not a.attisdropped
        where m.attrelid = 'public.messages'::regclass and m.attnum > 0
            and not m.attisdropped
            and (a.attnum is null or (a.atttypid, a.atttypmod)
                is distinct from (m.atttypid, m.atttypmod))
    loop
        perform set_config('lock_timeout', '2s', true);
        if one.is_new then
            execute format('alter table kiloscale.messages_archive add column %s %s %s',
                one.col, one.typ, 'default ' || one.preset);
        else
            execute format('alter table kiloscale.messages_archive alter column %1$s'
                ' type %2$s using %1$s::%2$s', one.col, one.typ);
        end if;
    end loop;
    return (
        select string_agg(quote_ident(m.attname), ', ' order by m.attnum)
        from pg_catalog.pg_attribute m
        where m.attrelid = 'public.messages'::regclass and m.attnum > 0
            and not m.attisdropped and m.attgenerated = '');
end
$$;

-- Refuses what would take hours: PostgreSQL looks for the references of each message
-- that is deleted, and without an index that is a scan of the whole table.
create or replace function kiloscale.require_indexed_references() returns void
language plpgsql stable set search_path = '' as $$
declare
    one record;
begin
    for one in select * from kiloscale.unindexed_references(1048576)
    loop
        raise exception '% (%) references messages and has no index: each message that'
            ' is moved would scan %; nothing was moved', one.tab, one.cols,
            pg_size_pretty(one.scanned)
            using errcode = 'object_not_in_prerequisite_state',
                hint = format(
                    'create index concurrently on %s (%s);', one.tab, one.cols);
    end loop;
end
$$;

-- Moves some messages of the conversations from state.from on.
--
-- No reference can appear unseen. A new foreign key waits for the lock on the table. A
-- new row that points at a message waits for the message's lock, and what came before
-- it is seen by the second statement, which has a snapshot of its own. The youngest go
-- first, so that an answer goes before the message that it replies to.
create or replace function kiloscale.reclaim_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    began constant timestamptz := clock_timestamp();
    most constant integer := (settings ->> 'batch_rows')::integer;
    batch constant integer := coalesce((state ->> 'batch')::integer, least(most, 500));
    at_most constant integer := 500;  -- conversations locked by one step
    spent numeric;
    cols text;
    unreferenced text;
    pick text;
    move text;
    replies boolean;
    one record;
    places tid[];
    ids uuid[];
    seen integer := 0;
    total bigint;
    rest uuid;
    n bigint;
begin
    moved := 0;
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'default_transaction_isolation is %: a reclaim needs read'
            ' committed, to see a reference that is made meanwhile; nothing was moved',
            current_setting('transaction_isolation')
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'alter role ... set default_transaction_isolation'
                    ' = ''read committed'';';
    end if;
    perform set_config('lock_timeout', '2s', true);
    perform set_config('kiloscale.moving', 'on', true);
    -- What a crash undoes of the last batches is in messages still, and goes with the
    -- next run; the run's last commit, of its run log, waits for the disk.
    perform set_config('synchronous_commit', 'off', true);
    begin
        lock table public.messages in row exclusive mode;
    exception when lock_not_available then
        -- Somebody builds an index or alters the table: let them.
        if coalesce((state ->> 'attempts')::integer, 0) >= 5 then
            raise;
        end if;
        next := state || jsonb_build_object(
            'attempts', coalesce((state ->> 'attempts')::integer, 0) + 1);
        return;
    end;
    if not state ? 'from' then
        perform kiloscale.require_indexed_references();
    end if;
    cols := kiloscale.archive_columns();
    unreferenced := kiloscale.unreferenced_only();
    replies := exists (
        select from kiloscale.message_references() f where f.is_self);
    pick := format('select array_agg(v.place), array_agg(v.id)'
        ' from (select m.ctid as place, m.id from public.messages m'
        ' where m.chat_id = $1 and m.created_at <= $2'
        ' and (m.created_at, m.id) <= ($2, $3) %s'
        ' order by m.created_at desc, m.id desc limit $4 for update skip locked) v',
        unreferenced);
    -- A locked row keeps its place, which is found without an index; but each partition
    -- has places of its own, so that there it is the id.
    move := format('with gone as (delete from public.messages m'
        ' where %s %s returning m.*)'
        ' insert into kiloscale.messages_archive (%s) select %s from gone',
        (select case when c.relkind = 'p' then 'm.chat_id = $1 and m.id = any ($3)'
            else 'm.ctid = any ($2)' end
         from pg_catalog.pg_class c where c.oid = 'public.messages'::regclass),
        unreferenced, cols, cols);
    for one in
        -- The lock makes restore_conversation() wait, or makes us skip it.
        select c.id, c.archived_through, c.archived_through_id
        from public.conversations c
        where c.archived_through is not null and not c.archive_hold
            and (not state ? 'from' or c.id >= (state ->> 'from')::uuid)
        order by c.id
        limit at_most
        for no key update skip locked
    loop
        seen := seen + 1;
        loop
            execute pick into places, ids using one.id, one.archived_through,
                one.archived_through_id, batch - moved;
            exit when ids is null;
            execute move using one.id, places, ids;
            get diagnostics n = row_count;
            moved := moved + n;
            -- What only moved messages replied to can go as well.
            exit when n = 0 or moved >= batch or not replies;
        end loop;
        if moved >= batch then
            rest := one.id;  -- it may have more
            exit;
        end if;
        if clock_timestamp() - began > interval '0.25 s' then
            select c.id into rest from public.conversations c where c.id > one.id
            order by c.id limit 1;
            exit;
        end if;
    end loop;
    if rest is null and seen = at_most then
        select c.id into rest from public.conversations c where c.id > one.id
        order by c.id limit 1;
    end if;
    total := coalesce((state ->> 'total')::bigint, 0) + moved;
    spent := extract(epoch from clock_timestamp() - began);
    if rest is not null then
        next := jsonb_build_object('from', rest, 'total', total, 'batch',
            case when spent > 0.35 then greatest(batch / 2, least(most, 100))
                when spent < 0.12 then least(batch * 2, most) else batch end);
    elsif total > 0 then
        -- message_archival_stats reads the estimate of the rows. A small sample of one
        -- column refreshes it in 20 ms and leaves the planner's statistics, and
        -- autovacuum's own idea of when they are due, as they are.
        perform set_config('default_statistics_target', '10', true);
        analyze public.messages (id);
    end if;
end
$$;

-- Bytes are estimates: the table's and its indexes' share of the rows.
create or replace function kiloscale.forecast_reclaim()
returns table (
    messages_to_move bigint, kept_by_references bigint, referencing_columns text,
    archived_rows_estimate bigint, reusable_bytes bigint, without_index text,
    without_foreign_key text, move_triggers text
)
language plpgsql stable set search_path = '' as $$
declare
    below bigint;
    kept text;
begin
    select coalesce(sum(kiloscale.messages_through(
        c.id, c.archived_through, c.archived_through_id)), 0)
    into below from public.conversations c
    where c.archived_through is not null and not c.archive_hold;
    select string_agg(format('select m.id from %s r join public.messages m on %s'
        ' join public.conversations c on c.id = m.chat_id and not c.archive_hold'
        ' and (m.created_at, m.id) <= (c.archived_through, c.archived_through_id)',
        f.tab, f.matches), ' union '),
        string_agg(f.tab || '.' || f.cols, ', ')
    into kept, referencing_columns
    from kiloscale.message_references() f;
    select string_agg(format('%s (%s)', u.tab, u.cols), ', ')
    into without_index from kiloscale.unindexed_references(1048576) u;
    kept_by_references := 0;
    if kept is not null then
        execute format('select count(*) from (%s) k', kept) into kept_by_references;
    end if;
    messages_to_move := below - kept_by_references;
    select coalesce(sum(k.moved), 0) into archived_rows_estimate
    from kiloscale.archive_counts k;
    select (kiloscale.tree_bytes('public.messages'::regclass) * least(1,
        messages_to_move / greatest(coalesce(
            kiloscale.estimated_rows('public.messages'::regclass), 0), 1)::numeric))
        ::bigint into reusable_bytes;
    select string_agg(a.attrelid::regclass || '.' || quote_ident(a.attname), ', ')
    into without_foreign_key
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
        and not c.relispartition and c.relnamespace = 'public'::regnamespace
    where a.attname like '%message\_id' and not a.attisdropped
        and a.atttypid = 'uuid'::regtype and not exists (
            select from pg_catalog.pg_constraint k
            where k.contype = 'f' and k.conrelid = a.attrelid
                and a.attnum = any (k.conkey))
        -- On partitions triggers do the work of the foreign keys.
        and not exists (
            select from kiloscale.message_references() f
            where f.tab = a.attrelid and a.attname = any (f.names));
    select string_agg(g.tgname, ', ' order by g.tgname) into move_triggers
    from pg_catalog.pg_trigger g
    where g.tgrelid = 'public.messages'::regclass and not g.tgisinternal
        and g.tgname !~ '^kiloscale_' and g.tgenabled <> 'D' and g.tgtype & 12 <> 0;
    return next;
end
$$;

create or replace function kiloscale.preview_reclaim_archived_messages()
returns table (
    messages_to_move bigint, kept_by_references bigint, referencing_columns text,
    archived_rows_estimate bigint
)
language sql stable set search_path = '' as $$
    select f.messages_to_move, f.kept_by_references, f.referencing_columns,
        f.archived_rows_estimate
    from kiloscale.forecast_reclaim() f
$$;

-- What a restore puts into messages: an expression for each column, and the condition
-- under which a row is given up. While a message was in the archive, a row that it
-- refers to may have been deleted: then its own foreign key decides, as it would have.
create or replace function kiloscale.restore_terms(
    out cols text, out terms text, out given_up text
)
language plpgsql set search_path = '' as $$
declare
    one record;
    replaced jsonb := '{}';
    col text;
begin
    cols := kiloscale.archive_columns();
    given_up := 'false';
    for one in
        select k.confdeltype = 'c' as cascades, pair.names,
            format('(%s and not exists (select from %s p where %s)%s)', pair.given,
                k.confrelid::regclass, pair.found,
                case when k.confrelid = k.conrelid then format(' and not exists (select'
                    ' from kiloscale.messages_archive p where p.chat_id = a.chat_id and'
                    ' %s)', pair.found) else '' end) as lost
        from pg_catalog.pg_constraint k
        cross join lateral (
            select array_agg(child.attname) as names,
                string_agg(format('a.%I is not null', child.attname), ' and ') as given,
                string_agg(
                    format('p.%I = a.%I', parent.attname, child.attname), ' and ')
                    as found
            from unnest(k.conkey, k.confkey) u (child, parent)
            join pg_catalog.pg_attribute child
                on child.attrelid = k.conrelid and child.attnum = u.child
            join pg_catalog.pg_attribute parent
                on parent.attrelid = k.confrelid and parent.attnum = u.parent
        ) pair
        where k.contype = 'f' and k.conrelid = 'public.messages'::regclass
            and k.conparentid = 0 and pair.names <> array['chat_id']::name[]
    loop
        if one.cascades then
            given_up := given_up || ' or ' || one.lost;
            continue;
        end if;
        foreach col in array one.names loop
            continue when col = 'chat_id';
            replaced := replaced || jsonb_build_object(quote_ident(col),
                format('case when not %s then a.%I end', one.lost, col));
        end loop;
    end loop;
    select string_agg(coalesce(replaced ->> c.name, 'a.' || c.name), ', ' order by c.n)
    into terms
    from string_to_table(cols, ', ') with ordinality c (name, n);
end
$$;

-- Undoes the archival of one conversation, in one transaction: nobody sees half of it.
-- With hold => false the next run of the job archives it again.
create or replace function public.restore_conversation(
    conversation uuid, hold boolean default true
) returns table (restored_count bigint, moved_back_count bigint)
language plpgsql set search_path = '' as $$
declare
    put record;
    found_one record;
    dropped bigint;
    stuck bigint;
begin
    perform set_config('kiloscale.moving', 'on', true);
    select c.archived_through, c.archived_through_id into found_one
    from public.conversations c where c.id = conversation for no key update;
    if not found then
        raise exception 'conversation % does not exist; nothing was changed',
            coalesce(conversation::text, 'null') using errcode = 'no_data_found';
    end if;
    select * into put from kiloscale.restore_terms();
    -- A hard delete that runs leaves alone what is locked here.
    perform from kiloscale.messages_archive a where a.chat_id = conversation for update;
    execute format('delete from kiloscale.messages_archive a'
        ' where a.chat_id = $1 and (%s)', put.given_up) using conversation;
    get diagnostics dropped = row_count;
    execute format('with back as (insert into public.messages (%s)'
        ' overriding system value'
        ' select %s from kiloscale.messages_archive a where a.chat_id = $1'
        ' order by a.created_at, a.id on conflict do nothing returning id)'
        ' delete from kiloscale.messages_archive a using back b'
        ' where a.chat_id = $1 and a.id = b.id', put.cols, put.terms)
        using conversation;
    get diagnostics moved_back_count = row_count;
    perform set_config('kiloscale.moving', '', true);
    select count(*) into stuck
    from kiloscale.messages_archive a where a.chat_id = conversation;
    if stuck > 0 then
        raise warning '% messages of conversation % stay in kiloscale.messages_archive:'
            ' messages has rows with their id or client_msg_id', stuck, conversation;
    end if;
    restored_count := kiloscale.messages_through(
        conversation, found_one.archived_through, found_one.archived_through_id);
    update public.conversations c
    set archived_through = null, archived_through_id = null,
        archive_hold = coalesce(hold, true)
    where c.id = conversation;
    insert into kiloscale.run_log (job, finished_at, rows, batches, detail)
    values ('restore_conversation()', clock_timestamp(), restored_count, 1,
        jsonb_strip_nulls(jsonb_build_object('moved_back', moved_back_count,
            'given_up', nullif(dropped, 0), 'left_in_archive', nullif(stuck, 0))));
    return next;
end
$$;

-- Deletes a batch of what was moved before settings.before, conversation by
-- conversation.
create or replace function kiloscale.hard_delete_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    batch constant integer := (settings ->> 'batch_rows')::integer;
    before constant timestamptz := (settings ->> 'before')::timestamptz;
    one record;
    seen integer := 0;
    n bigint;
begin
    moved := 0;
    notes := jsonb_build_object('months', settings -> 'months', 'moved_before', before);
    for one in
        select k.chat_id from kiloscale.archive_counts k
        where not state ? 'from' or k.chat_id >= (state ->> 'from')::uuid
        order by k.chat_id
        limit 1001
    loop
        seen := seen + 1;
        if moved >= batch or seen > 1000 then
            next := jsonb_build_object('from', one.chat_id);
            return;
        end if;
        with doomed as (
            select a.chat_id, a.created_at, a.id
            from kiloscale.messages_archive a
            where a.chat_id = one.chat_id and a.moved_at < before
            order by a.created_at, a.id
            limit batch - moved
            for update skip locked
        )
        delete from kiloscale.messages_archive a using doomed d
        where a.chat_id = d.chat_id and a.created_at = d.created_at and a.id = d.id;
        get diagnostics n = row_count;
        moved := moved + n;
        if moved >= batch then
            next := jsonb_build_object('from', one.chat_id);  -- it may have more
            return;
        end if;
    end loop;
end
$$;

-- hard_delete_archived_messages() in small committed batches. `moved_before` fixes what
-- goes to what somebody was shown before they agreed.
create or replace procedure kiloscale.run_hard_delete_archived_messages(
    months integer, batch_rows integer default 5000,
    moved_before timestamptz default null
)
language plpgsql as $$
declare
    latest constant timestamptz :=
        pg_catalog.now() - pg_catalog.make_interval(months => months);
begin
    perform kiloscale.require_between('months', months, 6, 1200);
    perform kiloscale.require_between('batch_rows', batch_rows, 1, 100000);
    if moved_before > latest then
        raise exception 'moved_before must be at or before %, got %', latest,
            moved_before using errcode = 'invalid_parameter_value';
    end if;
    call kiloscale.run_steps('hard-delete-archived-messages',
        'kiloscale.hard_delete_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object('months', months, 'batch_rows', batch_rows,
            'before', coalesce(moved_before, latest)));
end
$$;

-- The same by hand, in one transaction.
create or replace function public.hard_delete_archived_messages(months integer)
returns bigint
language plpgsql set search_path = '' as $$
declare
    gone bigint;
begin
    perform kiloscale.require_between('months', months, 6, 1200);
    perform kiloscale.take_job_lock('hard-delete-archived-messages', false);
    delete from kiloscale.messages_archive a
    where a.moved_at < now() - make_interval(months => months);
    get diagnostics gone = row_count;
    insert into kiloscale.run_log (job, finished_at, rows, batches, detail)
    values ('hard_delete_archived_messages()', clock_timestamp(), gone, 1,
        jsonb_build_object('months', months));
    return gone;
end
$$;

create or replace function kiloscale.preview_hard_delete_archived_messages(
    months integer
) returns table (
    moved_before timestamptz, rows_to_delete bigint, conversations bigint,
    oldest_message timestamptz, newest_message timestamptz, archived_rows bigint
)
language plpgsql stable set search_path = '' as $$
begin
    perform kiloscale.require_between('months', months, 6, 1200);
    moved_before := now() - make_interval(months => months);
    select count(*), count(distinct a.chat_id), min(a.created_at), max(a.created_at)
    into rows_to_delete, conversations, oldest_message, newest_message
    from kiloscale.messages_archive a where a.moved_at < moved_before;
    select coalesce(sum(k.moved), 0) into archived_rows
    from kiloscale.archive_counts k;
    return next;
end
$$;

select kiloscale.seal();
