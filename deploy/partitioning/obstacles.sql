-- What stands in the way of converting public.messages: a name, and what was found.
-- Each line of the answer is to be removed first; nothing here is guessed at later.
with messages as (
    select * from pg_class where oid = 'public.messages'::regclass
)
select 'owner', format('messages belongs to %s, and role %s connects',
    pg_get_userbyid(m.relowner), current_user)
from messages m where pg_get_userbyid(m.relowner) <> current_user
union all
select 'kind', 'messages is not an ordinary, logged table'
from messages m where m.relkind <> 'r' or m.relpersistence <> 'p'
union all
select 'inheritance', format('messages inherits from or is inherited by %s',
    case i.inhparent when m.oid then i.inhrelid else i.inhparent end::regclass)
from messages m join pg_inherits i on m.oid in (i.inhparent, i.inhrelid)
union all
select 'primary_key', 'the primary key of messages is not (id)'
from messages m
where not exists (
    select from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid
        and array[a.attnum] = k.conkey
    where k.conrelid = m.oid and k.contype = 'p' and a.attname = 'id')
union all
select 'null_chat', 'messages has rows without chat_id'
from messages m
where exists (select from pg_attribute a where a.attrelid = m.oid
        and a.attname = 'chat_id' and not a.attnotnull)
    and exists (select from public.messages x where x.chat_id is null)
union all
select 'rule', format('rule %s on messages', r.rulename)
from messages m join pg_rewrite r on r.ev_class = m.oid
union all
select 'identity', format('messages.%s is an identity column', a.attname)
from messages m join pg_attribute a on a.attrelid = m.oid and a.attidentity <> ''
union all
select 'row_type', format('%s uses the row type of messages: give it columns of its own',
    pg_describe_object(d.classid, d.objid, d.objsubid))
from messages m
join pg_type t on t.oid = m.reltype
join pg_depend d on d.refclassid = 'pg_type'::regclass
    and d.refobjid in (t.oid, t.typarray) and d.deptype = 'n'
union all
select 'materialized_view', format('materialized view %s reads messages: drop it, and'
    ' make it again afterwards', v.oid::regclass)
from messages m
join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = m.oid
    and d.classid = 'pg_rewrite'::regclass
join pg_rewrite r on r.oid = d.objid
join pg_class v on v.oid = r.ev_class and v.relkind = 'm'
group by v.oid
union all
select 'unique', format('unique index %s is on an expression and lacks chat_id',
    i.indexrelid::regclass)
from messages m join pg_index i on i.indrelid = m.oid
where i.indisunique and 0 = any (i.indkey)
union all
select 'constraint', format('constraint %s of messages is %s', k.conname,
    case when k.contype = 'x' then 'an exclusion constraint'
        when k.condeferrable then 'deferrable' else 'not validated' end)
from messages m join pg_constraint k on k.conrelid = m.oid
where k.contype = 'x' or not k.convalidated
    or k.condeferrable and k.contype in ('p', 'u')
union all
select 'reference', format('foreign key %s of %s: %s', k.conname, k.conrelid::regclass,
    case when k.conrelid = m.oid then 'messages refers to itself'
        when cardinality(k.conkey) > 1 then 'it has more than one column'
        when k.condeferrable then 'it is deferrable'
        when k.confdeltype = 'd' then 'on delete set default is not imitated'
        when a.atttypid <> 'uuid'::regtype then 'its column is no uuid'
        when not k.convalidated then 'it is not validated'
        else 'on update ... is not imitated' end)
from messages m
join pg_constraint k on k.confrelid = m.oid and k.contype = 'f' and k.conparentid = 0
join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
where k.conrelid = m.oid or cardinality(k.conkey) > 1 or k.condeferrable
    or k.confdeltype = 'd' or k.confupdtype <> 'a' or a.atttypid <> 'uuid'::regtype
    or not k.convalidated
union all
select 'trigger', format('row trigger %s has transition tables', t.tgname)
from messages m join pg_trigger t on t.tgrelid = m.oid
where not t.tgisinternal and t.tgtype & 1 = 1
    and (t.tgoldtable is not null or t.tgnewtable is not null)
union all
select 'replica_identity', 'replica identity of messages is an index: make it default'
from messages m where m.relreplident = 'i'
union all
select 'schema', format('role %s may not create in schema %s', current_user, n.nspname)
from pg_namespace n
where n.nspname in ('public', 'kiloscale')
    and not has_schema_privilege(n.oid, 'create')
union all
select 'ownership', format('%s belongs to %s, and has to be made again or altered',
    c.oid::regclass, pg_get_userbyid(c.relowner))
from (
    select d.place::regclass as oid from kiloscale.messages_dependents() d
    where d.kind in ('view', 'policy')
    union select f.child::regclass from kiloscale.references_to_messages() f
) o
join pg_class c on c.oid = o.oid
where not pg_has_role(c.relowner, 'usage')
union all
select 'publication', format('publication %s belongs to %s', b.pubname,
    pg_get_userbyid(b.pubowner))
from pg_publication b
join pg_publication_tables t on t.pubname = b.pubname and t.schemaname = 'public'
    and t.tablename = 'messages'
where not pg_has_role(b.pubowner, 'usage')
union all
select 'index', format('index %s is invalid: it would not be made again',
    i.indexrelid::regclass)
from messages m join pg_index i on i.indrelid = m.oid and not i.indisvalid
