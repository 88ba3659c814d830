"""Foreign keys, and the indexes by which PostgreSQL finds their rows.

Each delete in the referenced table looks for the rows that point to it. Without an
index it reads the whole table, once for each deleted row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploy.inspection.access import OTHERS, Connection, facts, rows
from deploy.inspection.index_facts import Index

# While triggers stand in for the foreign keys to a partitioned messages, a deleted
# message is looked for in the same columns.
LINKS = """
 union all
select l.name, t.relname, t.relname || '.' || l.name,
       format('%%I.%%I', n.nspname, t.relname), 'public.messages',
       array[a.attnum::int], u.pages, u.rows, array[quote_ident(a.attname)],
       t.relkind = 'p'
  from kiloscale.message_links l
  join pg_class t on t.oid = to_regclass(l.child)
  join pg_namespace n on n.oid = t.relnamespace
  join pg_attribute a on a.attrelid = t.oid and a.attname = l.col
  join table_use u on u.root = t.oid
"""

READ = """
with table_use as (
    select coalesce(pg_partition_root(c.oid), c.oid) as root,
           sum(greatest(c.relpages, 0))::bigint as pages,
           coalesce(sum(greatest(c.reltuples, 0))
               filter (where c.relkind <> 'p'), 0)::bigint as rows
      from pg_class c where c.relkind in ('r', 'p') group by 1
)
select k.conname as name, t.relname as table, t.relname || '.' || k.conname as id,
       format('%%I.%%I', n.nspname, t.relname) as table_name,
       k.confrelid::regclass::text as referenced,
       k.conkey::int[] as columns, u.pages, u.rows,
       array(select quote_ident(a.attname)
               from unnest(k.conkey) with ordinality c (attnum, place)
               join pg_attribute a
                 on a.attrelid = k.conrelid and a.attnum = c.attnum
              order by c.place) as names,
       t.relkind = 'p' as is_partitioned
  from pg_constraint k
  join pg_class t on t.oid = k.conrelid
  join pg_namespace n on n.oid = t.relnamespace
  join table_use u on u.root = t.oid
 where k.contype = 'f' and k.conparentid = 0 and not t.relispartition
   and n.nspname !~ '^pg_' and n.nspname <> all (%(others)s)
"""

SMALL_PAGES = 1_280
"""10 MiB: a table that is read as a whole in some milliseconds."""


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """One foreign key.

    Attributes:
        id: Table and constraint.
        name: Its name.
        table: Name of the referencing table, bare.
        table_name: The same with its schema.
        referenced: The table that it points to.
        columns: Numbers of the referencing columns.
        names: Their names, quoted where need be.
        pages: Pages of the referencing table, 8 kB each.
        rows: Rows of it.
        is_partitioned: Whether that is partitioned.
    """

    id: str
    name: str
    table: str
    table_name: str
    referenced: str
    columns: list[int]
    names: list[str]
    pages: int
    rows: int
    is_partitioned: bool = False

    @property
    def is_small(self) -> bool:
        """Whether reading the whole table costs next to nothing."""
        return self.pages < SMALL_PAGES

    @property
    def build(self) -> str:
        """The statement that makes an index for it."""
        how = "" if self.is_partitioned else "concurrently "
        return f"create index {how}on {self.table_name} ({', '.join(self.names)});"


def read(connection: Connection) -> list[ForeignKey]:
    """Read the foreign keys of the app's schemas and of ours, by table."""
    known = "select to_regclass('kiloscale.message_links') is not null as there"
    links = LINKS if rows(connection, known)[0]["there"] else ""
    query = f"{READ}{links} order by 1, 2"
    return facts(connection, ForeignKey, query, {"others": list(OTHERS)})


def serving(key: ForeignKey, indexes: Iterable[Index]) -> list[Index]:
    """Give the valid indexes that find the rows of a foreign key.

    A partial index does so only if it leaves out nothing but nulls: an equality is
    never true for them.
    """
    return [
        index
        for index in indexes
        if index.table_name == key.table_name
        and index.is_valid
        and index.method in ("btree", "hash")
        and sorted(index.columns[: len(key.columns)]) == sorted(key.columns)
        and _leaves_out_nulls_alone(index.predicate, key.names)
    ]


def _leaves_out_nulls_alone(predicate: str, names: Sequence[str]) -> bool:
    """Whether a predicate holds for every row that a foreign key can match."""
    allowed = {f"{name} IS NOT NULL" for name in names}
    parts = (part.strip("() ") for part in predicate.split(" AND "))
    return not predicate or all(part in allowed for part in parts)
