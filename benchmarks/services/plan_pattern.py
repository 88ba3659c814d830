"""What the scaling plan's app asks of PostgreSQL for one message, call by call.

The app asks through PostgREST: each call is a transaction of its own that begins with
setting role and claims. PostgREST is near its database and sends a transaction in
several round trips, but the app's function waits once for each call. So each call is
sent here as one flight, and counts once.

The calls of a warm turn: the conversation's mode and the model's configuration come
from the function's own caches; cold there are two more. The count was taken from the
app's TypeScript; readings for memories, on some turns 5 to 8 more, are left out.
"""

from collections.abc import Iterator

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[object, ...]]

MEMORIES_USED = 10
"""Memories whose counters a turn raises, each by reading it and writing it back."""

PREAMBLE = sql.SQL(
    "begin; select set_config('role', 'postgres', true),"
    " set_config('request.jwt.claims', '{{}}', true); {}; commit"
)

INSERT = """
insert into public.messages (id, chat_id, role, text, created_at, client_msg_id, status,
    mode, user_id, meta)
values (gen_random_uuid(), %(chat)s, '{role}', %(text)s, clock_timestamp(),
    gen_random_uuid(), 'complete', 'chat', %(user)s, '{{}}')
returning *
"""

# auth.getUser: GoTrue reads the user behind the token.
USER = "select id, email from auth.users where id = %(user)s"
ACCEPT = (USER, INSERT.format(role="user"))

CONVERSATION = """
select id, mode, user_id, profile_id, meta from public.conversations where id = %(chat)s
"""
CACHE = """
select cache_name, expires_at from public.conversation_caches where chat_id = %(chat)s
"""
HISTORY = """
select role, text, created_at from public.messages
 where chat_id = %(chat)s and role <> 'system' and status = 'complete'
 order by created_at desc limit 20
"""
SYSTEM = """
select text from public.messages where chat_id = %(chat)s and role = 'system'
 order by created_at limit 1
"""
SUMMARY = """
select summary_text, turn_range from public.conversation_summaries
 where chat_id = %(chat)s order by created_at desc limit 1
"""
PROFILE = """
select id from public.user_profile_list where user_id = %(user)s and is_primary
"""
MEMORIES = """
select id, memory_text, memory_type, reference_count from public.user_memory
 where user_id = %(user)s and is_active
 order by reference_count desc, created_at desc limit 20
"""
TURNS = "select turn_count from public.conversations where id = %(chat)s"

READ = (CONVERSATION, CACHE, HISTORY, SYSTEM, SUMMARY, PROFILE, MEMORIES, TURNS)
"""The first five at a time, without waiting for each other: each is a call all the
same."""

COUNTER = """
select reference_count from public.user_memory where user_id = %(user)s
 order by created_at limit 1 offset %(position)s
"""
RAISE = """
update public.user_memory
   set reference_count = reference_count, last_referenced_at = now()
 where id = (select id from public.user_memory where user_id = %(user)s
              order by created_at limit 1 offset %(position)s)
"""
USE_MEMORY = (COUNTER, RAISE)

COUNT = "select count(*) from public.messages where chat_id = %(chat)s"
ANSWER = (INSERT.format(role="assistant"), COUNT)


def send(connection: Connection, values: dict[str, object]) -> None:
    """Make the calls that accept a message.

    Args:
        connection: In autocommit mode.
        values: ``user``, ``chat`` and ``text``.
    """
    for query in ACCEPT:
        _call(connection, query, values)


def finish(connection: Connection, values: dict[str, object]) -> None:
    """Make the calls that answer it; as `send`."""
    for query, more in _rest():
        _call(connection, query, values | more)


def _rest() -> Iterator[tuple[str, dict[str, object]]]:
    """Give the calls after the message was accepted."""
    for query in READ:
        yield query, {}
    for position in range(MEMORIES_USED):
        for query in USE_MEMORY:
            yield query, {"position": position}
    for query in ANSWER:
        yield query, {}


def _call(connection: Connection, query: str, values: dict[str, object]) -> None:
    """Make one call: a transaction in one flight."""
    # The simple protocol takes several statements at once, and no parameters: the
    # client cursor writes them into the text.
    with psycopg.ClientCursor(connection) as cursor:
        whole = PREAMBLE.format(sql.SQL(query))
        cursor.execute(whole, values)
