"""The tables and what the statistics say of them; a partitioned one once."""

from dataclasses import dataclass

from deploy.inspection.access import Connection, facts

# Of every schema, the system's as well: together they are what pg_database_size counts,
# but for some files without a table. TOAST tables count with theirs.
READ = """
select n.nspname as schema, r.relname as table, n.nspname !~ '^pg_'
           and n.nspname <> 'information_schema' as is_users,
       sum(pg_table_size(c.oid) - coalesce(toast.bytes, 0))::bigint as heap_bytes,
       sum(coalesce(toast.bytes, 0))::bigint as toast_bytes,
       sum(pg_indexes_size(c.oid))::bigint as index_bytes,
       -- A partitioned table has the sum of its partitions, if it was analysed.
       coalesce(sum(case when c.reltuples >= 0 then c.reltuples
                         else pg_stat_get_live_tuples(c.oid) end)
           filter (where c.relkind <> 'p'), 0)::bigint as rows,
       sum(pg_stat_get_dead_tuples(c.oid))::bigint as dead_rows,
       count(*) filter (where c.relispartition and c.relkind = 'r') as partitions
  from pg_class c
  join pg_class r on r.oid = coalesce(pg_partition_root(c.oid), c.oid)
  join pg_namespace n on n.oid = r.relnamespace
  left join lateral (
    select pg_total_relation_size(c.reltoastrelid) as bytes
     where c.reltoastrelid <> 0) toast on true
 where c.relkind in ('r', 'p', 'm', 'S') and not c.relisshared
 group by 1, 2, 3
 order by sum(pg_total_relation_size(c.oid)) desc, 1, 2
"""

DATABASE = "select pg_database_size(current_database()) as bytes"


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table, or sequence or materialised view, with all its partitions.

    Attributes:
        schema: Its schema.
        table: Its name, bare.
        is_users: Whether it is none of the system's.
        heap_bytes: Its rows, with the maps of free and visible pages.
        toast_bytes: Its long values, with their index.
        index_bytes: Its indexes.
        rows: Rows as of the last ANALYZE; as counted where there was none.
        dead_rows: Rows that vacuum has yet to remove.
        partitions: Partitions that it has; 0 for a plain one.
    """

    schema: str
    table: str
    is_users: bool
    heap_bytes: int
    toast_bytes: int
    index_bytes: int
    rows: int
    dead_rows: int
    partitions: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.heap_bytes + self.toast_bytes + self.index_bytes

    @property
    def qualified(self) -> str:
        """Schema and name."""
        return f"{self.schema}.{self.table}"


def read(connection: Connection) -> list[Table]:
    """Read all tables of the database, the largest first."""
    return facts(connection, Table, READ)


def database_bytes(connection: Connection) -> int:
    """Measure the database as the provider bills it."""
    row = connection.execute(DATABASE).fetchone()
    return int(str(row[0])) if row else 0
