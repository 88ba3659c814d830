"""The indexes as the catalog and the statistics have them; a partitioned one once."""

from dataclasses import dataclass, field
from datetime import datetime

from deploy.inspection.access import OTHERS, Connection, facts

# Sizes and counts are added up over the partitions of an index, and those of its table.
READ = """
with index_use as (
    select coalesce(pg_partition_root(c.oid), c.oid) as root,
           sum(pg_relation_size(c.oid))::bigint as bytes,
           sum(pg_stat_get_numscans(c.oid))::bigint as scans,
           count(*) filter (where c.relispartition and c.relkind = 'i') as parts
      from pg_class c
     where c.relkind in ('i', 'I')
     group by 1
), table_use as (
    select coalesce(pg_partition_root(c.oid), c.oid) as root,
           sum(greatest(c.relpages, 0))::bigint as pages,
           coalesce(sum(greatest(c.reltuples, 0))
               filter (where c.relkind <> 'p'), 0)::bigint as rows,
           sum(pg_stat_get_tuples_inserted(c.oid))::bigint as inserted,
           sum(pg_stat_get_tuples_updated(c.oid)
               - pg_stat_get_tuples_hot_updated(c.oid))::bigint as moved
      from pg_class c
     where c.relkind in ('r', 'p', 'm')
     group by 1
)
select c.oid::bigint as id, n.nspname as schema, t.relname as table, c.relname as name,
       format('%%I.%%I', n.nspname, t.relname) as table_name,
       format('%%I.%%I', n.nspname, c.relname) as qualified,
       am.amname as method, u.bytes, coalesce(u.scans, 0) as scans, u.parts,
       (to_jsonb(s) ->> 'last_idx_scan')::timestamptz as last_scan_at,
       tu.pages as table_pages, tu.rows as table_rows, tu.inserted, tu.moved,
       (i.indkey::int2[])[0:i.indnkeyatts - 1]::int[] as columns,
       array(select pg_get_indexdef(c.oid, k, true)
               from generate_series(1, i.indnkeyatts) k order by k) as keys,
       (i.indclass::oid[])[0:i.indnkeyatts - 1]::bigint[] as classes,
       (i.indcollation::oid[])[0:i.indnkeyatts - 1]::bigint[] as collations,
       (i.indoption::int2[])[0:i.indnkeyatts - 1]::int[] as options,
       array(select pg_get_indexdef(c.oid, k, true)
               from generate_series(i.indnkeyatts + 1, i.indnatts) k
              order by k) as included,
       coalesce(pg_get_expr(i.indpred, i.indrelid, true), '') as predicate,
       not exists (select from pg_attribute a
                    where a.attrelid = i.indrelid and not a.attnotnull
                      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
           ) as is_not_null,
       i.indisunique as is_unique, i.indisvalid and i.indisready as is_valid,
       i.indisreplident as is_identity, i.indisclustered as is_clustered,
       (select p.pid from pg_stat_progress_create_index p
         where p.index_relid = c.oid limit 1) as builder_pid,
       coalesce((select k.contype::text from pg_constraint k
                  where k.conindid = c.oid and k.contype in ('p', 'u', 'x')
                  limit 1), '') as constraint_kind,
       (select count(*) from pg_constraint k
         where k.conindid = c.oid and k.contype = 'f') as referencing,
       t.relkind = 'p' as is_partitioned,
       pg_get_indexdef(c.oid) as definition
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = t.relnamespace
  join pg_am am on am.oid = c.relam
  join index_use u on u.root = c.oid
  left join table_use tu on tu.root = t.oid
  left join pg_stat_all_indexes s on s.indexrelid = c.oid
 where n.nspname !~ '^pg_' and n.nspname <> all (%(others)s)
   and not c.relispartition
 order by n.nspname = 'kiloscale', n.nspname, t.relname, c.relname
"""


@dataclass(frozen=True, kw_only=True)
class Index:
    """One index; of a partitioned table, with all its partitions.

    Attributes:
        id: Its oid: a smaller one is older.
        schema: Schema of table and index.
        table: Name of the table, bare.
        name: Name of the index, bare.
        table_name: The table with its schema, quoted where need be.
        qualified: The index with its schema, quoted where need be.
        method: Access method, e.g. ``btree``.
        bytes: Size.
        scans: Reads since the statistics began, on this server.
        parts: Partitions that it has; 0 for a plain one.
        last_scan_at: Last read; ``None`` before PostgreSQL 16 and if there was none.
        table_pages: Pages of the table, 8 kB each, as of the last ANALYZE.
        table_rows: Rows of the table, likewise.
        inserted: Rows that were inserted into the table.
        moved: Updates of it that had to write every index.
        columns: Numbers of the key columns; 0 for an expression.
        keys: Their names, or the expressions.
        classes: Their operator classes.
        collations: Their collations.
        options: Their order: bit 1 descending, bit 2 nulls first.
        included: Columns that only ride along.
        predicate: The WHERE of a partial index; empty for a whole one.
        is_not_null: Whether no key column may be null.
        is_unique: Whether it refuses a second row.
        is_valid: Whether queries may use it.
        is_identity: Whether it is the table's replica identity.
        is_clustered: Whether CLUSTER orders the table by it.
        builder_pid: Backend that builds it at this moment.
        constraint_kind: ``p``, ``u`` or ``x`` if it backs a constraint.
        referencing: Foreign keys that point to it.
        is_partitioned: Whether its table is partitioned.
        definition: The statement that makes it.
    """

    id: int
    schema: str
    table: str
    name: str
    table_name: str
    qualified: str
    method: str
    bytes: int
    scans: int
    parts: int
    last_scan_at: datetime | None
    table_pages: int
    table_rows: int
    inserted: int
    moved: int
    columns: list[int]
    keys: list[str]
    classes: list[int]
    collations: list[int]
    options: list[int]
    included: list[str] = field(default_factory=list)
    predicate: str = ""
    is_not_null: bool = True
    is_unique: bool = False
    is_valid: bool = True
    is_identity: bool = False
    is_clustered: bool = False
    builder_pid: int | None = None
    constraint_kind: str = ""
    referencing: int = 0
    is_partitioned: bool = False
    definition: str = ""

    @property
    def has_expression(self) -> bool:
        """Whether a key is an expression, of which ANALYZE keeps statistics."""
        return 0 in self.columns

    @property
    def drop(self) -> str:
        """The statement that drops it."""
        how = "" if self.is_partitioned else "concurrently "
        return f"drop index {how}{self.qualified};"

    @property
    def rebuild(self) -> str:
        """The statement that makes it again."""
        if self.is_partitioned:
            return f"{self.definition};"
        return f"{self.definition.replace(' INDEX ', ' INDEX CONCURRENTLY ', 1)};"


def read(connection: Connection) -> list[Index]:
    """Read the indexes of the app's schemas and of ours, by schema, table and name."""
    return facts(connection, Index, READ, {"others": list(OTHERS)})
