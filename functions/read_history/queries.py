"""The SQL of read_history: one statement for a page, one for each cached fact."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from functions.shared.database import Connection

# Who may read is decided here, for each page, and not by what a cache remembers: of a
# conversation that was deleted or given to another user nothing is read from then on.
#
# The lateral join reads the index (chat_id, created_at desc) from the cursor on, above
# the archival watermark. One message more than the page shows whether there is another.
# The conversation is named twice: of c.id the planner takes an average one's messages,
# and would now and then fetch and sort all 3,000 of a long one (8 ms, 118 ms cold).
_PAGE = """
with hit as materialized (
    {hit}
), conversation as materialized (
    select c.id, c.user_id
      from hit h
      join public.conversations c on h.is_admitted and c.id = %(chat_id)s::uuid
     where %(user_id)s::uuid is null or c.user_id = %(user_id)s::uuid
)
select h.is_admitted, h.hits, h.reset_s, h.commit_mode, h.staleness_s::float8,
       c.user_id as owner,
       m.id, m.role::text as role, coalesce(m.text, '') as text, m.created_at,
       m.status::text as status, m.mode::text as mode, m.user_id, m.client_msg_id
  from hit h
  left join conversation c on true
  left join lateral (
    select a.id, a.role, a.text, a.created_at, a.status, a.mode, a.user_id,
           a.client_msg_id
      from public.active_messages a
     where a.chat_id = c.id
       and a.chat_id = %(chat_id)s::uuid
       and a.created_at is not null
       and (%(created_at)s::timestamptz is null
            or (a.created_at, a.id) < (%(created_at)s::timestamptz, %(id)s::uuid))
     order by a.created_at desc, a.id desc
     limit %(messages)s) m on true
 order by m.created_at desc, m.id desc
"""

# The hit of the limit rides along where Postgres counts it. Its commit does not wait
# for the disk: see `functions.shared.limits.postgres`. The planner takes a function for
# 1,000 rows unless it is told; for so many it would sort all messages (400 ms).
PAGE_AND_HIT = _PAGE.format(
    hit="""select set_config('synchronous_commit', 'off', true) as commit_mode,
           0 as staleness_s, l.*
      from kiloscale.hit_limit(
               %(scope)s, %(subject)s, 1, %(hits_max)s, %(window_s)s) l
     limit 1"""
)
_NO_HIT = """select '' as commit_mode, true as is_admitted, 0 as hits, 0 as reset_s,
           {staleness} as staleness_s"""
PAGE = _PAGE.format(hit=_NO_HIT.format(staleness="0"))

# A replica has all that was committed until the commit that it replayed last, so that
# it is at most so far behind, also where it has lost the primary. When nobody commits
# it seems older than it is; then the primary has time for the page. One that was
# promoted is no longer behind, and one that has replayed nothing does not know.
PAGE_OF_REPLICA = _PAGE.format(
    hit=_NO_HIT.format(
        staleness="""case when pg_is_in_recovery() then
               extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
           else 0 end"""
    )
)

CONVERSATION = """
select c.user_id, to_jsonb(c) ->> 'title' as title, c.mode::text as mode, c.profile_id
  from public.conversations c
 where c.id = %(chat_id)s::uuid
   and (%(user_id)s::uuid is null or c.user_id = %(user_id)s::uuid)
"""

# Whole rows, because an app's own tables may lack the columns; see the baseline.
SUBSCRIPTION = "select to_jsonb(p) from public.profiles p where p.id = %s"
USAGE = "select to_jsonb(f) from public.feature_usage f where f.user_id = %s"

_OTHER_TABLES = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `page` reads.

    Attributes:
        user_id: Who must own the conversation; ``None`` for the app's backend.
        chat_id: The conversation.
        created_at: Only messages before it; ``None`` for the newest.
        id: Tells messages of that moment apart.
        messages: How many, at most.
    """

    user_id: UUID | None
    chat_id: UUID
    created_at: datetime | None
    id: UUID | None
    messages: int


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """What counts the request; see `functions.shared.limits.Limit`."""

    scope: str
    subject: str
    hits_max: int
    window_s: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the page, with what holds for all of them.

    Attributes:
        is_admitted: Whether the limit admits the request.
        hits: Hits of the window, this one included; 0 if it was counted elsewhere.
        reset_s: Time until the window ends, in seconds.
        commit_mode: Has the statement commit without a wait.
        staleness_s: How far the server is behind, at most, in seconds; ``None`` if it
            does not know.
        owner: Owner of the conversation; ``None`` if it is not found.
        id: The message; ``None`` if the page is empty, and so are the fields below.
    """

    is_admitted: bool
    hits: int
    reset_s: int
    commit_mode: str
    staleness_s: float | None
    owner: UUID | None
    id: UUID | None
    role: str | None
    text: str | None
    created_at: datetime | None
    status: str | None
    mode: str | None
    user_id: UUID | None
    client_msg_id: UUID | None


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What seldom changes of a conversation."""

    user_id: UUID
    title: str | None
    mode: str
    profile_id: UUID | None


def page(connection: Connection, asked: Asked, hit: Hit | None) -> Sequence[Row]:
    """Read a page, newest first; count the request if ``hit`` is given.

    Returns:
        At least one row.
    """
    parameters = msgspec.structs.asdict(asked)
    if hit is not None:
        parameters |= msgspec.structs.asdict(hit)
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        statement = PAGE if hit is None else PAGE_AND_HIT
        return cursor.execute(statement, parameters).fetchall()


def page_of_replica(connection: Connection, asked: Asked) -> Sequence[Row]:
    """Read a page from a replica, with how far it is behind.

    Returns:
        At least one row.
    """
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        parameters = msgspec.structs.asdict(asked)
        return cursor.execute(PAGE_OF_REPLICA, parameters).fetchall()


def conversation(
    connection: Connection, chat_id: UUID, user_id: UUID | None
) -> Metadata | None:
    """Read the metadata of a conversation, if it is the user's."""
    parameters = {"chat_id": chat_id, "user_id": user_id}
    with connection.cursor(row_factory=class_row(Metadata)) as cursor:
        return cursor.execute(CONVERSATION, parameters).fetchone()


def subscription(connection: Connection, user_id: UUID) -> dict[str, Any] | None:
    """Read a user's row of ``profiles``; ``None`` without one."""
    return _row(connection, SUBSCRIPTION, user_id)


def usage(connection: Connection, user_id: UUID) -> dict[str, Any] | None:
    """Read a user's row of ``feature_usage``; ``None`` without one."""
    return _row(connection, USAGE, user_id)


def _row(
    connection: Connection, statement: str, user_id: UUID
) -> dict[str, Any] | None:
    """Read a whole row; a table that is not as the baseline has it has none."""
    try:
        row = connection.execute(statement, (user_id,)).fetchone()
    except _OTHER_TABLES:
        return None
    found: Any = row[0] if row else None
    return found if isinstance(found, dict) else None
