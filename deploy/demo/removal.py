"""Remove a demo: its users in batches with all that is theirs, then what is marked."""

from collections.abc import Callable

from deploy.demo import rows
from deploy.demo.filling import TIDY
from deploy.demo.rows import BY_MARK, OF_USERS, condition
from deploy.demo.session import Connection

USERS_AT_ONCE = 50
"""About 10,000 messages: a transaction of a quarter of a second."""

BATCH = "select unnest(%(ids)s::uuid[]) as id"
NEXT = f"{rows.ALL_USERS} limit {USERS_AT_ONCE}"

# A partition that a demo made is of no use without it; one that holds rows of others
# stays until retention drops it.
DROP_PARTITIONS = """
do $$
declare
    part regclass;
    is_empty boolean;
begin
    for part in
        select i.inhrelid::regclass from pg_inherits i
        where i.inhparent = to_regclass('public.edge_function_logs')
            and obj_description(i.inhrelid) = 'Made by the demo of Kiloscale'
    loop
        execute format('select not exists (select from %s)', part) into is_empty;
        if is_empty then
            execute format('drop table %s', part);
        end if;
    end loop;
end
$$
"""


def remove(connection: Connection, progress: Callable[[str], None]) -> dict[str, int]:
    """Delete all rows of the demo.

    Args:
        connection: In autocommit mode; each batch is a transaction, so that a removal
            that was cut off goes on where it was.
        progress: Told after each batch.

    Returns:
        Rows that were deleted, by table.
    """
    removed: dict[str, int] = {}
    while ids := [row[0] for row in connection.execute(NEXT.encode()).fetchall()]:
        with connection.transaction():
            for table, text in reversed(OF_USERS):
                where = condition(text, BATCH)
                _delete(connection, removed, table, where, {"ids": ids})
        progress(f"removed {removed['auth.users']:,} users and all that is theirs")
    for table, text in BY_MARK:
        progress(f"removing marked rows of {table}")
        _delete(connection, removed, table, text, None)
    connection.execute(DROP_PARTITIONS)
    connection.execute(TIDY)
    connection.execute("delete from public.system_config where key = %s", (rows.KEY,))
    return {table: count for table, count in removed.items() if count}


def _delete(
    connection: Connection,
    removed: dict[str, int],
    table: str,
    where: str,
    values: dict[str, object] | None,
) -> None:
    """Delete and count."""
    statement = f"delete from {table} where {where}"  # noqa: S608 - constants
    done = connection.execute(statement.encode(), values)
    removed[table] = removed.get(table, 0) + done.rowcount
