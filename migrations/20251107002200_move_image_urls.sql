-- Has the app's rows name their images at the CDN, in small committed batches that can
-- be undone; gives kiloscale.cdn_url(text), the address of an image at the CDN.
--
-- Nothing is changed until ./bootstrap cdn.rewrite-urls calls it. The CDN's domain
-- stands in kiloscale.cdn_settings, which that task writes; without it, cdn_url gives
-- each address as it is.
--
-- Phase:     expand
-- Locks:     SHARE ROW EXCLUSIVE on public.profiles for a moment, to add one trigger; a
--            call takes row locks for a batch
-- Reversal:  ./bootstrap cdn.rewrite-urls --undo; then
--            drop trigger kiloscale_forget_urls on public.profiles;
--            drop procedure kiloscale.rewrite_urls;
--            drop function kiloscale.rewrite_urls_step, kiloscale.undo_urls_page,
--            kiloscale.rewrite_urls_page, kiloscale.count_urls, kiloscale.url_plan,
--            kiloscale.url_shape, kiloscale.move_text, kiloscale.set_cdn,
--            kiloscale.cdn_url, kiloscale.cdn_url_at, kiloscale.canonical_path,
--            kiloscale.percent_bytes, kiloscale.forget_urls;
--            drop table kiloscale.cdn_rewrites, kiloscale.cdn_rewrite_state,
--            kiloscale.cdn_settings;
-- Follow-up: none

-- One row.
create table if not exists kiloscale.cdn_settings (
    is_only boolean primary key default true check (is_only),
    base_url text not null,
    origin_url text not null,
    hosts text[] not null,
    buckets text[] not null,
    is_on boolean not null default true,
    updated_at timestamptz not null default clock_timestamp()
);

comment on column kiloscale.cdn_settings.base_url is
    'Address of the CDN, e.g. https://cdn.example.com';
comment on column kiloscale.cdn_settings.origin_url is
    'Address of the Supabase project, where images are served without the CDN';
comment on column kiloscale.cdn_settings.hosts is
    'Hosts whose addresses are replaced: that of the project, and earlier CDNs';
comment on column kiloscale.cdn_settings.is_on is
    'Whether cdn_url gives addresses of the CDN; else those of the project';

-- What was replaced, for the way back. What a person wrote is not kept twice: where
-- addresses stand inside a text, old_value and new_value are the two bases, and the
-- hashes tell whether the text is still the one that was left and gives the old one.
create table if not exists kiloscale.cdn_rewrites (
    tab text not null,
    col text not null,
    row_key jsonb not null,
    user_id uuid,
    old_value text not null,
    new_value text not null,
    old_hash text,
    new_hash text,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (tab, col, row_key),
    -- Deleting a user finds the rows by it.
    unique (user_id, tab, col, row_key)
);

comment on column kiloscale.cdn_rewrites.row_key is
    'Values of the primary key, as texts';
comment on column kiloscale.cdn_rewrites.old_hash is
    'Of the text before; NULL where the column is one address';

-- How far a run came; the next one goes on from there.
create table if not exists kiloscale.cdn_rewrite_state (
    tab text not null,
    col text not null,
    target text not null check (target in ('cdn', 'origin')),
    settings_hash text not null,
    last_key jsonb,
    looked_at bigint not null default 0,
    changed bigint not null default 0,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    primary key (tab, col, target)
);

-- Decodes percent signs; NULL where one encodes nothing.
create or replace function kiloscale.percent_bytes(p_text text) returns bytea
language sql immutable parallel safe set search_path = '' as $$
    select case
        when p_text !~ '%' then convert_to(p_text, 'UTF8')
        when p_text ~ '%(?![0-9A-Fa-f]{2})' then null
        else (
            select string_agg(case when m.part[1] like '\%%'
                then decode(substr(m.part[1], 2), 'hex')
                else convert_to(m.part[1], 'UTF8') end, ''::bytea order by m.n)
            from regexp_matches(p_text, '%[0-9A-Fa-f]{2}|[^%]+', 'g')
                with ordinality m (part, n))
        end
$$;

-- The one spelling of a path, as the Worker of the CDN gives it; NULL if no object can
-- have it: infra/edge/worker.js, canonicalPath.
create or replace function kiloscale.canonical_path(p_path text) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    canonical text := p_path;
    bytes bytea;
begin
    if p_path !~ '^[A-Za-z0-9;,/:@&=+$_.!~*''()-]*$' then
        -- An encoded slash, or a percent sign that encodes one for whoever decodes
        -- again, could leave the allowed folder.
        if p_path ~* '%(2f|5c|25|[01][0-9a-f]|7f)' or p_path ~ '[\u0001-\u001f\u007f\\]'
        then
            return null;
        end if;
        bytes := kiloscale.percent_bytes(p_path);
        -- Well-formed UTF-8 (Unicode 15, table 3-7), by pairs of digits.
        if bytes is null or encode(bytes, 'hex') !~ ('^([0-7].|(c[2-9a-f]|d.)[89ab].'
            || '|(e0[ab].|e[1-9a-cef][89ab].|ed[89].)[89ab].'
            || '|(f0[9ab].|f[123][89ab].|f48.)([89ab].){2})*$')
        then
            return null;
        end if;
        select string_agg(case when b.code < 128
                and chr(b.code) ~ '[A-Za-z0-9;,/:@&=+$_.!~*''()-]' then chr(b.code)
            else '%' || upper(lpad(to_hex(b.code), 2, '0')) end, '' order by b.n)
        into canonical
        from (
            select i.n, get_byte(bytes, i.n) as code
            from generate_series(0, length(bytes) - 1) i (n)
        ) b;
    end if;
    if canonical || '/' ~ '//|/\.\.?/' then
        return null;
    end if;
    return canonical;
end
$$;

-- The address of a public image at a CDN, as functions/shared/cdn_url.py gives it; any
-- other text as it is: other hosts and buckets, signed addresses, data, downloads.
--   p_base     of the CDN, without a slash at its end
--   p_hosts    whose addresses are replaced; the CDN's own always counts
--   p_buckets  the public buckets that it serves
--   p_version  value of ?v=; NULL for that of the address, if it has one
create or replace function kiloscale.cdn_url_at(
    p_url text, p_base text, p_hosts text[], p_buckets text[],
    p_version text default null
) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    public constant text := '/storage/v1/object/public/';
    place text[];
    host text;
    path text;
    part text;
    name text;
    version text := p_version;
begin
    if p_version !~ '^[A-Za-z0-9._~-]{1,64}$' then
        raise exception 'p_version must be 1 to 64 of A-Z a-z 0-9 . _ ~ -, got %',
            quote_literal(left(p_version, 80))
            using errcode = 'invalid_parameter_value';
    end if;
    -- As supabase-js writes nearly all: nothing encoded, no parameter, and no part that
    -- is empty or begins with a dot. Four times as fast as what follows (measured).
    if p_version is null
        and (split_part(p_url, '/', 3) = any (p_hosts)
            or split_part(p_url, '/', 3) = split_part(p_base, '//', 2))
        and split_part(p_url, '/', 8) = any (p_buckets)
        and starts_with(split_part(p_url, '//', 2),
            split_part(p_url, '/', 3) || public || split_part(p_url, '/', 8) || '/')
        and p_url ~ ('^https?:/(/[A-Za-z0-9_~!$&()*+,;=:@''-]'
            '[A-Za-z0-9._~!$&()*+,;=:@''-]*){8,}$')
    then
        return p_base || substr(p_url, strpos(p_url, public));
    end if;
    if p_url is null or p_url ~ '[\u0001-\u001f\u007f\\]| $' then
        return p_url;
    end if;
    place := regexp_match(p_url,
        '^(?:(https?)://([^/?#]*))?(/[^?#]*)(?:\?([^#]*))?(#.*)?$', 'i');
    if place is null then
        return p_url;
    end if;
    if place[2] is not null then
        host := lower(place[2]);
        host := case when lower(place[1]) = 'https' then regexp_replace(host, ':443$', '')
            else regexp_replace(host, ':80$', '') end;
        if host <> all (p_hosts) and host <> split_part(p_base, '//', 2) then
            return p_url;
        end if;
    end if;
    path := kiloscale.canonical_path(place[3]);
    -- No part of a canonical path is empty: the seventh is the start of the name.
    if path is null or not starts_with(path, public) or split_part(path, '/', 7) = ''
        or split_part(path, '/', 6) <> all (p_buckets)
    then
        return p_url;
    end if;
    if place[4] > '' then
        foreach part in array string_to_array(place[4], '&') loop
            name := encode(kiloscale.percent_bytes(split_part(part, '=', 1)), 'escape');
            if name = 'download' then
                return p_url;
            elsif name = 'v' and version is null then
                -- The first counts, as for the Worker; a strange one is none.
                version := coalesce(substring(encode(kiloscale.percent_bytes(
                    case when part like '%=%' then substr(part, strpos(part, '=') + 1)
                    else '' end), 'escape') from '^[A-Za-z0-9._~-]{1,64}$'), '');
            end if;
        end loop;
    end if;
    return p_base || path || case when version > '' then '?v=' || version else '' end
        || coalesce(place[5], '');
end
$$;

comment on function kiloscale.cdn_url_at is
    'The address of an image at the CDN that is named; immutable, for a generated column';

-- STABLE and not IMMUTABLE, because it reads the settings: an index or a generated
-- column that took it would keep the addresses of an old domain.
create or replace function kiloscale.cdn_url(p_url text, p_version text default null)
returns text
language sql stable parallel safe set search_path = '' as $$
    select coalesce((
        select case when s.is_on
            then kiloscale.cdn_url_at(p_url, s.base_url, s.hosts, s.buckets, p_version)
            else kiloscale.cdn_url_at(p_url, s.origin_url,
                s.hosts || split_part(s.base_url, '//', 2), s.buckets, p_version) end
        from kiloscale.cdn_settings s), p_url)
$$;

comment on function kiloscale.cdn_url is
    'The address of an image at the CDN of kiloscale.cdn_settings; others as they are';

-- Says where the CDN is. Gives whether that changed anything.
create or replace function kiloscale.set_cdn(
    p_base_url text, p_origin_url text, p_hosts text[], p_buckets text[]
) returns boolean
language plpgsql set search_path = '' as $$
declare
    address constant text :=
        '^https?://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$';
    hosts text[];
    bad text;
begin
    if p_base_url !~ address or p_origin_url !~ address or p_base_url is null
        or p_origin_url is null
    then
        raise exception 'p_base_url and p_origin_url must be https://<host> in lower'
            ' case, got % and %', quote_nullable(p_base_url),
            quote_nullable(p_origin_url) using errcode = 'invalid_parameter_value';
    end if;
    select array_agg(distinct h.name order by h.name) into hosts
    from unnest(p_hosts || split_part(p_origin_url, '//', 2)) h (name)
    where h.name <> split_part(p_base_url, '//', 2);
    perform kiloscale.require_between('number of p_hosts', cardinality(hosts), 1, 20);
    perform kiloscale.require_between('number of p_buckets', cardinality(p_buckets), 1,
        20);
    select h.name into bad from unnest(hosts) h (name) where 'https://' || h.name !~ address;
    if found then
        raise exception 'p_hosts: % is no host in lower case', quote_nullable(bad)
            using errcode = 'invalid_parameter_value';
    end if;
    select b.name into bad from unnest(p_buckets) b (name)
    where coalesce(b.name !~ '^[a-z0-9][a-z0-9._-]{0,62}$', true);
    if found then
        raise exception 'p_buckets: % is no name of a bucket', quote_nullable(bad)
            using errcode = 'invalid_parameter_value';
    end if;
    insert into kiloscale.cdn_settings as s (base_url, origin_url, hosts, buckets)
    values (p_base_url, p_origin_url, hosts, p_buckets)
    on conflict on constraint cdn_settings_pkey do update
    set base_url = excluded.base_url, origin_url = excluded.origin_url,
        hosts = excluded.hosts, buckets = excluded.buckets, is_on = true,
        updated_at = clock_timestamp()
    where (s.base_url, s.origin_url, s.hosts, s.buckets, s.is_on) is distinct from
        (excluded.base_url, excluded.origin_url, excluded.hosts, excluded.buckets, true);
    return found;
end
$$;

-- Has the addresses inside a text begin with another base; nothing else is touched, so
-- that the reverse gives the text again. Bases without a slash at their ends.
create or replace function kiloscale.move_text(
    p_text text, p_from text, p_to text, p_buckets text[]
) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    bucket text;
    moved text := p_text;
begin
    foreach bucket in array p_buckets loop
        moved := replace(moved, p_from || '/storage/v1/object/public/' || bucket || '/',
            p_to || '/storage/v1/object/public/' || bucket || '/');
    end loop;
    return moved;
end
$$;

-- An address without what names a person or a file: for counts that are shown.
create or replace function kiloscale.url_shape(p_url text) returns text
language sql immutable parallel safe set search_path = '' as $$
    select substring(p_url from '^https?://[^/?#@]+')
        || coalesce(substring(p_url from '/storage/v1/[a-z/]+/[a-z0-9._-]+/'), '/')
        || '...' || coalesce(lower(substring(split_part(p_url, '?', 1)
            from '\.[A-Za-z0-9]{1,5}$')), '')
        || coalesce(case when p_url like '%?%' then (select '?' || string_agg(coalesce(
                substring(split_part(q.pair, '=', 1) from '^[A-Za-z_]{1,16}$'), '...')
                || '=...', '&' order by q.n)
            from string_to_table(split_part(p_url, '?', 2), '&')
                with ordinality q (pair, n)) end, '')
$$;

-- What is to be known of a column, and the parts of statements on it:
--   rel, col, is_text   qualified name; quoted column; whether it is no JSON
--   keys, above, same   the primary key: its columns; beyond the key $1; the key of a row
--   key, owner          the key of alias r as JSON; the user whose row it is
create or replace function kiloscale.url_plan(p_table text, p_column text) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
    rel regclass;
    kind text;
    plan jsonb;
begin
    if p_table !~ '^[^.]+\.[^.]+$' or p_table is null then
        raise exception 'p_table must be schema.table, got %', quote_nullable(p_table)
            using errcode = 'invalid_parameter_value';
    end if;
    rel := to_regclass(format('%I.%I', split_part(p_table, '.', 1),
        split_part(p_table, '.', 2)));
    if rel is null or not exists (select from pg_catalog.pg_class c
        where c.oid = rel and c.relkind in ('r', 'p')) then
        raise exception 'there is no table %', p_table
            using errcode = 'undefined_table';
    elsif split_part(p_table, '.', 1) ~ '^(pg_.*|information_schema|auth|storage|vault|cron)$'
    then
        raise exception '% is not the app''s: it is left alone', p_table
            using errcode = 'invalid_parameter_value';
    end if;
    select format_type(a.atttypid, null) into kind
    from pg_catalog.pg_attribute a
    where a.attrelid = rel and a.attname = p_column and a.attnum > 0
        and not a.attisdropped and a.attgenerated = '';
    if not found or kind not in ('text', 'character varying', 'json', 'jsonb') then
        raise exception '%.%: there is no such column of type text, varchar, json or'
            ' jsonb that can be written%', p_table, p_column,
            coalesce(', it is ' || kind, '') using errcode = 'undefined_column';
    end if;
    select jsonb_build_object('rel', format('%I.%I', split_part(p_table, '.', 1),
            split_part(p_table, '.', 2)),
        'col', quote_ident(p_column), 'kind', kind,
        'keys', string_agg(format('r.%I', a.attname), ', ' order by k.n),
        'above', format('(%s) > (%s)',
            string_agg(format('r.%I', a.attname), ', ' order by k.n),
            string_agg(format('($1 ->> %s)::%s', k.n - 1,
                format_type(a.atttypid, a.atttypmod)), ', ' order by k.n)),
        'same', string_agg(format('r.%I = (p.row_key ->> %s)::%s', a.attname, k.n - 1,
            format_type(a.atttypid, a.atttypmod)), ' and ' order by k.n),
        'key', format('jsonb_build_array(%s)',
            string_agg(format('r.%I::text', a.attname), ', ' order by k.n)),
        'owner', coalesce((
            select 'r.user_id' from pg_catalog.pg_attribute u
            where u.attrelid = rel and u.attname = 'user_id' and not u.attisdropped
                and u.atttypid = 'uuid'::regtype),
            case when rel = to_regclass('public.profiles') then 'r.id' end,
            'null::uuid'),
        'images', (select t.table_name from kiloscale.image_tables() t
            where p_column = 'image_url'
                and to_regclass('public.' || t.table_name) = rel))
    into plan
    from pg_catalog.pg_index i
    cross join lateral unnest(i.indkey::smallint[]) with ordinality k (attnum, n)
    join pg_catalog.pg_attribute a on a.attrelid = rel and a.attnum = k.attnum
    where i.indrelid = rel and i.indisprimary;
    if plan ->> 'keys' is null then
        raise exception '% has no primary key: its rows cannot be told apart', p_table
            using errcode = 'invalid_table_definition';
    end if;
    return plan;
end
$$;

-- What a column holds, for a look before anything is changed. Reads the whole table.
-- p_target as in kiloscale.rewrite_urls; p_to and p_from are the two bases.
create or replace function kiloscale.count_urls(
    p_table text, p_column text, p_inside boolean, p_target text, p_to text,
    p_from text, p_hosts text[], p_buckets text[]
) returns jsonb
language plpgsql set search_path = '' as $$
declare
    plan constant jsonb := kiloscale.url_plan(p_table, p_column);
    found_all jsonb;
begin
    perform set_config('row_security', 'off', true);  -- an error, not fewer rows
    if p_inside then
        execute format($count$
            select jsonb_build_object('rows', count(*), 'due',
                count(*) filter (where v.new <> v.old and v.back = v.old
                    and not v.saves),
                'left', count(*) filter (where v.new <> v.old
                    and (v.back <> v.old or v.saves)))
            from (
                select r.%2$s::text as old, n.new,
                    kiloscale.move_text(n.new, $1, $2, $3) as back,
                    r.%2$s::text ~ '/object/public/[^\s"<>]*[?&]download' as saves
                from %1$s r
                cross join lateral (
                    select kiloscale.move_text(r.%2$s::text, $2, $1, $3)) n (new)
                where r.%2$s::text like '%%/storage/v1/object/public/%%'
                offset 0
            ) v
        $count$, plan ->> 'rel', plan ->> 'col')
        into found_all using p_to, p_from, p_buckets;
        return found_all;
    end if;
    execute format($count$
        with v as materialized (
            select r.%2$s::text as old,
                kiloscale.cdn_url_at(r.%2$s::text, $1, $2, $3) as new
            from %1$s r where r.%2$s is not null
        ), due as (
            select * from v where v.new <> v.old and v.old ~* '^https?://'
                and not ($4 and starts_with(v.old, $1 || '/'))
        )
        select jsonb_build_object('rows', (select count(*) from v),
            'due', (select count(*) from due),
            'there', (select count(*) from v where v.new = v.old
                and starts_with(v.old, $1 || '/')),
            'paths', (select count(*) from v where v.old like '/%%'),
            'signed', (select count(*) from v where v.old like '%%/object/sign/%%'),
            'lose_parameters', (select count(*) from due
                where due.old like '%%?%%' and due.old !~ '\?v=[A-Za-z0-9._~-]+$'),
            'shapes', (select coalesce(jsonb_object_agg(s.shape, s.n), '{}') from (
                select kiloscale.url_shape(due.old) as shape, count(*) as n from due
                group by 1 order by 2 desc, 1 limit 5) s))
    $count$, plan ->> 'rel', plan ->> 'col')
    into found_all using p_to, p_hosts, p_buckets, p_target = 'origin';
    return found_all;
end
$$;

-- Replaces the addresses of the next p_rows rows behind p_after, in one transaction.
create or replace function kiloscale.rewrite_urls_page(
    plan jsonb, settings jsonb, p_after jsonb, p_rows integer,
    out last_key jsonb, out looked bigint, out changed bigint
)
language plpgsql set search_path = '' as $$
declare
    inside constant boolean := (settings ->> 'inside')::boolean;
    is_back constant boolean := settings ->> 'target' = 'origin';
    hosts constant text[] := array(select jsonb_array_elements_text(settings -> 'hosts'));
    buckets constant text[] :=
        array(select jsonb_array_elements_text(settings -> 'buckets'));
    -- Conditions and values over a text %1$s.
    is_due constant text := case when inside
        then '%1$s like ''%%/storage/v1/object/public/%%'''
            ' and %1$s !~ ''/object/public/[^\s"<>]*[?&]download'''
            ' and kiloscale.move_text(kiloscale.move_text(%1$s, $4, $3, $6), $3, $4, $6)'
            ' = %1$s'
        else '%1$s ~* ''^https?://''' || case when is_back
            then ' and not starts_with(%1$s, $3 || ''/'')' else '' end end;
    moved constant text := case when inside
        then 'kiloscale.move_text(%1$s, $4, $3, $6)'
        else 'kiloscale.cdn_url_at(%1$s, $3, $5, $6)' end;
begin
    -- Each row by its key, also where no statistics of the tables are there yet.
    perform set_config('enable_seqscan', 'off', true);
    perform set_config('enable_hashjoin', 'off', true);
    perform set_config('enable_mergejoin', 'off', true);
    execute format($page$
        with page as materialized (
            select q.*, row_number() over () as n
            from (
                select %5$s as row_key, r.%2$s::text as seen
                from %1$s r where %4$s order by %3$s limit $2
            ) q
        ), wanted as materialized (
            select p.row_key, p.seen, %9$s as new from page p where %8$s
        ), due as materialized (
            select p.row_key, p.seen, p.new as foreseen, r.%2$s::text as old,
                %7$s as owner
            from (select * from wanted w where w.new <> w.seen) p join %1$s r on %6$s
            for no key update of r
        ), fresh as materialized (
            -- The row may have been changed while its lock was waited for.
            select p.row_key, p.old, p.owner,
                case p.old when p.seen then p.foreseen else %11$s end as new
            from due p where p.old = p.seen or (%10$s)
        ), changed as (
            update %1$s r set %2$s = p.new::%12$s
            from fresh p
            where %6$s and p.new <> p.old
            returning p.row_key, p.old, r.%2$s::text as new, p.owner
        ), kept as (
            insert into kiloscale.cdn_rewrites as w (tab, col, row_key, user_id,
                old_value, new_value, old_hash, new_hash)
            select $7, $8, c.row_key, c.owner,
                case when $9 then $4 else c.old end,
                case when $9 then $3 else c.new end,
                case when $9 then md5(c.old) end, case when $9 then md5(c.new) end
            from changed c where not $10
            on conflict on constraint cdn_rewrites_pkey do update
            -- Moved twice, it goes back to where it was first.
            set old_value = case when coalesce(w.new_hash, w.new_value)
                    = coalesce(excluded.old_hash, excluded.old_value)
                    then w.old_value else excluded.old_value end,
                old_hash = case when coalesce(w.new_hash, w.new_value)
                    = coalesce(excluded.old_hash, excluded.old_value)
                    then w.old_hash else excluded.old_hash end,
                new_value = excluded.new_value, new_hash = excluded.new_hash,
                user_id = excluded.user_id, changed_at = clock_timestamp()
        ), forgotten as (
            delete from kiloscale.cdn_rewrites w
            where $10 and w.ctid = any (array(
                select o.ctid from changed c
                cross join lateral (
                    select k.ctid from kiloscale.cdn_rewrites k
                    where k.tab = $7 and k.col = $8 and k.row_key = c.row_key
                    limit 1) o))
        ), forms as (
            -- images.restore compares with what it finds.
            update kiloscale.image_urls u
            set new_url = c.new, old_url = case when $10
                then kiloscale.cdn_url_at(u.old_url, $3, $5, $6) else u.old_url end
            from changed c
            where u.table_name = $11 and u.row_id = c.row_key ->> 0 and u.new_url = c.old
        )
        select (select p.row_key from page p order by p.n desc limit 1),
            (select count(*) from page), (select count(*) from changed)
    $page$, plan ->> 'rel', plan ->> 'col', plan ->> 'keys',
        case when p_after is null then 'true' else plan ->> 'above' end,
        plan ->> 'key', plan ->> 'same', plan ->> 'owner',
        format(is_due, 'p.seen'), format(moved, 'p.seen'),
        format(is_due, 'p.old'), format(moved, 'p.old'), plan ->> 'kind')
    into last_key, looked, changed
    using p_after, p_rows, settings ->> 'to', settings ->> 'from', hosts, buckets,
        settings ->> 'table', settings ->> 'column', inside, is_back, plan ->> 'images';
end
$$;

-- Puts back the next p_rows values that were replaced, where the row still has what was
-- written, or the smaller form of that image. What the app has changed since stays.
create or replace function kiloscale.undo_urls_page(
    plan jsonb, settings jsonb, p_rows integer, out looked bigint, out changed bigint
)
language plpgsql set search_path = '' as $$
begin
    perform set_config('enable_seqscan', 'off', true);
    perform set_config('enable_hashjoin', 'off', true);
    perform set_config('enable_mergejoin', 'off', true);
    execute format($page$
        with page as materialized (
            select w.ctid as place, w.* from kiloscale.cdn_rewrites w
            where w.tab = $1 and w.col = $2
            order by w.row_key limit $3
            for update
        ), due as materialized (
            select p.*, r.%2$s::text as cur
            from page p join %1$s r on %3$s
            for no key update of r
        ), back as materialized (
            select d.*, case
                when d.old_hash is not null then (
                    select t.old from (select kiloscale.move_text(d.cur, d.new_value,
                        d.old_value, $4)) t (old)
                    where md5(d.cur) = d.new_hash and md5(t.old) = d.old_hash)
                when d.cur = d.new_value then d.old_value
                -- compress_image has had the row name a smaller form since.
                when exists (
                    select from kiloscale.image_urls u
                    where u.table_name = $5 and u.row_id = d.row_key ->> 0
                        and u.new_url = d.cur and u.old_url = d.new_value)
                then substring(d.old_value from '^[^/]*//[^/]*')
                    || substring(d.cur from '^[^/]*//[^/]*(.*)$')
                end as back
            from due d
        ), changed as (
            update %1$s r set %2$s = p.back::%4$s
            from back p
            where %3$s and p.back is not null
            returning p.row_key, p.cur, p.back, p.old_value, p.new_value
        ), forms as (
            update kiloscale.image_urls u
            set new_url = c.back, old_url = case u.old_url when c.new_value
                then c.old_value else u.old_url end
            from changed c
            where u.table_name = $5 and u.row_id = c.row_key ->> 0 and u.new_url = c.cur
        ), forgotten as (
            -- By place, as they are locked: a join without statistics may compare each
            -- with each.
            delete from kiloscale.cdn_rewrites w
            where w.ctid = any (array(select p.place from page p))
        )
        select (select count(*) from page), (select count(*) from changed)
    $page$, plan ->> 'rel', plan ->> 'col', plan ->> 'same', plan ->> 'kind')
    into looked, changed
    using settings ->> 'table', settings ->> 'column', p_rows,
        array(select jsonb_array_elements_text(settings -> 'buckets')), plan ->> 'images';
end
$$;

create or replace function kiloscale.rewrite_urls_step(
    state jsonb, settings jsonb, out next jsonb, out moved bigint, out notes jsonb
)
language plpgsql set search_path = '' as $$
declare
    goal constant text := settings ->> 'target';
    batch_rows constant integer := (settings ->> 'batch_rows')::integer;
    plan jsonb := state -> 'plan';
    looked_total bigint := coalesce((state ->> 'looked')::bigint, 0);
    moved_total bigint := coalesce((state ->> 'changed')::bigint, 0);
    hash constant text := md5((settings - 'batch_rows')::text);
    reached jsonb;
    looked bigint;
begin
    perform set_config('lock_timeout', '2s', true);
    perform set_config('row_security', 'off', true);  -- an error, not fewer rows
    -- The old addresses must not ask compress_image once more.
    perform set_config('kiloscale.images_quiet', 'on', true);
    plan := coalesce(plan, kiloscale.url_plan(settings ->> 'table', settings ->> 'column'));
    if goal = 'undo' then
        select p.looked, p.changed into looked, moved
        from kiloscale.undo_urls_page(plan, settings, batch_rows) p;
    else
        insert into kiloscale.cdn_rewrite_state as s (tab, col, target, settings_hash)
        values (settings ->> 'table', settings ->> 'column', goal, hash)
        on conflict on constraint cdn_rewrite_state_pkey do update
        set last_key = null, looked_at = 0, changed = 0, finished_at = null,
            started_at = clock_timestamp(), settings_hash = excluded.settings_hash
        where s.finished_at is not null or s.settings_hash <> excluded.settings_hash;
        select s.last_key into reached
        from kiloscale.cdn_rewrite_state s
        where s.tab = settings ->> 'table' and s.col = settings ->> 'column'
            and s.target = goal
        for update;
        select p.last_key, p.looked, p.changed into reached, looked, moved
        from kiloscale.rewrite_urls_page(plan, settings, reached, batch_rows) p;
        update kiloscale.cdn_rewrite_state s
        set last_key = coalesce(reached, s.last_key),
            looked_at = s.looked_at + looked, changed = s.changed + moved,
            finished_at = case when looked < batch_rows then clock_timestamp() end
        where s.tab = settings ->> 'table' and s.col = settings ->> 'column'
            and s.target = goal
        returning s.looked_at, s.changed into looked_total, moved_total;
    end if;
    if goal = 'undo' then
        looked_total := looked_total + looked;
        moved_total := moved_total + moved;
    end if;
    notes := jsonb_build_object('column', (settings ->> 'table') || '.'
        || (settings ->> 'column'), 'target', goal, 'looked_at', looked_total,
        'changed', moved_total);
    if looked = batch_rows then
        next := jsonb_build_object('plan', plan, 'looked', looked_total,
            'changed', moved_total);
        raise notice '%.%: % rows looked at, % changed', settings ->> 'table',
            settings ->> 'column', looked_total, moved_total;
    end if;
end
$$;

-- Replaces the addresses of a column, batch by batch, from where the last call ended;
-- call it until kiloscale.cdn_rewrite_state.finished_at is set, or, for undo, until
-- kiloscale.cdn_rewrites has no more rows of the column.
--   p_target  cdn: from Supabase to the CDN; undo: exactly what that replaced, where it
--             still is; origin: every address of the CDN, whoever wrote it
--   p_inside  whether the column is a text or JSON that holds addresses
create or replace procedure kiloscale.rewrite_urls(
    p_table text, p_column text, p_target text default 'cdn',
    p_inside boolean default false, batch_rows integer default 1000
)
language plpgsql as $$
declare
    place kiloscale.cdn_settings;
begin
    if p_target is null or p_target not in ('cdn', 'undo', 'origin') then
        raise exception 'p_target must be cdn, undo or origin, got %',
            pg_catalog.quote_nullable(p_target)
            using errcode = 'invalid_parameter_value';
    end if;
    if p_inside is null then
        raise exception 'p_inside must be true or false, got null'
            using errcode = 'invalid_parameter_value';
    end if;
    perform kiloscale.require_between('batch_rows', batch_rows, 1, 10000);
    select s.* into place from kiloscale.cdn_settings s;
    if place.base_url is null then
        raise exception 'kiloscale.cdn_settings has no row: where is the CDN?'
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'call kiloscale.set_cdn first';
    end if;
    call kiloscale.run_steps('cdn.rewrite-urls',
        'kiloscale.rewrite_urls_step(jsonb, jsonb)'::pg_catalog.regprocedure,
        pg_catalog.jsonb_build_object('table', p_table, 'column', p_column,
            'target', p_target, 'inside', p_inside, 'batch_rows', batch_rows,
            'to', case p_target when 'origin' then place.origin_url
                else place.base_url end,
            'from', case p_target when 'origin' then place.base_url
                else place.origin_url end,
            'hosts', pg_catalog.to_jsonb(pg_catalog.array_append(place.hosts,
                pg_catalog.split_part(place.base_url, '//', 2))),
            'buckets', pg_catalog.to_jsonb(place.buckets)));
end
$$;

-- Deleting a user reaches the addresses that were replaced in the user's rows, and in
-- rows of a table that names no user where a folder of the bucket does.
create or replace function kiloscale.forget_urls() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from kiloscale.cdn_rewrites w using gone g where w.user_id = g.id;
    delete from kiloscale.cdn_rewrites w using gone g
    where w.user_id is null and strpos(w.old_value, g.id::text) > 0;
    return null;
end
$$;

create or replace trigger kiloscale_forget_urls
    after delete on public.profiles referencing old table as gone
    for each statement execute function kiloscale.forget_urls();

select kiloscale.seal();
