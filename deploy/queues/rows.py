"""Outbox rows that are dead, or that a dead letter is about."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from deploy.crons.state import Connection

ROWS_MAX = 1_000
"""Dead rows of a topic that one look reads; more are only counted."""

SENT_S = 60
"""A row that was just sent is due again after so long, in seconds, as for the services
that send their own."""

FIND = """
with dead as (
    select o.id, count(*) over () as of_topic
      from kiloscale.outbox o
     where o.topic = %(topic)s and o.dead_at is not null
     order by o.dead_at, o.id
     limit %(rows)s
)
select o.id, o.sends, o.last_error as reason,
       extract(epoch from now() - o.created_at)::bigint as age_s,
       case when o.dead_at is not null then 'dead'
            when o.leased_until > now() then 'in work'
            when o.ready_at > now() then 'not due yet'
            else 'waits' end as state,
       coalesce(d.of_topic, 0) as of_topic
  from kiloscale.outbox o
  left join dead d on d.id = o.id
 where o.topic = %(topic)s and (d.id is not null or o.id = any (%(ids)s))
 order by o.id
"""

# What is being worked on, or is not to begin yet, needs no help.
REVIVE = """
update kiloscale.outbox o
   set dead_at = null, sends = 0, due_at = now() + make_interval(secs => %(due_s)s)
 where o.topic = %(topic)s
   and (o.leased_until is null or o.leased_until <= now())
   and (o.dead_at is not null and %(all_dead)s
        or o.id = any (%(ids)s) and (o.dead_at is not null or o.ready_at <= now()))
returning o.id, o.payload::text as payload
"""

DUE = "update kiloscale.outbox set due_at = now() where id = any (%s)"


@dataclass(frozen=True, kw_only=True)
class Row:
    """An outbox row.

    Attributes:
        id: Its id.
        sends: How often the relay sent it.
        reason: Why it has no effect yet; ``None`` if nobody noted it.
        age_s: Seconds since it was written.
        state: ``dead``, ``waits``, ``in work`` or ``not due yet``.
        of_topic: Dead rows of the topic, if it is one of them.
    """

    id: int
    sends: int
    reason: str | None
    age_s: int
    state: str
    of_topic: int = 0


@dataclass(frozen=True, kw_only=True)
class Revived:
    """A row that is to be sent again."""

    id: int
    payload: str

    @property
    def body(self) -> str:
        """The message that the services send for it."""
        return json.dumps({"outbox_id": self.id, **json.loads(self.payload)})


def find(connection: Connection, topic: str, ids: Collection[int]) -> list[Row]:
    """List the dead rows of a topic, and those that letters are about."""
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        parameters = {"topic": topic, "ids": list(ids), "rows": ROWS_MAX}
        return cursor.execute(FIND, parameters).fetchall()


def revive(
    connection: Connection,
    topic: str,
    ids: Collection[int],
    *,
    all_dead: bool,
    is_sent: bool,
) -> list[Revived]:
    """Let rows be sent again, from the first send.

    Args:
        connection: In autocommit mode.
        topic: Rows of others are left alone.
        ids: Which rows.
        all_dead: Whether to take every dead row of the topic as well.
        is_sent: Whether they are sent at once: then the relay waits a minute.
    """
    parameters = {
        "topic": topic,
        "ids": list(ids),
        "all_dead": all_dead,
        "due_s": SENT_S if is_sent else 0,
    }
    with connection.cursor(row_factory=class_row(Revived)) as cursor:
        return cursor.execute(REVIVE, parameters).fetchall()


def make_due(connection: Connection, ids: Sequence[int]) -> None:
    """Let the relay send rows with its next sweep."""
    connection.execute(DUE, (list(ids),))
