"""The statements that give one table what another one has.

Each list is written by the server itself (``pg_get_...def``, ``format``), with an empty
search path, so that every name is qualified.
"""

from collections.abc import Sequence

import psycopg

from deploy.logs.places import Connection

# Arguments: the table that has it, and the name of the one that gets it.
KEYS = """
select format('alter table %%s add constraint %%I %%s', %(target)s, k.conname,
    case when k.contype <> 'p' or exists (
            select from pg_attribute a where a.attrelid = k.conrelid
                and a.attname = 'created_at' and a.attnum = any (k.conkey))
        then pg_get_constraintdef(k.oid)
        else (select format('primary key (%%s, created_at)',
                string_agg(quote_ident(a.attname), ', ' order by n.n))
            from unnest(k.conkey) with ordinality n (attnum, n)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.attnum)
    end)
  from pg_constraint k
 where k.conrelid = %(source)s::regclass and k.contype in ('p', 'u', 'f')
 order by k.contype desc, k.conname
"""
INDEXES = """
select regexp_replace(pg_get_indexdef(i.indexrelid),
    ' ON (ONLY )?' || %(source)s || ' ', ' ON ' || %(target)s || ' ')
  from pg_index i join pg_class x on x.oid = i.indexrelid
 where i.indrelid = %(source)s::regclass and x.relname <> 'kiloscale_next_key'
   and not exists (select from pg_constraint k
        where k.conindid = i.indexrelid and k.conrelid = i.indrelid)
 order by x.relname
"""
TRIGGERS = """
select s.stmt from pg_trigger g
 cross join lateral (values
    (1, regexp_replace(pg_get_triggerdef(g.oid), ' ON ' || %(source)s || ' ',
        ' ON ' || %(target)s || ' ')),
    (2, case g.tgenabled when 'O' then null else format(
        'alter table %%s %%s trigger %%I', %(target)s,
        case g.tgenabled when 'D' then 'disable' when 'R' then 'enable replica'
            else 'enable always' end, g.tgname) end)
 ) s (n, stmt)
 where g.tgrelid = %(source)s::regclass and not g.tgisinternal
   and g.tgname <> 'kiloscale_redirect' and s.stmt is not null
 order by g.tgname, s.n
"""
DROP_TRIGGERS = """
select format('drop trigger %%I on %%s', g.tgname, %(source)s)
  from pg_trigger g
 where g.tgrelid = %(source)s::regclass and not g.tgisinternal and g.tgparentid = 0
 order by g.tgname
"""
POLICIES = """
select s.stmt from (
    select 1 as n, '' as name, format('alter table %%s enable row level security',
        %(target)s) as stmt
      from pg_class c where c.oid = %(source)s::regclass and c.relrowsecurity
    union all
    select 2, '', format('alter table %%s force row level security', %(target)s)
      from pg_class c where c.oid = %(source)s::regclass and c.relforcerowsecurity
    union all
    select 3, p.polname, format('create policy %%I on %%s as %%s for %%s to %%s%%s%%s',
        p.polname, %(target)s,
        case when p.polpermissive then 'permissive' else 'restrictive' end,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert'
            when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        (select string_agg(case r.id when 0 then 'public'
            else quote_ident(pg_get_userbyid(r.id)) end, ', ')
         from unnest(p.polroles) r (id)),
        ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
      from pg_policy p where p.polrelid = %(source)s::regclass
) s order by s.n, s.name
"""
GRANTS = """
select format('grant %%s%%s on %%s to %%s%%s', g.privilege_type, g.col, %(target)s,
    case g.grantee when 0 then 'public'
        else quote_ident(pg_get_userbyid(g.grantee)) end,
    case when g.is_grantable then ' with grant option' else '' end)
  from (
    select x.*, '' as col, c.relowner from pg_class c, aclexplode(c.relacl) x
     where c.oid = %(source)s::regclass
    union all
    select x.*, format(' (%%I)', a.attname), c.relowner
      from pg_class c join pg_attribute a on a.attrelid = c.oid,
        aclexplode(a.attacl) x
     where c.oid = %(source)s::regclass and not a.attisdropped
  ) g
 where g.grantee <> g.relowner
 order by 1
"""
OWNER = """
select format('alter table %%s owner to %%I', %(target)s, pg_get_userbyid(c.relowner))
  from pg_class c
 where c.oid = %(source)s::regclass and pg_get_userbyid(c.relowner) <> current_user
"""
COMMENTS = """
select format('comment on table %%s is %%L', %(target)s,
    obj_description(%(source)s::regclass))
 where obj_description(%(source)s::regclass) is not null
"""
# Read before the tables change places: the text then names whoever has the name. Only
# the views that read the table itself; who reads those views follows them.
VIEWS = """
select distinct format('create or replace view %%s%%s as %%s', v.oid::regclass,
    ' with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))
  from pg_depend d join pg_rewrite r on r.oid = d.objid
  join pg_class v on v.oid = r.ev_class and v.relkind = 'v'
 where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
   and d.refobjid = %(source)s::regclass
"""
PUBLICATIONS = """
select s.stmt from pg_publication_rel l join pg_publication p on p.oid = l.prpubid
 cross join lateral (values
    (1, format('alter publication %%I drop table %%s', p.pubname, %(source)s)),
    (2, format('alter publication %%I add table %%s', p.pubname, %(target)s))
 ) s (n, stmt)
 where l.prrelid = %(source)s::regclass
 order by p.pubname, s.n
"""
# Options of the sequence and where it is; the last value is read under the lock.
IDENTITY = """
select format('alter table %%s alter column %%I drop identity', %(source)s, a.attname),
    format('alter table %%s alter column %%I add generated %%s as identity (sequence'
        ' name %%s increment by %%s minvalue %%s maxvalue %%s start with %%s cache %%s'
        ' %%s)', %(target)s, a.attname,
        case a.attidentity when 'a' then 'always' else 'by default' end,
        %(schema)s || '.' || quote_ident(c.relname), s.seqincrement, s.seqmin, s.seqmax,
        s.seqstart, s.seqcache, case when s.seqcycle then 'cycle' else 'no cycle' end),
    format('select last_value, is_called from %%s', c.oid::regclass),
    %(schema)s || '.' || quote_ident(c.relname)
  from pg_attribute a
  join pg_depend d on d.refobjid = a.attrelid and d.refobjsubid = a.attnum
    and d.classid = 'pg_class'::regclass and d.deptype = 'i'
  join pg_sequence s on s.seqrelid = d.objid
  join pg_class c on c.oid = s.seqrelid
 where a.attrelid = %(source)s::regclass and a.attidentity <> ''
"""
# The sequence of a serial column: it goes with the table that owns it.
SERIALS = """
select format('alter sequence %%s owned by none', c.oid::regclass),
    format('alter sequence %%s owned by %%s.%%I', c.oid::regclass, %(target)s,
        a.attname)
  from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S'
  join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
 where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
   and d.deptype = 'a' and d.refobjid = %(source)s::regclass
"""


def statements(conn: Connection, query: str, source: str, target: str) -> list[str]:
    """Let the server write statements.

    Args:
        conn: A session whose search path is empty.
        query: One of the queries above.
        source: Qualified name of the table that has it.
        target: Qualified name of the table that gets it.
    """
    values = {"source": source, "target": target}
    return [row[0] for row in rows(conn, query, values)]


def rows(conn: Connection, query: str, values: dict[str, str]) -> list[Sequence[str]]:
    """The same where a row holds several statements."""
    # Bound here: the server knows no type for an argument of format().
    found = psycopg.ClientCursor(conn).execute(query.encode(), values).fetchall()
    return [[str(text) for text in row] for row in found]


def run(conn: Connection, texts: Sequence[str]) -> None:
    """Run statements that the server wrote."""
    for text in texts:
        conn.execute(text.encode())
