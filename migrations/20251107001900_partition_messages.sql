-- Adds what converts public.messages to hash partitions on chat_id while the app runs;
-- converts nothing by itself (docs/partitioning.md, ./bootstrap db.partition).
--
-- A partitioned shadow is filled beside the table. From its beginning statement
-- triggers note the keys of whatever changes, and each noted key is read again from the
-- table: the copy may see a row before, during or after a change, the last reading is
-- always the newest. Nobody but the task writes to the shadow, so nobody waits for it.
-- After the swap the same notes keep the old table up to date, until it is dropped.
--
-- Phase:     expand (before ./bootstrap db.partition; functions and empty tables only)
-- Locks:     none on an existing table
-- Reversal:  ./bootstrap db.partition --phase back, then --phase abort, if a conversion
--            has begun; then drop the functions that are named below, and drop table
--            kiloscale.partitioning, kiloscale.message_changes. After --phase finish
--            there is no way back
-- Follow-up: none

create table if not exists kiloscale.partitioning (
    is_only boolean primary key default true check (is_only),
    phase text not null check (phase in (
        'shadowed', 'copying', 'copied', 'verified', 'swapped', 'returned')),
    partitions integer not null,
    source_filenode oid,
    source_blocks bigint not null default 0,
    next_block bigint not null default 0,
    rows_copied bigint not null default 0,
    restarts integer not null default 0,
    detail jsonb not null default '{}',
    started_at timestamptz not null default clock_timestamp(),
    verified_at timestamptz,
    swapped_at timestamptz
);

comment on table kiloscale.partitioning is
    'How far the conversion of messages is; no row while none is under way';
comment on column kiloscale.partitioning.source_filenode is
    'File of messages when the copy began: another one, after VACUUM FULL or TRUNCATE,'
    ' has its rows elsewhere, and the copy begins again';

create table if not exists kiloscale.message_changes (
    seq bigint generated always as identity primary key,
    chat_id uuid,
    id uuid
) with (autovacuum_vacuum_scale_factor = 0.02);

comment on table kiloscale.message_changes is
    'Keys of messages that changed and are to be read again; NULL for TRUNCATE';

create or replace function kiloscale.note_message_changes() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op = 'INSERT' then
        insert into kiloscale.message_changes (chat_id, id)
        select n.chat_id, n.id from changed_new n;
    elsif tg_op = 'UPDATE' then
        insert into kiloscale.message_changes (chat_id, id)
        select o.chat_id, o.id from changed_old o
        union
        select n.chat_id, n.id from changed_new n;
    elsif tg_op = 'DELETE' then
        insert into kiloscale.message_changes (chat_id, id)
        select o.chat_id, o.id from changed_old o;
    else
        insert into kiloscale.message_changes (chat_id, id) values (null, null);
    end if;
    return null;
end
$$;

-- Statement triggers: one insert for a batch of messages. ALWAYS, so that a session
-- with session_replication_role = replica is not missed.
create or replace function kiloscale.watch_messages() returns void
language plpgsql set search_path = '' as $$
begin
    create trigger kiloscale_note_insert after insert on public.messages
        referencing new table as changed_new
        for each statement execute function kiloscale.note_message_changes();
    create trigger kiloscale_note_update after update on public.messages
        referencing old table as changed_old new table as changed_new
        for each statement execute function kiloscale.note_message_changes();
    create trigger kiloscale_note_delete after delete on public.messages
        referencing old table as changed_old
        for each statement execute function kiloscale.note_message_changes();
    create trigger kiloscale_note_truncate after truncate on public.messages
        for each statement execute function kiloscale.note_message_changes();
    alter table public.messages enable always trigger kiloscale_note_insert;
    alter table public.messages enable always trigger kiloscale_note_update;
    alter table public.messages enable always trigger kiloscale_note_delete;
    alter table public.messages enable always trigger kiloscale_note_truncate;
end
$$;

create or replace function kiloscale.unwatch_messages() returns void
language plpgsql set search_path = '' as $$
begin
    drop trigger if exists kiloscale_note_insert on public.messages;
    drop trigger if exists kiloscale_note_update on public.messages;
    drop trigger if exists kiloscale_note_delete on public.messages;
    drop trigger if exists kiloscale_note_truncate on public.messages;
end
$$;

-- The state, locked; raises unless its phase is one of those.
create or replace function kiloscale.partition_state(variadic phases text[])
returns kiloscale.partitioning
language plpgsql set search_path = '' as $$
declare
    job kiloscale.partitioning;
begin
    select * into job from kiloscale.partitioning for update;
    if job.phase is null or job.phase <> all (phases) then
        raise exception 'the conversion of messages is %, this needs %',
            coalesce(job.phase, 'not begun'), array_to_string(phases, ' or ')
            using errcode = 'object_not_in_prerequisite_state',
                hint = './bootstrap db.partition';
    end if;
    return job;
end
$$;

-- The other table: the shadow before the swap, the old table after it.
create or replace function kiloscale.partition_mirror() returns regclass
language sql stable set search_path = '' as $$
    select coalesce(to_regclass('kiloscale.messages_before'),
        to_regclass('kiloscale.messages_shadow'))
$$;

-- The columns to copy, quoted; raises where the two tables differ.
create or replace function kiloscale.partition_columns() returns text
language plpgsql stable set search_path = '' as $$
declare
    mirror constant regclass := kiloscale.partition_mirror();
    differing text;
begin
    select string_agg(coalesce(a.attname, b.attname), ', ') into differing
    from (select * from pg_catalog.pg_attribute
        where attrelid = 'public.messages'::regclass and attnum > 0
            and not attisdropped) a
    full join (select * from pg_catalog.pg_attribute
        where attrelid = mirror and attnum > 0 and not attisdropped) b
        on b.attname = a.attname and b.atttypid = a.atttypid
            and b.atttypmod = a.atttypmod and b.attgenerated = a.attgenerated
    where a.attname is null or b.attname is null;
    if differing is not null then
        raise exception 'columns of public.messages and % differ: %', mirror, differing
            using errcode = 'datatype_mismatch',
                hint = 'The table was altered since the conversion began: abort it and'
                    ' begin again, or undo the change.';
    end if;
    return (
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
        from pg_catalog.pg_attribute a
        where a.attrelid = 'public.messages'::regclass and a.attnum > 0
            and not a.attisdropped and a.attgenerated = '');
end
$$;

-- The indexes of messages as the shadow is to have them. A unique one needs the
-- partition key, which goes to its end; the primary key is made with the shadow.
create or replace function kiloscale.partition_indexes() returns table (
    name text, shadow_name text, is_unique boolean, is_there boolean, statement text
)
language sql stable set search_path = '' as $$
    select c.relname::text, s.shadow_name, i.indisunique,
        to_regclass('kiloscale.' || s.shadow_name) is not null,
        case when i.indisunique and not key.has_chat then
            format('create unique index %I on kiloscale.messages_shadow (%s, chat_id)%s'
                '%s', s.shadow_name, key.cols,
                case when i.indnullsnotdistinct then ' nulls not distinct' else '' end,
                ' where ' || pg_get_expr(i.indpred, i.indrelid))
        else
            format('create %sindex %I on kiloscale.messages_shadow %s',
                case when i.indisunique then 'unique ' else '' end, s.shadow_name,
                substring(pg_get_indexdef(c.oid) from ' (USING .*)$'))
        end
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    cross join lateral (select 'messages_shadow_' || c.oid as shadow_name) s
    cross join lateral (
        select string_agg(quote_ident(a.attname), ', ' order by k.n) as cols,
            coalesce(bool_or(a.attname = 'chat_id'), false) as has_chat
        from unnest(i.indkey::int2[]) with ordinality k (attnum, n)
        join pg_catalog.pg_attribute a
            on a.attrelid = i.indrelid and a.attnum = k.attnum
        where k.n <= i.indnkeyatts
    ) key
    where i.indrelid = 'public.messages'::regclass and i.indisvalid
        and not i.indisprimary
    order by c.relname
$$;

-- Makes the empty shadow. The partitions stand in our schema for good: one in public
-- would be open to anon on Supabase, since the parent's policies do not count for a
-- partition read by name.
create or replace function kiloscale.partition_begin(p_partitions integer)
returns void
language plpgsql set search_path = '' as $$
declare
    options text;
    pk text;
    one record;
    part text;
begin
    perform kiloscale.require_between('partitions', p_partitions, 2, 128);
    select nullif(concat_ws(', ', array_to_string(c.reloptions, ', '),
        (select string_agg('toast.' || o, ', ') from unnest(t.reloptions) o)), '')
    into options
    from pg_catalog.pg_class c
    left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
    where c.oid = 'public.messages'::regclass;
    select k.conname into pk from pg_catalog.pg_constraint k
    where k.conrelid = 'public.messages'::regclass and k.contype = 'p';
    insert into kiloscale.partitioning (phase, partitions, detail)
    values ('shadowed', p_partitions, jsonb_build_object('indexes',
        jsonb_build_object('messages_shadow_pkey', pk)));
    truncate kiloscale.message_changes;
    delete from kiloscale.message_links;

    create table kiloscale.messages_shadow
        (like public.messages including all excluding indexes)
        partition by hash (chat_id);
    -- id first: it is looked up alone too, and the other way round that would read
    -- every partition.
    alter table kiloscale.messages_shadow
        add constraint messages_shadow_pkey primary key (id, chat_id),
        enable row level security;
    for one in
        select a.attname, a.attstattarget, a.attoptions
        from pg_catalog.pg_attribute a
        where a.attrelid = 'public.messages'::regclass and a.attnum > 0
            and not a.attisdropped
    loop
        if one.attstattarget >= 0 then
            execute format('alter table kiloscale.messages_shadow alter column %I'
                ' set statistics %s', one.attname, one.attstattarget);
        end if;
        if one.attoptions is not null then
            execute format('alter table kiloscale.messages_shadow alter column %I'
                ' set (%s)', one.attname, array_to_string(one.attoptions, ', '));
        end if;
    end loop;
    for n in 0..p_partitions - 1 loop
        part := 'messages_p' || lpad(n::text, 3, '0');
        execute format('create table kiloscale.%I partition of'
            ' kiloscale.messages_shadow for values with (modulus %s, remainder %s)%s',
            part, p_partitions, n, ' with (' || options || ')');
        execute format('alter table kiloscale.%I enable row level security', part);
    end loop;
    if (select c.relreplident from pg_catalog.pg_class c
        where c.oid = 'public.messages'::regclass) = 'f' then
        for one in select t.relid from pg_partition_tree('kiloscale.messages_shadow') t
        loop
            execute format('alter table %s replica identity full', one.relid::regclass);
        end loop;
    end if;
    for one in select i.statement from kiloscale.partition_indexes() i where i.is_unique
    loop
        execute one.statement;
    end loop;
end
$$;

-- Begins to note changes. CREATE TRIGGER waits for every writer under way: what is
-- written later is noted, what was written before lies in the blocks counted here.
create or replace function kiloscale.partition_watch(p_lock_ms integer) returns void
language plpgsql set search_path = '' as $$
begin
    perform kiloscale.require_between('lock_ms', p_lock_ms, 1, 60000);
    perform kiloscale.partition_state('shadowed');
    perform set_config('lock_timeout', p_lock_ms || 'ms', true);
    perform kiloscale.watch_messages();
    update kiloscale.partitioning
    set phase = 'copying', next_block = 0,
        source_filenode = pg_relation_filenode('public.messages'),
        source_blocks = pg_relation_size('public.messages')
            / current_setting('block_size')::bigint;
end
$$;

-- Copies the next blocks of messages. Rows that are there already stay: they were read
-- before, and whatever changed since is noted.
create or replace function kiloscale.partition_copy_step(
    p_blocks integer, p_run bigint, out copied bigint, out blocks_left bigint
)
language plpgsql set search_path = '' as $$
declare
    job kiloscale.partitioning;
    file oid;
    cols text;
begin
    perform kiloscale.require_between('blocks', p_blocks, 1, 1000000);
    -- No VACUUM FULL or TRUNCATE between the look at the file and the reading.
    lock table public.messages in access share mode;
    job := kiloscale.partition_state('copying');
    cols := kiloscale.partition_columns();
    file := pg_relation_filenode('public.messages');
    if file <> job.source_filenode then
        update kiloscale.partitioning
        set source_filenode = file, next_block = 0, restarts = restarts + 1,
            source_blocks = pg_relation_size('public.messages')
                / current_setting('block_size')::bigint
        returning * into job;
    end if;
    execute format('insert into kiloscale.messages_shadow (%1$s)'
        ' select %1$s from public.messages m where m.ctid >= %2$L::tid'
        ' and m.ctid < %3$L::tid on conflict do nothing', cols,
        format('(%s,0)', job.next_block),
        format('(%s,0)', least(job.next_block + p_blocks, job.source_blocks)));
    get diagnostics copied = row_count;
    update kiloscale.partitioning
    set next_block = least(next_block + p_blocks, source_blocks),
        rows_copied = rows_copied + copied
    returning source_blocks - next_block into blocks_left;
    update kiloscale.run_log l
    set rows = l.rows + copied, batches = l.batches + 1
    where l.id = p_run;
end
$$;

-- Reads noted keys again, oldest first; gives how many notes it did.
--
-- Each statement sees what was committed before it began, so a note is always older
-- than the reading. A row can be refused as a duplicate: the one that it collides with
-- has changed since, and so the row itself was changed later still and is noted again.
--
-- Deleting a conversation takes its messages out of both tables, and so may wait for us
-- while we wait for it. We give up long before the server looks for a deadlock (1 s),
-- so that it is never somebody else who is ended; the task asks again.
create or replace function kiloscale.partition_apply_step(p_notes integer)
returns integer
language plpgsql set search_path = '' as $$
declare
    mirror constant regclass := kiloscale.partition_mirror();
    chats uuid[];
    ids uuid[];
    done integer;
    cols text;
begin
    perform kiloscale.require_between('notes', p_notes, 1, 1000000);
    perform kiloscale.partition_state('copying', 'copied', 'verified', 'swapped');
    if (select s.setting::integer not between 1 and 100 from pg_catalog.pg_settings s
        where s.name = 'lock_timeout') then
        perform set_config('lock_timeout', '100ms', true);
    end if;
    with note as (
        delete from kiloscale.message_changes c
        where c.seq = any (array(select o.seq from kiloscale.message_changes o
            order by o.seq limit p_notes))
        returning c.chat_id, c.id
    )
    select array_agg(n.chat_id), array_agg(n.id), count(*) into chats, ids, done
    from note n;
    if done = 0 then
        return 0;
    end if;
    cols := kiloscale.partition_columns();
    if array_position(ids, null) is not null then
        execute format('delete from %s', mirror);
    end if;
    execute format('delete from %s t using unnest($1, $2) k (chat_id, id)'
        ' where t.chat_id = k.chat_id and t.id = k.id', mirror) using chats, ids;
    execute format('insert into %1$s (%2$s) select %2$s from public.messages m'
        ' where (m.chat_id, m.id) in (select k.chat_id, k.id'
        ' from unnest($1, $2) k (chat_id, id)) on conflict do nothing', mirror, cols)
        using chats, ids;
    return done;
end
$$;

create or replace function kiloscale.partition_lag() returns bigint
language sql stable set search_path = '' as $$
    select count(*) from kiloscale.message_changes
$$;

-- Adds the foreign keys of messages to each partition, unchecked: an instant under the
-- lock of the tables that they point at. From here on a deleted conversation takes its
-- messages out of the shadow as well.
create or replace function kiloscale.partition_add_keys(p_lock_ms integer)
returns integer
language plpgsql set search_path = '' as $$
declare
    one record;
    added integer := 0;
begin
    perform kiloscale.require_between('lock_ms', p_lock_ms, 1, 60000);
    perform kiloscale.partition_state('copying');
    perform set_config('lock_timeout', p_lock_ms || 'ms', true);
    for one in
        select t.relid as part, k.conname, pg_get_constraintdef(k.oid) as def
        from pg_partition_tree('kiloscale.messages_shadow') t
        join pg_catalog.pg_constraint k
            on k.conrelid = 'public.messages'::regclass and k.contype = 'f'
        where t.isleaf and not exists (select from pg_catalog.pg_constraint p
            where p.conrelid = t.relid and p.conname = k.conname)
        order by k.conname, t.relid
    loop
        execute format('alter table %s add constraint %I %s not valid', one.part,
            one.conname, one.def);
        added := added + 1;
    end loop;
    return added;
end
$$;

-- Adds them to the shadow itself, which adopts those of the partitions and reads no row.
create or replace function kiloscale.partition_join_keys(p_lock_ms integer)
returns void
language plpgsql set search_path = '' as $$
declare
    one record;
begin
    perform kiloscale.require_between('lock_ms', p_lock_ms, 1, 60000);
    perform kiloscale.partition_state('copying');
    perform set_config('lock_timeout', p_lock_ms || 'ms', true);
    for one in
        select k.conname, pg_get_constraintdef(k.oid) as def
        from pg_catalog.pg_constraint k
        where k.conrelid = 'public.messages'::regclass and k.contype = 'f'
            and not exists (select from pg_catalog.pg_constraint p
                where p.conrelid = 'kiloscale.messages_shadow'::regclass
                    and p.conname = k.conname)
    loop
        execute format('alter table kiloscale.messages_shadow add constraint %I %s',
            one.conname, one.def);
    end loop;
end
$$;

-- Compares both tables by ranges of id, except for what is noted and not yet read
-- again. To be called in a REPEATABLE READ transaction: one snapshot for all of it.
--
-- Without sorts: the planner does not know that there are only 256 ranges, and would
-- write the whole table to disk to sort it (6 times slower, measured).
create or replace function kiloscale.partition_compare() returns table (
    id_range text, rows_here bigint, rows_there bigint, is_equal boolean
)
language plpgsql stable
set search_path = ''
set enable_sort = off
as $$
declare
    cols constant text := kiloscale.partition_columns();
    line text := format('hash_record_extended(row(%s), 0)', cols);
    side constant text := 'select get_byte(uuid_send(m.id), 0) as part, count(*) as n,'
        ' sum(m.line) as total, bit_xor(m.line) as mix'
        ' from (select m.id, %1$s as line from %2$s m where not exists'
        ' (select from pending p where p.id = m.id)) m group by 1';
begin
    if exists (select from kiloscale.message_changes c where c.id is null) then
        raise exception 'messages was truncated and that is not applied yet'
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'Run the same command again.';
    end if;
    begin
        execute format('select %s from public.messages m limit 1', line);
    exception when undefined_function then
        -- A column whose type has no hash, like json: three times slower.
        line := format('hashtextextended(row(%s)::text, 0)', cols);
    end;
    return query execute 'with pending as materialized ('
        'select distinct c.id from kiloscale.message_changes c), here as ('
        || format(side, line, 'public.messages') || '), there as ('
        || format(side, line, kiloscale.partition_mirror())
        || ') select lpad(to_hex(coalesce(h.part, t.part)), 2, ''0''),'
        ' coalesce(h.n, 0), coalesce(t.n, 0),'
        ' (h.n, h.total, h.mix) is not distinct from (t.n, t.total, t.mix)'
        ' from here h full join there t on t.part = h.part';
end
$$;

-- Statements that bind again, by name, what is bound to messages by its number: views,
-- functions with a parsed body, policies of other tables, publications. Read before the
-- rename, run after it.
create or replace function kiloscale.messages_dependents() returns table (
    kind text, place text, statement text
)
language sql stable set search_path = '' as $$
    select distinct 'view', v.oid::regclass::text, format(
        'create or replace view %s%s as %s', v.oid::regclass,
        ' with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))
    from pg_catalog.pg_depend d
    join pg_catalog.pg_rewrite r on r.oid = d.objid
    join pg_catalog.pg_class v on v.oid = r.ev_class and v.relkind = 'v'
    where d.classid = 'pg_catalog.pg_rewrite'::regclass
        and d.refclassid = 'pg_catalog.pg_class'::regclass
        and d.refobjid = 'public.messages'::regclass
    union all
    select distinct 'routine', d.objid::regprocedure::text, pg_get_functiondef(d.objid)
    from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_proc'::regclass
        and d.refclassid = 'pg_catalog.pg_class'::regclass
        and d.refobjid = 'public.messages'::regclass
    union all
    select distinct 'policy', p.polrelid::regclass::text, format(
        'alter policy %I on %s%s%s', p.polname, p.polrelid::regclass,
        ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    from pg_catalog.pg_depend d
    join pg_catalog.pg_policy p on p.oid = d.objid
        and p.polrelid <> 'public.messages'::regclass
    where d.classid = 'pg_catalog.pg_policy'::regclass
        and d.refclassid = 'pg_catalog.pg_class'::regclass
        and d.refobjid = 'public.messages'::regclass
    union all
    select 'publication', b.pubname, format(
        'alter publication %I add table public.messages%s%s', b.pubname,
        (select ' (' || string_agg(quote_ident(a.attname), ', ') || ')'
         from pg_catalog.pg_attribute a
         where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)),
        ' where (' || pg_get_expr(r.prqual, r.prrelid) || ')')
    from pg_catalog.pg_publication_rel r
    join pg_catalog.pg_publication b on b.oid = r.prpubid
    where r.prrelid = 'public.messages'::regclass
$$;

-- Statements that give another table of this name what messages has: grants, comment,
-- row-level security, policies, triggers, sequences.
create or replace function kiloscale.messages_belongings() returns table (
    kind text, statement text
)
language sql stable set search_path = '' as $$
    select 'grant', format('grant %s on public.messages to %s%s', g.privilege_type,
        case when g.grantee = 0 then 'public' else g.grantee::regrole::text end,
        case when g.is_grantable then ' with grant option' else '' end)
    from pg_catalog.pg_class c, aclexplode(c.relacl) g
    where c.oid = 'public.messages'::regclass and g.grantee <> c.relowner
    union all
    select 'grant', format('grant %s (%I) on public.messages to %s%s', g.privilege_type,
        a.attname, case when g.grantee = 0 then 'public'
            else g.grantee::regrole::text end,
        case when g.is_grantable then ' with grant option' else '' end)
    from pg_catalog.pg_attribute a, aclexplode(a.attacl) g
    where a.attrelid = 'public.messages'::regclass and a.attnum > 0
    union all
    select 'security', format('alter table public.messages %s row level security,'
        ' %s row level security',
        case when c.relrowsecurity then 'enable' else 'disable' end,
        case when c.relforcerowsecurity then 'force' else 'no force' end)
    from pg_catalog.pg_class c where c.oid = 'public.messages'::regclass
    union all
    select 'comment', format('comment on table public.messages is %L',
        obj_description('public.messages'::regclass, 'pg_class'))
    where obj_description('public.messages'::regclass, 'pg_class') is not null
    union all
    select 'policy', format(
        'create policy %I on public.messages as %s for %s to %s%s%s', p.polname,
        case when p.polpermissive then 'permissive' else 'restrictive' end,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert'
            when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        (select string_agg(case when x.role = 0 then 'public'
            else x.role::regrole::text end, ', ') from unnest(p.polroles) x (role)),
        ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    from pg_catalog.pg_policy p where p.polrelid = 'public.messages'::regclass
    union all
    select 'trigger', pg_get_triggerdef(t.oid) || ';' || case t.tgenabled
        when 'O' then '' else format('alter table public.messages %s trigger %I',
            case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica'
                else 'enable always' end, t.tgname) end
    from pg_catalog.pg_trigger t
    where t.tgrelid = 'public.messages'::regclass and not t.tgisinternal
        and t.tgname !~ '^kiloscale_(note|unlink)_'
    union all
    select 'sequence', format('alter sequence %s owned by public.messages.%I',
        s.oid::regclass, a.attname)
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_catalog.pg_attribute a
        on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'a'
        and d.refobjid = 'public.messages'::regclass
$$;

-- ON DELETE of the foreign keys that pointed at messages(id). A partitioned table cannot
-- be their target: its key has the partition column, which they do not have.
create or replace function kiloscale.unlink_messages() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    one record;
    n bigint;
begin
    for one in select * from kiloscale.message_links r order by r.child, r.name
    loop
        case one.action
        when 'n' then
            execute format('update %s r set %2$I = null from gone g where r.%2$I = g.id',
                one.child, one.col);
        when 'c' then
            execute format('delete from %s r using gone g where r.%I = g.id',
                one.child, one.col);
        else
            execute format('select count(*) from %s r join gone g on r.%I = g.id',
                one.child, one.col) into n;
            if n > 0 then
                raise exception 'delete on table messages violates % of table %:'
                    ' % row(s) refer to it', one.name, one.child, n
                    using errcode = 'foreign_key_violation';
            end if;
        end case;
    end loop;
    return null;
end
$$;

-- The other side: what refers to a message refers to one that exists, and keeps it from
-- being deleted meanwhile.
create or replace function kiloscale.check_message_reference() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    message uuid;
begin
    execute format('select ($1).%I', tg_argv[0]) using new into message;
    if message is null then
        return null;
    end if;
    perform from public.messages m where m.id = message for key share;
    if not found then
        raise exception '%.% refers to a message that does not exist', tg_table_name,
            tg_argv[0] using errcode = 'foreign_key_violation',
            detail = format('Key (%s)=(%s) is not present in table "messages".',
                tg_argv[0], message);
    end if;
    return null;
end
$$;

-- Tables and columns that refer to messages.
create or replace function kiloscale.references_to_messages() returns table (
    child text, col text
)
language sql stable set search_path = '' as $$
    select f.tab::text, f.names[1]::text from kiloscale.message_references() f
$$;

-- Locks all that a swap changes; gives the moment from which writers of messages wait.
-- Messages comes last: whoever reads it through a view holds the view first.
create or replace function kiloscale.partition_lock(p_lock_ms integer)
returns timestamptz
language plpgsql set search_path = '' as $$
declare
    one record;
    began timestamptz;
begin
    perform set_config('lock_timeout', p_lock_ms || 'ms', true);
    for one in
        select f.child as rel from kiloscale.references_to_messages() f
        union
        select d.place from kiloscale.messages_dependents() d where d.kind = 'policy'
        order by 1
    loop
        execute format('lock table %s in access exclusive mode', one.rel);
    end loop;
    for one in
        select d.place as rel, pg_get_userbyid(c.relowner) as owner
        from kiloscale.messages_dependents() d
        join pg_catalog.pg_class c on c.oid = d.place::regclass
        where d.kind = 'view' order by 1
    loop
        -- LOCK TABLE on a view would lock all tables below it.
        execute format('alter view %s owner to %I', one.rel, one.owner);
    end loop;
    began := clock_timestamp();
    lock table public.messages in access exclusive mode;
    return began;
end
$$;

-- Reads the last notes under the lock; raises where they are too many for a moment.
create or replace function kiloscale.partition_drain(p_notes_max integer)
returns integer
language plpgsql set search_path = '' as $$
declare
    lag constant bigint := kiloscale.partition_lag();
begin
    if lag > p_notes_max then
        raise exception '% changes are not applied yet, at most % are under the lock',
            lag, p_notes_max using errcode = 'KS002';
    end if;
    while kiloscale.partition_apply_step(1000) > 0 loop
    end loop;
    return lag;
end
$$;

create or replace function kiloscale.partition_check_hold(
    began timestamptz, p_hold_ms integer
) returns numeric
language plpgsql set search_path = '' as $$
declare
    held constant numeric :=
        round(extract(epoch from clock_timestamp() - began) * 1000, 1);
begin
    if held > p_hold_ms then
        raise exception 'writers waited % ms, at most % are allowed: taken back', held,
            p_hold_ms using errcode = 'KS003';
    end if;
    return held;
end
$$;

-- Puts the shadow in the place of messages: one transaction, whose locks last
-- milliseconds, or nothing at all. Gives what it did and how long writers waited.
create or replace function kiloscale.partition_swap(
    p_lock_ms integer, p_hold_ms integer, p_notes_max integer,
    p_is_rehearsal boolean default false
) returns jsonb
language plpgsql set search_path = '' as $$
declare
    job kiloscale.partitioning;
    began timestamptz;
    drained integer;
    held numeric;
    one record;
    missing text;
    dependents text[];
    published text[];
    belongings text[];
    via_root text[];
    names jsonb;
begin
    perform kiloscale.require_between('lock_ms', p_lock_ms, 1, 60000);
    perform kiloscale.require_between('hold_ms', p_hold_ms, 1, 60000);
    perform kiloscale.require_between('notes_max', p_notes_max, 0, 100000);
    set constraints all immediate;
    began := kiloscale.partition_lock(p_lock_ms);
    job := kiloscale.partition_state('verified');
    if not p_is_rehearsal then
        drained := kiloscale.partition_drain(p_notes_max);
    end if;
    perform kiloscale.partition_columns();

    select jsonb_object_agg(i.shadow_name, i.name)
        || jsonb_build_object('messages_shadow_pkey',
            job.detail -> 'indexes' -> 'messages_shadow_pkey'),
        string_agg(i.name, ', ') filter (where not i.is_there)
    into names, missing
    from kiloscale.partition_indexes() i;
    names := coalesce(names, job.detail -> 'indexes');
    select concat_ws(', ', missing, string_agg(k.conname, ', ')) into missing
    from pg_catalog.pg_constraint k
    where k.conrelid = 'public.messages'::regclass and k.contype in ('f', 'c')
        and not exists (select from pg_catalog.pg_constraint p
            where p.conrelid = 'kiloscale.messages_shadow'::regclass
                and p.conname = k.conname);
    if missing <> '' and not p_is_rehearsal then
        raise exception 'the shadow lacks: %', missing
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'It was made since: ./bootstrap db.partition --phase copy';
    end if;

    select array_agg(d.statement order by d.kind, d.place)
            filter (where d.kind <> 'publication'),
        array_agg(d.statement) filter (where d.kind = 'publication')
    into dependents, published
    from kiloscale.messages_dependents() d;
    select array_agg(b.statement order by b.kind = 'trigger', b.statement)
    into belongings from kiloscale.messages_belongings() b;
    select coalesce(array_agg(b.pubname::text), '{}') into via_root
    from pg_catalog.pg_publication b
    where not b.pubviaroot and exists (select from pg_catalog.pg_publication_tables t
        where t.pubname = b.pubname and t.schemaname = 'public'
            and t.tablename = 'messages');

    perform kiloscale.unwatch_messages();
    for one in
        select k.conrelid::regclass::text as child, k.conname::text as name,
            a.attname::text as col, k.confdeltype as action,
            pg_get_constraintdef(k.oid) as definition
        from pg_catalog.pg_constraint k
        join pg_catalog.pg_attribute a
            on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
        where k.contype = 'f' and k.confrelid = 'public.messages'::regclass
            and k.conparentid = 0
    loop
        insert into kiloscale.message_links
        values (one.child, one.name, one.col, one.action, one.definition);
        execute format('alter table %s drop constraint %I', one.child, one.name);
        execute format('create trigger %I after insert or update of %I on %s'
            ' for each row execute function kiloscale.check_message_reference(%L)',
            'kiloscale_check_' || one.col, one.col, one.child, one.col);
    end loop;

    update kiloscale.partitioning p
    set phase = 'swapped', swapped_at = clock_timestamp(),
        detail = job.detail || jsonb_build_object('indexes', names, 'via_root', via_root,
            'is_forced', (select c.relforcerowsecurity from pg_catalog.pg_class c
                where c.oid = 'public.messages'::regclass),
            'triggers', (select coalesce(jsonb_object_agg(t.tgname, t.tgenabled), '{}')
                from pg_catalog.pg_trigger t
                where t.tgrelid = 'public.messages'::regclass and not t.tgisinternal));

    -- The old table: its triggers are not to fire again for what is applied to it.
    alter table public.messages rename to messages_before;
    alter table public.messages_before set schema kiloscale;
    alter table kiloscale.messages_before disable trigger user,
        no force row level security;
    for one in
        select distinct case when g.grantee = 0 then 'public'
            else g.grantee::regrole::text end as who
        from pg_catalog.pg_class c, aclexplode(c.relacl) g
        where c.oid = 'kiloscale.messages_before'::regclass
            and g.grantee <> c.relowner
    loop
        execute format('revoke all on kiloscale.messages_before from %s', one.who);
    end loop;

    alter table kiloscale.messages_shadow set schema public;
    alter table public.messages_shadow rename to messages;
    for one in select n.key, n.value from jsonb_each_text(names) n
        where to_regclass('public.' || n.key) is not null
    loop
        execute format('alter index public.%I rename to %I', one.key, one.value);
    end loop;
    for n in 1..coalesce(cardinality(belongings), 0) loop
        execute belongings[n];
    end loop;
    create trigger kiloscale_unlink_messages after delete on public.messages
        referencing old table as gone
        for each statement execute function kiloscale.unlink_messages();
    perform kiloscale.watch_messages();
    for n in 1..coalesce(cardinality(dependents), 0) loop
        execute dependents[n];
    end loop;
    foreach missing in array via_root loop
        execute format('alter publication %I set (publish_via_partition_root = true)',
            missing);
    end loop;
    for one in
        select b.pubname from pg_catalog.pg_publication_rel r
        join pg_catalog.pg_publication b on b.oid = r.prpubid
        where r.prrelid = 'kiloscale.messages_before'::regclass
    loop
        execute format('alter publication %I drop table kiloscale.messages_before',
            one.pubname);
    end loop;
    for n in 1..coalesce(cardinality(published), 0) loop
        execute published[n];
    end loop;

    insert into kiloscale.run_log (job, finished_at, rows, batches, detail)
    values ('partition_swap()', clock_timestamp(), coalesce(drained, 0), 1,
        jsonb_build_object('partitions', job.partitions));
    held := kiloscale.partition_check_hold(began, p_hold_ms);
    return jsonb_build_object('held_ms', held, 'drained', drained,
        'rebound', coalesce(cardinality(dependents), 0),
        'belongings', coalesce(cardinality(belongings), 0),
        'publications', coalesce(cardinality(published), 0),
        'references', (select count(*) from kiloscale.message_links));
end
$$;

-- Swaps with the empty shadow and takes it back at once: whatever would refuse to be
-- made again on partitions refuses before anything is copied.
create or replace function kiloscale.partition_rehearse(
    p_lock_ms integer, p_hold_ms integer
) returns jsonb
language plpgsql set search_path = '' as $$
declare
    told jsonb;
begin
    perform kiloscale.partition_state('copying');
    begin
        update kiloscale.partitioning set phase = 'verified';
        told := kiloscale.partition_swap(p_lock_ms, p_hold_ms, 0, true);
        -- Not KS000: a code that ends in 000 catches its whole class.
        raise exception using errcode = 'KS001';
    exception when sqlstate 'KS001' then
        return told;
    end;
end
$$;

-- The way back: the old table, kept up to date by the notes, takes its place again.
create or replace function kiloscale.partition_return(
    p_lock_ms integer, p_hold_ms integer, p_notes_max integer
) returns jsonb
language plpgsql set search_path = '' as $$
declare
    job kiloscale.partitioning;
    began timestamptz;
    drained integer;
    held numeric;
    one record;
    dependents text[];
    published text[];
    belongings text[];
    mode text;
begin
    perform kiloscale.require_between('lock_ms', p_lock_ms, 1, 60000);
    perform kiloscale.require_between('hold_ms', p_hold_ms, 1, 60000);
    perform kiloscale.require_between('notes_max', p_notes_max, 0, 100000);
    set constraints all immediate;
    began := kiloscale.partition_lock(p_lock_ms);
    job := kiloscale.partition_state('swapped');
    drained := kiloscale.partition_drain(p_notes_max);
    perform kiloscale.partition_columns();
    select array_agg(d.statement order by d.kind, d.place)
            filter (where d.kind <> 'publication'),
        array_agg(d.statement) filter (where d.kind = 'publication')
    into dependents, published
    from kiloscale.messages_dependents() d;
    -- Policies and triggers of its own the old table has kept.
    select array_agg(b.statement) into belongings
    from kiloscale.messages_belongings() b where b.kind in ('grant', 'sequence');

    perform kiloscale.unwatch_messages();
    drop trigger kiloscale_unlink_messages on public.messages;
    for one in select n.key, n.value from jsonb_each_text(job.detail -> 'indexes') n
        where to_regclass('public.' || quote_ident(n.value)) is not null
    loop
        execute format('alter index public.%I rename to %I', one.value, one.key);
    end loop;
    alter table public.messages rename to messages_shadow;
    alter table public.messages_shadow set schema kiloscale;
    alter table kiloscale.messages_shadow disable trigger user;
    alter table kiloscale.messages_before set schema public;
    alter table public.messages_before rename to messages;
    for one in
        select t.key, t.value from jsonb_each_text(job.detail -> 'triggers') t
    loop
        mode := case one.value when 'D' then null when 'R' then 'enable replica'
            when 'A' then 'enable always' else 'enable' end;
        if mode is not null and exists (select from pg_catalog.pg_trigger t
            where t.tgrelid = 'public.messages'::regclass and t.tgname = one.key) then
            execute format('alter table public.messages %s trigger %I', mode, one.key);
        end if;
    end loop;
    if (job.detail ->> 'is_forced')::boolean then
        alter table public.messages force row level security;
    end if;
    for n in 1..coalesce(cardinality(belongings), 0) loop
        execute belongings[n];
    end loop;
    for n in 1..coalesce(cardinality(dependents), 0) loop
        execute dependents[n];
    end loop;
    for one in
        select b.pubname from pg_catalog.pg_publication_rel r
        join pg_catalog.pg_publication b on b.oid = r.prpubid
        where r.prrelid = 'kiloscale.messages_shadow'::regclass
    loop
        execute format('alter publication %I drop table kiloscale.messages_shadow',
            one.pubname);
    end loop;
    for n in 1..coalesce(cardinality(published), 0) loop
        execute published[n];
    end loop;
    for one in select v.name from jsonb_array_elements_text(job.detail -> 'via_root')
        v (name)
    loop
        execute format('alter publication %I set (publish_via_partition_root = false)',
            one.name);
    end loop;
    -- Unchecked, an instant; the task checks them afterwards, without a lock that stops
    -- anybody. The triggers have kept them true meanwhile.
    for one in select * from kiloscale.message_links loop
        execute format('drop trigger %I on %s', 'kiloscale_check_' || one.col,
            one.child);
        execute format('alter table %s add constraint %I %s not valid', one.child,
            one.name, one.definition);
    end loop;
    delete from kiloscale.message_links;
    update kiloscale.partitioning set phase = 'returned', swapped_at = null;
    insert into kiloscale.run_log (job, finished_at, rows, batches, detail)
    values ('partition_return()', clock_timestamp(), drained, 1, '{}');
    held := kiloscale.partition_check_hold(began, p_hold_ms);
    return jsonb_build_object('held_ms', held, 'drained', drained);
end
$$;

-- Takes down one table that is no longer needed, in two short transactions: first its
-- foreign keys, whose removal locks the tables that they point at, then the table.
create or replace function kiloscale.partition_loosen(p_lock_ms integer)
returns integer
language plpgsql set search_path = '' as $$
declare
    mirror constant regclass := kiloscale.partition_mirror();
    one record;
    dropped integer := 0;
begin
    perform kiloscale.require_between('lock_ms', p_lock_ms, 1, 60000);
    perform set_config('lock_timeout', p_lock_ms || 'ms', true);
    if to_regclass('kiloscale.messages_before') is null then
        perform kiloscale.unwatch_messages();
    end if;
    for one in
        select k.conrelid::regclass as rel, k.conname
        from pg_catalog.pg_constraint k
        where k.contype = 'f' and k.conparentid = 0 and (k.conrelid = mirror
            or k.conrelid in (select t.relid from pg_partition_tree(mirror) t))
    loop
        execute format('alter table %s drop constraint %I', one.rel, one.conname);
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$;

-- Gives up a conversion before its swap, or clears away after the way back.
create or replace function kiloscale.partition_abort(p_lock_ms integer) returns void
language plpgsql set search_path = '' as $$
begin
    perform kiloscale.require_between('lock_ms', p_lock_ms, 1, 60000);
    perform kiloscale.partition_state(
        'shadowed', 'copying', 'copied', 'verified', 'returned');
    perform set_config('lock_timeout', p_lock_ms || 'ms', true);
    perform kiloscale.unwatch_messages();
    drop table if exists kiloscale.messages_shadow;
    delete from kiloscale.partitioning;
    truncate kiloscale.message_changes;
    insert into kiloscale.run_log (job, finished_at, batches)
    values ('partition_abort()', clock_timestamp(), 1);
end
$$;

-- Ends a conversion for good: drops the old table and what kept it up to date.
create or replace function kiloscale.partition_finish(p_lock_ms integer) returns void
language plpgsql set search_path = '' as $$
begin
    perform kiloscale.require_between('lock_ms', p_lock_ms, 1, 60000);
    perform kiloscale.partition_state('swapped');
    perform set_config('lock_timeout', p_lock_ms || 'ms', true);
    perform kiloscale.unwatch_messages();
    drop table kiloscale.messages_before;
    delete from kiloscale.partitioning;
    truncate kiloscale.message_changes;
    insert into kiloscale.run_log (job, finished_at, batches)
    values ('partition_finish()', clock_timestamp(), 1);
end
$$;

select kiloscale.seal();
