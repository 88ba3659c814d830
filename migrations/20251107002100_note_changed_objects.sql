-- Lets a change of a public image reach the CDN: notes overwritten and deleted objects
-- in the outbox, of which the relay has the CDN forget the copies a minute later.
-- Nothing is watched until kiloscale.watch_objects is called (./bootstrap cdn.watch).
--
-- Phase:     expand (before anybody calls cdn.watch)
-- Locks:     none on an existing table; watch_objects takes SHARE ROW EXCLUSIVE on
--            storage.objects for a moment, and gives up after 3 s
-- Reversal:  select kiloscale.unwatch_objects(); drop function
--            kiloscale.watch_objects, kiloscale.unwatch_objects,
--            kiloscale.note_changed_objects;
-- Follow-up: none

-- One statement may overwrite or delete many. SECURITY DEFINER, because whoever uploads
-- may not read schema kiloscale. The row is due after 60 s, as each of the outbox: until
-- then Supabase's own CDN may still answer with the old object, and a copy that is
-- filled from it would be old as well.
create or replace function kiloscale.note_changed_objects() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    watched constant text[] := string_to_array(tg_argv[0], ',');
begin
    if tg_op = 'DELETE' then
        insert into kiloscale.outbox (topic, key, payload)
        select 'cdn-purge', g.bucket_id,
            jsonb_build_object('bucket', g.bucket_id, 'name', g.name)
        from gone g
        where g.bucket_id = any (watched);
    else
        -- What only its last access or its owner changed in has the same content.
        insert into kiloscale.outbox (topic, key, payload)
        select 'cdn-purge', g.bucket_id,
            jsonb_build_object('bucket', g.bucket_id, 'name', g.name)
        from gone g
        join fresh f on f.id = g.id
        where g.bucket_id = any (watched)
            and (g.bucket_id, g.name, g.metadata)
                is distinct from (f.bucket_id, f.name, f.metadata);
    end if;
    return null;
end
$$;

comment on function kiloscale.note_changed_objects() is
    'Trigger of storage.objects; its argument names the watched buckets, by commas';

-- Watches public buckets, in place of those that were watched before.
create or replace function kiloscale.watch_objects(p_buckets text[]) returns void
language plpgsql set search_path = '' as $$
declare
    bucket text;
    named text;
begin
    if coalesce(array_length(p_buckets, 1), 0) not between 1 and 20 then
        raise exception 'p_buckets must name 1 to 20 buckets, got %',
            coalesce(array_length(p_buckets, 1), 0);
    end if;
    foreach bucket in array p_buckets loop
        if bucket is null or bucket !~ '^[a-z0-9][a-z0-9._-]{0,62}$' then
            raise exception 'p_buckets: % is no name of a bucket', quote_nullable(bucket);
        end if;
    end loop;
    if to_regclass('storage.objects') is null then
        raise exception 'there is no table storage.objects: nothing to watch'
            using hint = 'only a Supabase project has one';
    end if;
    perform set_config('lock_timeout', '3s', true);
    named := array_to_string(p_buckets, ',');
    execute format(
        'create or replace trigger kiloscale_purge_overwritten after update'
        ' on storage.objects referencing old table as gone new table as fresh'
        ' for each statement execute function kiloscale.note_changed_objects(%L)',
        named);
    execute format(
        'create or replace trigger kiloscale_purge_deleted after delete'
        ' on storage.objects referencing old table as gone'
        ' for each statement execute function kiloscale.note_changed_objects(%L)',
        named);
end
$$;

comment on function kiloscale.watch_objects(text[]) is
    'Has changes of the objects of these buckets noted for the CDN';

-- Ends it; what is noted already is still sent.
create or replace function kiloscale.unwatch_objects() returns void
language plpgsql set search_path = '' as $$
begin
    if to_regclass('storage.objects') is null then
        return;
    end if;
    perform set_config('lock_timeout', '3s', true);
    drop trigger if exists kiloscale_purge_overwritten on storage.objects;
    drop trigger if exists kiloscale_purge_deleted on storage.objects;
end
$$;

comment on function kiloscale.unwatch_objects() is
    'Ends what kiloscale.watch_objects began';

select kiloscale.seal();
