"""What the database says of itself, one cheap query for each metric."""

from collections.abc import Callable
from typing import Any

from psycopg.rows import dict_row

from functions.health_check.metric import Metric, unknown
from functions.shared.database import Connection

Row = dict[str, Any]

TABLES_SHOWN = 10
TREND_MIN_H = 24.0
"""Least age of the oldest snapshot, in hours: below it the trend is a time of day."""

TREND_DAYS = 30

GROWTH = """
select count(*) as snapshots,
       min(taken_at) as since,
       coalesce(extract(epoch from max(taken_at) - min(taken_at)) / 3600, 0)::float8
           as hours,
       (regr_slope(database_bytes, extract(epoch from taken_at)) * 86400)::bigint
           as bytes_per_day
  from kiloscale.health_snapshots
 where taken_at > now() - make_interval(days => %(days)s)
"""

# rows is the planner's estimate: counting 2 million rows takes 0.3 s. A partitioned
# table is the sum of its partitions.
TABLES = """
select n.nspname || '.' || r.relname as name,
       sum(pg_total_relation_size(c.oid))::bigint as total_bytes,
       sum(pg_table_size(c.oid))::bigint as table_bytes,
       sum(pg_indexes_size(c.oid))::bigint as index_bytes,
       sum(greatest(c.reltuples, 0))::bigint as rows
  from pg_catalog.pg_class c
  join pg_catalog.pg_class r
    on r.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)
  join pg_catalog.pg_namespace n on n.oid = r.relnamespace
 where c.relkind in ('r', 'm')
   and n.nspname <> 'information_schema'
   and n.nspname !~ '^pg_'
 group by 1
 order by total_bytes desc, name
 limit %(tables)s
"""

STORAGE = """
select coalesce(sum((o.metadata ->> 'size')::bigint), 0)::bigint as bytes,
       count(*) as objects
  from storage.objects o
"""

CONNECTIONS = """
select coalesce(a.state, 'not visible') as state, count(*) as connections
  from pg_catalog.pg_stat_activity a
 where a.backend_type = 'client backend'
 group by 1
 order by 1
"""

OUTBOX = """
select count(*) filter (where dead_at is null) as waiting,
       count(*) filter (where dead_at is not null) as dead,
       coalesce(
           extract(epoch from now() - min(ready_at)
               filter (where dead_at is null and ready_at <= now())),
           0)::bigint as oldest_s
  from kiloscale.outbox
"""

# A job of ours can succeed for pg_cron, which only knows that it was dispatched, and
# fail by its own run log.
CRONS = """
select j.jobname as name,
       j.active,
       d.status as last_status,
       d.start_time as last_start,
       l.error is not null as has_failed_by_log
  from cron.job j
  left join lateral (
    select r.status, r.start_time
      from cron.job_run_details r
     where r.jobid = j.jobid and r.status in ('succeeded', 'failed')
     order by r.runid desc
     limit 1) d on true
  left join lateral (
    select g.error
      from kiloscale.run_log g
     where g.job = j.jobname and g.finished_at is not null
     order by g.id desc
     limit 1) l on true
 order by j.jobname
"""

INVALID_INDEXES = """
select i.indexrelid::regclass::text as name
  from pg_catalog.pg_index i
 where not i.indisvalid
 order by 1
"""

CACHE_HIT_RATIO = """
select round(blks_hit::numeric / nullif(blks_hit + blks_read, 0), 4)::float8 as ratio
  from pg_catalog.pg_stat_database
 where datname = current_database()
"""


def _rows(
    connection: Connection, query: str, parameters: Row | None = None
) -> list[Row]:
    """Run one query."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _exists(connection: Connection, relation: str) -> bool:
    """Tell whether a table is there."""
    query = "select to_regclass(%(name)s) is not null as is_there"
    return bool(_rows(connection, query, {"name": relation})[0]["is_there"])


def database_bytes(connection: Connection) -> Metric:
    """Measure the size of the database, in bytes."""
    query = "select pg_database_size(current_database()) as bytes"
    return Metric(value=_rows(connection, query)[0]["bytes"])


def growth(connection: Connection) -> Metric:
    """Fit a line through the hourly snapshots: ``{"bytes_per_day", "since", ...}``."""
    trend = _rows(connection, GROWTH, {"days": TREND_DAYS})[0]
    if trend["hours"] < TREND_MIN_H or trend["bytes_per_day"] is None:
        return unknown(
            f"{trend['snapshots']} snapshots over {trend['hours']:.1f} h;"
            f" a trend takes {TREND_MIN_H:.0f} h"
        )
    return Metric(value=trend)


def tables(connection: Connection) -> Metric:
    """List the largest tables."""
    return Metric(value=_rows(connection, TABLES, {"tables": TABLES_SHOWN}))


def storage(connection: Connection) -> Metric:
    """Add up the objects of Supabase's storage: ``{"bytes", "objects"}``."""
    if not _exists(connection, "storage.objects"):
        return unknown("this database has no storage.objects")
    return Metric(value=_rows(connection, STORAGE)[0])


def connections(connection: Connection) -> Metric:
    """Count connections: ``{"by_state", "total", "max"}``."""
    by_state = {
        row["state"]: row["connections"] for row in _rows(connection, CONNECTIONS)
    }
    most = _rows(connection, "select current_setting('max_connections')::int as most")
    total = sum(by_state.values())
    return Metric(value={"by_state": by_state, "total": total, "max": most[0]["most"]})


def outbox(connection: Connection) -> Metric:
    """Measure what waits: ``{"waiting", "dead", "oldest_s"}``."""
    return Metric(value=_rows(connection, OUTBOX)[0])


def crons(connection: Connection) -> Metric:
    """Look at the last run of each job: ``{"jobs", "failed", "inactive"}``."""
    if not _exists(connection, "cron.job"):
        return unknown("pg_cron is not installed in this database")
    jobs = _rows(connection, CRONS)
    failed = [
        job["name"]
        for job in jobs
        if job["last_status"] == "failed" or job["has_failed_by_log"]
    ]
    inactive = [job["name"] for job in jobs if not job["active"]]
    return Metric(value={"jobs": jobs, "failed": failed, "inactive": inactive})


def invalid_indexes(connection: Connection) -> Metric:
    """List the indexes that a failed build left behind."""
    return Metric(value=[row["name"] for row in _rows(connection, INVALID_INDEXES)])


def cache_hit_ratio(connection: Connection) -> Metric:
    """Give the share of blocks found in shared buffers since statistics began."""
    rows = _rows(connection, CACHE_HIT_RATIO)
    ratio = rows[0]["ratio"] if rows else None
    return (
        unknown("no block has been read yet") if ratio is None else Metric(value=ratio)
    )


METRICS: dict[str, Callable[[Connection], Metric]] = {
    "database_bytes": database_bytes,
    "growth": growth,
    "tables": tables,
    "storage": storage,
    "connections": connections,
    "outbox": outbox,
    "crons": crons,
    "invalid_indexes": invalid_indexes,
    "cache_hit_ratio": cache_hit_ratio,
}
"""Every metric of the database by its key in the report."""
