-- Remembers which images were made smaller and which addresses were replaced, so that it
-- is done once and can be undone; asks for new images of the app's tables.
--
-- Phase:     expand (before compress_image that calls finish_image)
-- Locks:     SHARE ROW EXCLUSIVE on public.user_images, public.image_generation_log and
--            public.profiles for a moment, to add one trigger each (to the first two
--            only if Kiloscale made them); nothing else that exists is touched
-- Reversal:  select kiloscale.restore_image_urls(1000); until it gives 0; then
--            drop trigger kiloscale_compress_images on public.user_images;
--            drop trigger kiloscale_compress_images on public.image_generation_log;
--            drop trigger kiloscale_forget_images on public.profiles;
--            drop function kiloscale.restore_image_urls, kiloscale.finish_image,
--            kiloscale.take_image, kiloscale.ask_for_image, kiloscale.enqueue_image,
--            kiloscale.forget_images, kiloscale.image_tables;
--            drop table kiloscale.image_urls, kiloscale.images;
--            (the smaller objects stay in their buckets; nothing refers to them)
-- Follow-up: where the app made its tables of images, a notice gives the statements that
--            have new rows made smaller there as well

-- What became of an object, once: a second request finds it here.
create table if not exists kiloscale.images (
    bucket text not null,
    path text not null,
    user_id uuid,
    state text not null
        check (state in ('compressed', 'kept', 'refused', 'restored')),
    reason text,
    source_bytes bigint,
    source_etag text,
    width integer,
    height integer,
    frames integer,
    forms jsonb not null default '[]',
    finished_at timestamptz not null default clock_timestamp(),
    primary key (bucket, path),
    -- Deleting a user finds the rows by it.
    unique (user_id, bucket, path)
);

comment on column kiloscale.images.state is
    'compressed: smaller forms are there; kept: nothing was smaller; refused: it is left'
    ' as it is, see reason; restored: the addresses of its rows were put back';
comment on column kiloscale.images.source_etag is
    'Of the original that was read: another one was written over it since, if it differs';
comment on column kiloscale.images.forms is
    'Objects of the same bucket: path, format, bytes, width, height, thumbnail_side';

-- The addresses that were replaced, for the way back.
create table if not exists kiloscale.image_urls (
    table_name text not null
        check (table_name in ('user_images', 'image_generation_log')),
    row_id text not null,
    user_id uuid,
    bucket text not null,
    path text not null,
    old_url text not null,
    old_path text,
    new_url text not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (table_name, row_id),
    unique (user_id, table_name, row_id)
);

-- The app's tables that have addresses: production databases lack some columns.
create or replace function kiloscale.image_tables()
returns table (table_name text, has_path boolean)
language sql stable set search_path = '' as $$
    select c.relname::text, bool_or(a.attname = 'image_path')
    from pg_catalog.pg_class c
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and c.relname in ('user_images', 'image_generation_log')
    group by c.relname
    having count(*) filter (where a.attname in ('id', 'user_id', 'image_url')) = 3
    order by 1
$$;

-- A row with a new address asks for its image. Our own names end in a mark and the hash
-- of the content (functions/compress_image/naming.py) and ask for nothing.
-- SECURITY DEFINER, because the one who inserts may not read schema kiloscale.
create or replace function kiloscale.enqueue_image() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if current_setting('kiloscale.images_quiet', true) = 'on'
        or new.image_url !~ '/storage/v1/object/public/[^/]+/.'
        or new.image_url ~ '\.(\d+w\.)?ks[0-9a-f]{16}\.(webp|avif)$'
    then
        return null;
    end if;
    if tg_op = 'UPDATE' and old.image_url is not distinct from new.image_url then
        return null;
    end if;
    -- The app writes one image to both tables: one of them asks.
    insert into kiloscale.outbox (topic, key, payload, due_at)
    select 'images', coalesce(new.user_id::text, 'images'), jsonb_build_object(
        'user_id', new.user_id, 'image_url', new.image_url), now()
    where not exists (
        select from kiloscale.outbox o
        where o.topic = 'images' and o.dead_at is null
            and o.payload ->> 'image_url' = new.image_url);
    return null;
end
$$;

comment on function kiloscale.enqueue_image is
    'Asks for the image of a row to be made smaller';

-- Asks for an object; gives what is known of it, or queued if that is to be found out.
create or replace function kiloscale.ask_for_image(
    p_bucket text, p_path text, p_user_id uuid, p_request_id text
) returns jsonb
language plpgsql set search_path = '' as $$
declare
    known jsonb;
begin
    perform kiloscale.require_between('length of bucket', length(p_bucket), 1, 100);
    perform kiloscale.require_between('length of path', length(p_path), 1, 1024);
    select jsonb_build_object('state', i.state, 'reason', i.reason, 'forms', i.forms,
        'source_bytes', i.source_bytes) into known
    from kiloscale.images i
    where i.bucket = p_bucket and i.path = p_path;
    if found then
        return known;
    end if;
    insert into kiloscale.outbox (topic, key, payload, due_at)
    select 'images', coalesce(p_user_id::text, 'images'), jsonb_build_object(
        'user_id', p_user_id, 'bucket', p_bucket, 'path', p_path,
        'request_id', p_request_id), now()
    where not exists (
        select from kiloscale.outbox o
        where o.topic = 'images' and o.dead_at is null
            and o.payload ->> 'bucket' = p_bucket and o.payload ->> 'path' = p_path);
    return jsonb_build_object('state', 'queued', 'forms', '[]'::jsonb);
end
$$;

-- Takes a row of the outbox for p_lease_s seconds. Gives NULL if it is gone, is_ours
-- false if another consumer has it.
create or replace function kiloscale.take_image(p_outbox_id bigint, p_lease_s integer)
returns jsonb
language plpgsql set search_path = '' as $$
declare
    work jsonb;
begin
    perform kiloscale.require_between('p_lease_s', p_lease_s, 1, 900);
    update kiloscale.outbox o
    set leased_until = clock_timestamp() + make_interval(secs => p_lease_s)
    where o.id = p_outbox_id and o.topic = 'images'
        and (o.leased_until is null or o.leased_until <= clock_timestamp())
    returning o.payload || '{"is_ours": true}' into work;
    if found then
        return work;
    end if;
    perform from kiloscale.outbox o where o.id = p_outbox_id and o.topic = 'images';
    return case when found then '{"is_ours": false}'::jsonb end;
end
$$;

-- Records what became of an image, has its rows name the smaller form, and deletes the
-- outbox row: all of it or nothing, and the same however often it is called.
--   p_image  bucket, path, user_id, state, reason, source_bytes, source_etag, width,
--            height, frames, forms; a record that is there stays, if its state is not
--            refused and the original is the same; NULL for a row that names no image:
--            it is deleted and that is all
--   p_from, p_to  ends of the addresses, quoted as in them: <bucket>/<path> of the
--            original and of the form; NULL leaves the rows alone
-- Gives the number of rows whose address was replaced.
create or replace function kiloscale.finish_image(
    p_outbox_id bigint, p_image jsonb, p_from text, p_to text
) returns integer
language plpgsql set search_path = '' as $$
declare
    one record;
    owner constant uuid := p_image ->> 'user_id';
    bucket constant text := p_image ->> 'bucket';
    path constant text := p_image ->> 'path';
    plain constant text := substr(p_to, strpos(p_to, '/') + 1);
    replaced integer;
    total integer := 0;
begin
    insert into kiloscale.images as i (bucket, path, user_id, state, reason,
        source_bytes, source_etag, width, height, frames, forms)
    select n.bucket, n.path, n.user_id, n.state, n.reason, n.source_bytes,
        n.source_etag, n.width, n.height, n.frames, coalesce(n.forms, '[]')
    from jsonb_populate_record(null::kiloscale.images, p_image) n
    where p_image is not null
    on conflict on constraint images_pkey do update
    set user_id = coalesce(i.user_id, excluded.user_id), state = excluded.state,
        reason = excluded.reason, source_bytes = excluded.source_bytes,
        source_etag = excluded.source_etag, width = excluded.width, height = excluded.height, frames = excluded.frames,
        forms = excluded.forms, finished_at = clock_timestamp()
    where i.state = 'refused' or i.user_id is null
        or i.state <> 'restored' and i.source_etag <> excluded.source_etag;

    for one in
        select t.table_name, t.has_path
        from kiloscale.image_tables() t
        where p_from is not null and p_to is not null
    loop
        -- By the user where one is known: that is an index. Only whole names: the
        -- address ends with it, but for a query.
        execute format($replace$
            with due as (
                select r.id, r.user_id, r.image_url as old_url, %2$s as old_path
                from public.%1$I r
                where ($1 is null or r.user_id = $1)
                    and right(split_part(r.image_url, '?', 1), length($2) + 26)
                        = '/storage/v1/object/public/' || $2
                for update
            ), changed as (
                update public.%1$I r
                set image_url = left(split_part(d.old_url, '?', 1), -length($2)) || $3
                    %3$s
                from due d
                where r.id = d.id
                returning r.id, r.image_url as new_url
            )
            insert into kiloscale.image_urls (table_name, row_id, user_id, bucket, path,
                old_url, old_path, new_url)
            select %1$L, d.id::text, d.user_id, $4, $5, d.old_url, d.old_path, c.new_url
            from due d
            join changed c on c.id = d.id
            on conflict on constraint image_urls_pkey do update
            set bucket = excluded.bucket, path = excluded.path,
                old_url = excluded.old_url, old_path = excluded.old_path,
                new_url = excluded.new_url, changed_at = clock_timestamp()
        $replace$, one.table_name,
            case when one.has_path then 'r.image_path' else 'null::text' end,
            case when one.has_path then ', image_path = case r.image_path when $5'
                ' then $6 when $4 || ''/'' || $5 then $4 || ''/'' || $6'
                ' else r.image_path end' else '' end)
        using owner, p_from, p_to, bucket, path, p_image ->> 'best_path';
        get diagnostics replaced = row_count;
        total := total + replaced;
    end loop;

    -- Asked for by its name alone, it is whose row names it.
    if owner is null and total > 0 then
        update kiloscale.images i
        set user_id = (select u.user_id from kiloscale.image_urls u
            where u.bucket = i.bucket and u.path = i.path limit 1)
        where i.bucket = p_image ->> 'bucket' and i.path = p_image ->> 'path'
            and i.user_id is null;
    end if;

    delete from kiloscale.outbox o where o.id = p_outbox_id and o.topic = 'images';
    return total;
end
$$;

comment on function kiloscale.finish_image is
    'Records what became of an image and has its rows name the smaller form';

-- Puts replaced addresses back, newest first, at most p_rows of them; what the app has
-- changed since stays. Gives their number: call it until that is 0.
create or replace function kiloscale.restore_image_urls(p_rows integer)
returns integer
language plpgsql set search_path = '' as $$
declare
    one record;
    restored integer := 0;
begin
    perform kiloscale.require_between('p_rows', p_rows, 1, 10000);
    -- The old addresses must not ask to be replaced again.
    perform set_config('kiloscale.images_quiet', 'on', true);
    for one in
        select u.*, t.has_path
        from kiloscale.image_urls u
        join kiloscale.image_tables() t on t.table_name = u.table_name
        order by u.changed_at desc
        limit p_rows
        for update of u skip locked
    loop
        execute format('update public.%I r set image_url = $1%s'
            ' where r.id::text = $2 and r.image_url = $3', one.table_name,
            case when one.has_path then ', image_path = $4' else '' end)
        using one.old_url, one.row_id, one.new_url, one.old_path;
        delete from kiloscale.image_urls u
        where u.table_name = one.table_name and u.row_id = one.row_id;
        update kiloscale.images i
        set state = 'restored', reason = null
        where i.bucket = one.bucket and i.path = one.path and i.state = 'compressed';
        restored := restored + 1;
    end loop;
    perform set_config('kiloscale.images_quiet', 'off', true);
    return restored;
end
$$;

comment on function kiloscale.restore_image_urls is
    'Puts addresses of images back that finish_image replaced';

-- Deleting a user reaches what is known of the user's images.
create or replace function kiloscale.forget_images() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from kiloscale.images i using gone g where i.user_id = g.id;
    delete from kiloscale.image_urls u using gone g where u.user_id = g.id;
    return null;
end
$$;

create or replace trigger kiloscale_forget_images
    after delete on public.profiles referencing old table as gone
    for each statement execute function kiloscale.forget_images();

-- A table of the app is not altered here.
do $$
declare
    one record;
    install text;
begin
    for one in select t.table_name from kiloscale.image_tables() t loop
        install := format('create or replace trigger kiloscale_compress_images'
            ' after insert or update of image_url on public.%I'
            ' for each row when (new.image_url is not null)'
            ' execute function kiloscale.enqueue_image()', one.table_name);
        if obj_description(format('public.%I', one.table_name)::regclass, 'pg_class')
            like 'Made by Kiloscale:%'
        then
            execute install;
        else
            raise notice 'public.% is the app''s own: to have its new images made'
                ' smaller, run: %;', one.table_name, install;
        end if;
    end loop;
end
$$;

select kiloscale.seal();
