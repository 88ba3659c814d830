"""Values of real rows for the hot queries: heavy users, long chats, a typical one."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from deploy.inspection.access import Connection

COUNTED_ROWS = 50_000
"""Up to so many rows are counted; in a larger table the most frequent values come from
the planner's statistics, since to count 2 million messages takes 0.3 s."""

TABLES = ("messages", "conversations", "user_memory")

LONGEST = 3
"""Conversations: the worst of them counts."""

# ANALYZE keeps the most frequent values with their shares: the longest chats of all.
_FREQUENT = """
select v.value::uuid
  from pg_stats s
 cross join lateral unnest(s.most_common_vals::text::text[], s.most_common_freqs)
       as v (value, share)
 where s.schemaname = 'public' and s.tablename = %s and s.attname = %s
   and s.inherited = (select c.relkind = 'p' from pg_class c
                       where c.oid = to_regclass('public.' || s.tablename))
 order by v.share desc
 limit %s
"""
_COUNTED = {
    ("messages", "chat_id"): """
        select chat_id from public.messages
         group by 1 order by count(*) desc, 1 limit %s""",
    ("conversations", "user_id"): """
        select user_id from public.conversations
         group by 1 order by count(*) desc, 1 limit %s""",
    ("user_memory", "user_id"): """
        select user_id from public.user_memory
         group by 1 order by count(*) desc, 1 limit %s""",
}
_MISSING = """
select t from unnest(%s::text[]) t where to_regclass('public.' || t) is null
"""
# Of a partitioned table, the sum of its partitions: autovacuum analyses no other.
_SIZE = """
select coalesce(sum(greatest(reltuples, 0)), 0) from pg_class
 where relkind <> 'p' and %s::regclass in (oid, pg_partition_root(oid))
"""
_NEXT = "select id from public.conversations where id >= %s order by id limit 1"
_CHAT = """
select c.id, c.user_id, c.mode::text, m.id, m.created_at, m.client_msg_id
  from public.conversations c
  left join lateral (
    select m.id, m.created_at, m.client_msg_id from public.messages m
     where m.chat_id = c.id order by m.created_at desc limit 1) m on true
 where c.id = %s
"""
_MODE = "select mode::text from public.conversations where user_id = %s limit 1"
_PROFILE = "select profile_id from public.user_memory where user_id = %s limit 1"
_FIRST = {
    ("messages", "chat_id"): "select chat_id from public.messages limit 1",
    ("conversations", "user_id"): "select user_id from public.conversations limit 1",
    ("user_memory", "user_id"): "select user_id from public.user_memory limit 1",
}
MIDDLE = uuid.UUID("80000000-0000-4000-8000-000000000000")
NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A conversation and a user whose rows a hot query reads.

    Attributes:
        chat_id: The conversation.
        user_id: Its owner, or a user with much to read.
        mode: Mode of a conversation of that user.
        profile_id: Profile of the user's memories.
        message_id: The newest message of the conversation.
        at: When that was written.
        client_msg_id: The client's id of it.
    """

    chat_id: uuid.UUID = NOBODY
    user_id: uuid.UUID = NOBODY
    mode: str = "chat"
    profile_id: uuid.UUID | None = None
    message_id: uuid.UUID = NOBODY
    at: datetime | None = None
    client_msg_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What the hot queries are tried with.

    Attributes:
        longest: The conversations with the most messages, the longest first.
        typical: One from the middle of all ids.
        lister: The user with the most conversations.
        rememberer: The user with the most memories.
    """

    longest: tuple[Sample, ...]
    typical: tuple[Sample, ...]
    lister: tuple[Sample, ...]
    rememberer: tuple[Sample, ...]


def missing(connection: Connection) -> list[str]:
    """Name the tables that are not there, without which nothing can be picked."""
    return [str(row[0]) for row in connection.execute(_MISSING, (list(TABLES),))]


def pick(connection: Connection) -> Samples:
    """Pick the rows; of an empty table there are none."""
    longest = _heavy(connection, "messages", "chat_id", LONGEST)
    lister = _heavy(connection, "conversations", "user_id", 1)
    rememberer = _heavy(connection, "user_memory", "user_id", 1)
    typical = connection.execute(_NEXT, (MIDDLE,)).fetchall()
    chats = (_chat(connection, chat) for chat in longest)
    typicals = (_chat(connection, uuid.UUID(str(row[0]))) for row in typical)
    return Samples(
        longest=tuple(chat for chat in chats if chat),
        typical=tuple(chat for chat in typicals if chat),
        lister=tuple(_lister(connection, user) for user in lister),
        rememberer=tuple(_rememberer(connection, user) for user in rememberer),
    )


def _heavy(
    connection: Connection, table: str, column: str, limit: int
) -> list[uuid.UUID]:
    """Find the most frequent values of a column."""
    size = connection.execute(_SIZE, (f"public.{table}",)).fetchone()
    if size and float(str(size[0])) > COUNTED_ROWS:
        found = connection.execute(_FREQUENT, (table, column, limit)).fetchall()
        if not found:
            # All values are about as frequent, or nothing was analysed: any will do.
            found = connection.execute(_FIRST[table, column]).fetchall()
    else:
        found = connection.execute(_COUNTED[table, column], (limit,)).fetchall()
    return [uuid.UUID(str(row[0])) for row in found if row[0] is not None]


def _chat(connection: Connection, chat_id: uuid.UUID) -> Sample | None:
    """Read what identifies a conversation and its newest message."""
    row = connection.execute(_CHAT, (chat_id,)).fetchone()
    if row is None:
        return None
    return Sample(
        chat_id=row[0],
        user_id=row[1],
        mode=row[2] or "chat",
        message_id=row[3] or NOBODY,
        at=row[4],
        client_msg_id=row[5],
    )


def _lister(connection: Connection, user_id: uuid.UUID) -> Sample:
    """Read a mode of a user's conversations."""
    row = connection.execute(_MODE, (user_id,)).fetchone()
    return Sample(user_id=user_id, mode=str(row[0]) if row else "chat")


def _rememberer(connection: Connection, user_id: uuid.UUID) -> Sample:
    """Read a profile of a user's memories."""
    row = connection.execute(_PROFILE, (user_id,)).fetchone()
    return Sample(user_id=user_id, profile_id=row[0] if row else None)
