"""The SQL of the relay: claim what is due, note what became of it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from psycopg.rows import class_row

from functions.shared.database import Connection

SENDS_MAX = 12
"""Sends before a row counts as dead; with the backoff they take 7 hours."""

BACKOFF_S = 60
BACKOFF_MAX_S = 3_600
"""A row is due again 60 s * 2^sends after it was sent, at most 1 h."""

# A row counts as sent when it is claimed: the claim commits at once, so no lock and no
# transaction is held while a queue answers, and simultaneous relays, of which each
# skips what another one is claiming, never take the same row. A relay that dies before
# it sends costs the row one backoff. A row under a lease is being worked on.
CLAIM = """
update kiloscale.outbox o
   set sends = o.sends + 1,
       due_at = now() + make_interval(
           secs => least(%(backoff_s)s * power(2, o.sends), %(backoff_max_s)s))
 where o.id in (
    select d.id
      from kiloscale.outbox d
     where d.due_at <= now()
       and d.dead_at is null
       and d.sends < %(sends_max)s
       and d.topic = %(topic)s
       and (d.leased_until is null or d.leased_until <= now())
     order by d.due_at
     limit %(batch)s
       for update skip locked)
returning o.id, o.key, o.payload
"""

# Rows that a consumer has just locked are left to the next sweep: locked here in
# another order than there, they could make each other wait for ever.
BURY = """
update kiloscale.outbox o
   set dead_at = now(),
       last_error = coalesce(last_error, 'no effect after ' || sends || ' sends')
 where o.id in (
    select d.id
      from kiloscale.outbox d
     where d.due_at <= now()
       and d.dead_at is null
       and d.sends >= %(sends_max)s
       and (d.leased_until is null or d.leased_until <= now())
       for update skip locked)
"""

DELIVERED = "delete from kiloscale.outbox where id = any (%(ids)s)"

# A send that failed for a passing reason does not count: an outage of the queue must
# not bury rows. It is due again with the next sweep.
RETURN = """
update kiloscale.outbox o
   set last_error = f.reason,
       sends = o.sends - case when f.counts then 0 else 1 end,
       due_at = case when f.counts then o.due_at
                     else now() + make_interval(secs => %(backoff_s)s) end
  from jsonb_to_recordset(%(failures)s::jsonb)
       as f (id bigint, reason text, counts boolean)
 where o.id = f.id
"""


class Row(msgspec.Struct, frozen=True):
    """A claimed row."""

    id: int
    key: str
    payload: dict[str, Any]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row was not taken.

    Attributes:
        id: The row.
        reason: Code of the failure; never a payload.
        counts: Whether the row itself is at fault, so that the send counts.
    """

    id: int
    reason: str
    counts: bool


def claim(connection: Connection, topic: str, batch: int) -> list[Row]:
    """Claim rows that are due, oldest first."""
    parameters = {
        "topic": topic,
        "batch": batch,
        "sends_max": SENDS_MAX,
        "backoff_s": BACKOFF_S,
        "backoff_max_s": BACKOFF_MAX_S,
    }
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(CLAIM, parameters).fetchall()


def bury(connection: Connection) -> int:
    """Mark the rows whose sends are used up; give their number."""
    return connection.execute(BURY, {"sends_max": SENDS_MAX}).rowcount


def delivered(connection: Connection, ids: list[int]) -> None:
    """Delete rows whose effect is their delivery."""
    connection.execute(DELIVERED, {"ids": ids})


def give_back(connection: Connection, failures: Mapping[int, Failure]) -> None:
    """Note why rows were not taken."""
    rows = msgspec.json.encode(list(failures.values())).decode()
    connection.execute(RETURN, {"failures": rows, "backoff_s": BACKOFF_S})
