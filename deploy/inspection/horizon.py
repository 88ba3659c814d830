"""What keeps vacuum from removing dead rows, and the age of transaction ids."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from deploy.amounts import duration, number, size
from deploy.checklist import Result, Status
from deploy.inspection.access import Connection, rows

LONG_S = 300
VERY_LONG_S = 3_600
"""Seconds after which a transaction is long: dead rows of the whole database wait for
its end. Services of ours end theirs after 10 s."""

WAL_MAX = 1024**3
"""WAL that a slot may keep: more fills the disk when its reader does not come back."""

IDS_FAIL = 1_000_000_000
"""Half of the transaction ids that there are: at 2 billion PostgreSQL stops writing."""

# A role without pg_read_all_stats sees no times of other roles' sessions.
_TRANSACTIONS = """
select a.pid, a.usename as role, a.application_name as application, a.state,
       extract(epoch from clock_timestamp() - a.xact_start)::float8 as age_s,
       age(a.backend_xmin)::bigint as ids_back
  from pg_stat_activity a
 where a.datname = current_database() and a.pid <> pg_backend_pid()
   and a.backend_type = 'client backend' and a.xact_start is not null
 order by a.xact_start
 limit 5
"""
_HIDDEN = """
select count(*) as hidden from pg_stat_activity a
 where a.datname = current_database() and a.backend_type is null
"""
_SLOTS = """
select s.slot_name as slot, s.slot_type as kind, s.active,
       greatest(age(s.xmin), age(s.catalog_xmin))::bigint as ids_back,
       case when pg_is_in_recovery() then 0
            else coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0)
        end::bigint as wal_bytes
  from pg_replication_slots s
 where s.database is null or s.database = current_database()
 order by 5 desc
"""
_PREPARED = """
select p.gid, p.owner as role,
       extract(epoch from now() - p.prepared)::float8 as age_s
  from pg_prepared_xacts p where p.database = current_database() order by p.prepared
"""
_IDS = """
select age(d.datfrozenxid)::bigint as ids, mxid_age(d.datminmxid)::bigint as multis,
       current_setting('autovacuum_freeze_max_age')::bigint as freeze_at
  from pg_database d where d.datname = current_database()
"""


def look(connection: Connection) -> Iterator[Result]:
    """Look at transactions, slots, prepared transactions and transaction ids."""
    yield _transactions(connection)
    yield from (_slot(row) for row in rows(connection, _SLOTS) if _is_behind(row))
    yield from (_prepared(row) for row in rows(connection, _PREPARED))
    yield _ids(rows(connection, _IDS)[0])


def _transactions(connection: Connection) -> Result:
    """Judge the oldest transaction; never show its statement."""
    found = rows(connection, _TRANSACTIONS)
    hidden = rows(connection, _HIDDEN)[0]["hidden"]
    told = f"; {hidden} sessions of other roles hide theirs" if hidden else ""
    oldest = found[0] if found else None
    if oldest is None or oldest["age_s"] < LONG_S:
        return Result(
            id="vacuum.transactions",
            title=f"none is older than {LONG_S // 60} min{told}",
            status=Status.PASS,
            evidence={"oldest": found, "hidden_sessions": hidden},
        )
    age = duration(timedelta(seconds=oldest["age_s"]))
    return Result(
        id="vacuum.transactions",
        title=f"{oldest['role']} ({oldest['application'] or 'unnamed'}, pid"
        f" {oldest['pid']}) is {oldest['state']} for {age}: no dead row since then can"
        f" be removed{told}",
        status=Status.FAIL if oldest["age_s"] >= VERY_LONG_S else Status.WARN,
        evidence={"oldest": found, "hidden_sessions": hidden},
        remedy=f"select pg_terminate_backend({oldest['pid']});",
    )


def _is_behind(slot: dict[str, Any]) -> bool:
    """Tell whether nobody reads a slot, or too slowly."""
    return not slot["active"] or slot["wal_bytes"] > WAL_MAX


def _slot(slot: dict[str, Any]) -> Result:
    """Judge a replication slot that is behind."""
    told = "is read too slowly" if slot["active"] else "has no reader"
    return Result(
        id=f"vacuum.slot-{slot['slot']}",
        title=f"{slot['kind']} slot {told}: keeps {size(slot['wal_bytes'])} of WAL"
        + (f" and {number(slot['ids_back'])} ids" if slot["ids_back"] else ""),
        status=Status.FAIL if slot["wal_bytes"] > WAL_MAX else Status.WARN,
        evidence=slot,
        remedy=None
        if slot["active"]
        else f"select pg_drop_replication_slot('{slot['slot']}');",
    )


def _prepared(row: dict[str, Any]) -> Result:
    """Judge a transaction that was prepared and neither committed nor rolled back."""
    age = duration(timedelta(seconds=row["age_s"]))
    return Result(
        id="vacuum.prepared",
        title=f"a transaction of {row['role']} is prepared for {age}: it keeps its"
        " locks and its dead rows, also over a restart",
        status=Status.FAIL if row["age_s"] >= LONG_S else Status.WARN,
        evidence=row,
        remedy="rollback prepared '{}';".format(str(row["gid"]).replace("'", "''")),
    )


def _ids(found: dict[str, Any]) -> Result:
    """Judge the age of the oldest transaction id."""
    ids, freeze_at = found["ids"], found["freeze_at"]
    status = Status.PASS
    if ids >= IDS_FAIL:
        status = Status.FAIL
    elif ids > freeze_at * 1.25:
        status = Status.WARN
    return Result(
        id="vacuum.ids",
        title=f"oldest transaction id {number(ids)} back; autovacuum freezes at"
        f" {number(freeze_at)}, PostgreSQL stops at 2,000 M",
        status=status,
        evidence=found,
        remedy=None if status is Status.PASS else "vacuum (freeze);",
    )
