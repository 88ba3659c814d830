"""Why a table of logs cannot be converted: looked up before anything is changed."""

from deploy.logs.places import LIVE, NEXT, Connection

ALL = """
with t as (
    select c.* from pg_class c where c.oid = %(table)s::regclass
), key as (
    select a.* from pg_attribute a, t
     where a.attrelid = t.oid and a.attname = 'created_at' and not a.attisdropped
), uniques as (
    select i.*, x.relname as name, k.contype, coalesce(k.condeferrable, false) as late,
           exists (select from key where key.attnum = any (
               (i.indkey::smallint[])[0:i.indnkeyatts - 1])) as has_time
      from pg_index i join t on t.oid = i.indrelid
      join pg_class x on x.oid = i.indexrelid
      left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = t.oid
     where x.relname <> 'kiloscale_next_key'
)
select 'it is not a plain table, but of kind ' || relkind::text
  from t where relkind <> 'r'
union all
select 'it is unlogged or temporary' from t where relpersistence <> 'p'
union all
select 'role ' || current_user || ' does not own it' from t
 where not pg_has_role(relowner, 'usage')
union all
select 'it is a typed table (CREATE TABLE ... OF)' from t where reloftype <> 0
union all
select 'it inherits, or is inherited from'
  from t where exists (
    select from pg_inherits i where t.oid in (i.inhrelid, i.inhparent))
union all
select 'it has no column created_at' from t where not exists (select from key)
union all
select 'created_at is ' || format_type(atttypid, atttypmod)
       || ', not timestamp with time zone' from key
 where atttypid <> 'timestamptz'::regtype or attgenerated <> ''
union all
select format('foreign key %%s of %%s points at it: it would have to hold created_at',
           k.conname, k.conrelid::regclass)
  from pg_constraint k, t where k.confrelid = t.oid and k.contype = 'f'
union all
select format('unique index %%s does not hold created_at: a partitioned table cannot'
           ' keep it', name) from uniques
 where indisunique and not indisprimary and (not has_time or indexprs is not null)
union all
select format('constraint %%s is deferrable', name) from uniques where late
union all
select format('exclusion constraint %%s', name) from uniques where contype = 'x'
union all
select format('index %%s is invalid: rebuild or drop it', name) from uniques
 where not indisvalid
union all
select 'it has neither a primary key nor an index that begins with created_at: the'
       ' rows of the old part could not be deleted in slices' from t
 where not exists (select from uniques u where u.indisprimary)
   and not exists (select from uniques u, key
        where u.indkey[0] = key.attnum and u.indpred is null)
union all
select format('constraint %%s is not validated', k.conname)
  from pg_constraint k, t where k.conrelid = t.oid and not k.convalidated
   and k.conname !~ '^kiloscale_before_'
union all
select format('constraint %%s is NO INHERIT', k.conname)
  from pg_constraint k, t
 where k.conrelid = t.oid and k.contype = 'c' and k.connoinherit
union all
select format('trigger %%s is a constraint trigger, or one for each row that reads'
           ' transition tables', g.tgname)
  from pg_trigger g, t
 where g.tgrelid = t.oid and not g.tgisinternal and (g.tgconstraint <> 0
    or g.tgtype & 1 = 1 and (g.tgoldtable is not null or g.tgnewtable is not null))
union all
select format('rule %%s', r.rulename) from pg_rewrite r, t where r.ev_class = t.oid
union all
select 'its replica identity is not the default' from t where relreplident <> 'd'
union all
select format('publication %%s is another role''s, or filters rows or columns',
           p.pubname)
  from pg_publication_rel l join pg_publication p on p.oid = l.prpubid, t
 where l.prrelid = t.oid and (not pg_has_role(p.pubowner, 'usage')
    or l.prqual is not null or l.prattrs is not null)
union all
select distinct format('%%s %%s reads it', case v.relkind when 'm'
           then 'materialized view' else 'another role''s view' end, v.oid::regclass)
  from t join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
    and d.classid = 'pg_rewrite'::regclass
  join pg_rewrite r on r.oid = d.objid and r.ev_class <> t.oid
  join pg_class v on v.oid = r.ev_class
 where v.relkind = 'm' or not pg_has_role(v.relowner, 'usage')
union all
select distinct format('%%s depends on it',
           pg_describe_object(d.classid, d.objid, d.objsubid))
  from t join pg_depend d on d.refobjid = t.oid
    and d.refclassid = 'pg_class'::regclass and d.deptype in ('n', 'a')
 where d.classid not in ('pg_rewrite'::regclass, 'pg_constraint'::regclass,
        'pg_trigger'::regclass, 'pg_attrdef'::regclass, 'pg_policy'::regclass,
        'pg_publication_rel'::regclass, 'pg_statistic_ext'::regclass)
   and not (d.classid = 'pg_class'::regclass and exists (
        select from pg_class s where s.oid = d.objid and s.relkind in ('i', 'S')))
union all
select format('policy %%s of %%s reads it', p.polname, p.polrelid::regclass)
  from t join pg_depend d on d.refobjid = t.oid and d.classid = 'pg_policy'::regclass
  join pg_policy p on p.oid = d.objid and p.polrelid <> t.oid
union all
select distinct format('%%s uses its row type',
           pg_describe_object(d.classid, d.objid, d.objsubid))
  from t join pg_type y on y.oid = t.reltype or y.typelem = t.reltype and t.reltype <> 0
  join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid = y.oid
 where d.deptype = 'n'
"""

COLUMNS = """
select array_agg(row(a.attname, a.atttypid, a.atttypmod, a.attcollation,
           a.attgenerated) order by a.attname)::text
  from pg_attribute a
 where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped
"""

ROWS = f"""
select count(*) filter (where created_at is null) as without_time,
       count(*) filter (where created_at >= %s::timestamptz) as later
  from {LIVE}
"""  # noqa: S608 - constants


def find(conn: Connection) -> list[str]:
    """List what stands in the way, in the order in which it was looked for."""
    rows = conn.execute(ALL.encode(), {"table": LIVE}).fetchall()
    return [str(reason) for (reason,) in rows]


def changed_since(conn: Connection) -> str | None:
    """Say why the prepared table does not fit any more; ``None`` if it does."""
    live, prepared = (
        conn.execute(COLUMNS.encode(), [name]).fetchone() for name in (LIVE, NEXT)
    )
    if live == prepared:
        return None
    return "its columns were changed since the conversion was prepared"


def rows_in_the_way(conn: Connection, boundary: str) -> list[str]:
    """Count the rows that no partition may hold; reads the whole table."""
    row = conn.execute(ROWS.encode(), [boundary]).fetchone()
    without_time, later = row or (0, 0)
    found = []
    if without_time:
        found.append(f"{without_time} row(s) have no created_at")
    if later:
        found.append(f"{later} row(s) are dated {boundary} or later")
    return found
