"""What the hourly snapshots remember of sizes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from deploy.inspection.access import Connection, rows

# The newest snapshot that is at least so old. ``folded`` has each table once;
# ``tables``, in snapshots of earlier versions, the twenty largest partitions.
READ = """
select d.days, s.taken_at, s.database_bytes, coalesce(s.detail -> 'folded', (
           select jsonb_object_agg(t ->> 'table', t)
             from jsonb_array_elements(s.detail -> 'tables') t), '{}') as tables
  from (values (1), (7)) d (days)
 cross join lateral (
    select h.taken_at, h.database_bytes, h.detail
      from kiloscale.health_snapshots h
     where h.taken_at <= now() - make_interval(days => d.days)
     order by h.taken_at desc
     limit 1) s
"""


@dataclass(frozen=True, kw_only=True)
class Past:
    """The sizes of one moment.

    Attributes:
        days: How long ago at least.
        taken_at: When; ``None`` if there is no snapshot so old.
        database_bytes: Size of the database.
        tables: Total bytes by qualified name.
    """

    days: int
    taken_at: datetime
    database_bytes: int
    tables: Mapping[str, int] = field(default_factory=dict)


def read(connection: Connection) -> list[Past]:
    """Read the snapshots of a day and a week ago, as far as there are any."""
    known = "select to_regclass('kiloscale.health_snapshots') is not null as there"
    if not rows(connection, known)[0]["there"]:
        return []
    return [
        Past(
            days=row["days"],
            taken_at=row["taken_at"],
            database_bytes=row["database_bytes"],
            tables={name: int(one["bytes"]) for name, one in row["tables"].items()},
        )
        for row in rows(connection, READ)
    ]
