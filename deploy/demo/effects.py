"""What the traffic left in the database: each message once, each answered once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from deploy.demo.rows import ALL_USERS
from deploy.demo.session import Connection
from deploy.demo.traffic import Sent

WRITERS = f"""
select user_id, id
from (
    select distinct on (c.user_id) c.user_id, c.id, c.updated_at
    from public.conversations c
    where c.user_id in ({ALL_USERS}) and c.mode is distinct from 'together'
    order by c.user_id, c.updated_at desc
) newest
order by updated_at desc
limit %(writers)s
""".replace("'user%@", "'user%%@")  # noqa: S608 - constants
"""The conversations that their users used last, one for each user."""

WAITING = """
select topic, count(*), count(*) filter (where dead_at is null),
       coalesce(max(last_error), '')
from kiloscale.outbox
where key = any(%(keys)s) and ready_at <= now()
group by topic
"""

ONCE = """
select count(*) as accepted,
       count(*) filter (where copies = 1) as saved_once,
       count(*) filter (where answers = 1) as answered_once,
       coalesce(sum(answers), 0) as answers
from unnest(%(chats)s::uuid[], %(messages)s::uuid[]) as sent (chat_id, client_msg_id)
cross join lateral (
    select count(*) as copies, (array_agg(m.id))[1] as id, min(m.created_at) as at
    from public.messages m
    where m.chat_id = sent.chat_id and m.client_msg_id = sent.client_msg_id
) saved
cross join lateral (
    select count(*) as answers
    from public.messages a
    where a.chat_id = sent.chat_id and a.created_at >= saved.at
        and a.role = 'assistant' and a.meta ->> 'reply_to' = saved.id::text
) answered
"""

MEMORIES = """
select count(*)
from public.user_memory y
join public.messages m on m.id = y.source_message_id
where m.chat_id = any(%(chats)s) and m.created_at >= %(since)s
"""

WAIT_S = 90.0
"""Longest wait for the answers: what a queue lost, the relay sends after 60 s."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What the database has of the accepted messages.

    Attributes:
        accepted: Messages that the function accepted.
        saved_once: Those that are one row.
        answered_once: Those with exactly one answer.
        answers: All answers to them.
    """

    accepted: int
    saved_once: int
    answered_once: int
    answers: int

    @property
    def hold(self) -> bool:
        """Whether each message is one row with one answer."""
        return self.saved_once == self.answered_once == self.accepted == self.answers


def writers(connection: Connection, most: int) -> list[tuple[UUID, UUID]]:
    """Find users of the demo that may write, with a conversation of theirs."""
    found = connection.execute(WRITERS.encode(), {"writers": most}).fetchall()
    return [(UUID(str(user)), UUID(str(chat))) for user, chat in found]


def drain(
    connection: Connection,
    people: Sequence[tuple[UUID, UUID]],
    progress: Callable[[str], None],
    wait_s: float = WAIT_S,
) -> tuple[dict[str, str], float]:
    """Wait until nothing of these users and conversations is to be done.

    What may begin later only, such as the reading of a conversation that does not rest
    yet, is not waited for.

    Args:
        connection: In autocommit mode.
        people: Users and conversations.
        progress: Told how many rows wait.
        wait_s: Longest wait, in seconds.

    Returns:
        What is left, by topic, rows that were given up included; empty if all is done.
        And how long it took, in seconds.
    """
    keys = [str(key) for person in people for key in person]
    began = time.monotonic()
    while True:
        found = connection.execute(WAITING, {"keys": keys}).fetchall()
        waiting = sum(int(str(row[2])) for row in found)
        took = time.monotonic() - began
        if not waiting or took > wait_s:
            return {
                str(row[0]): f"{row[1]} rows {row[3]}".strip() for row in found
            }, took
        progress(f"{waiting} outbox rows are on their way")
        time.sleep(0.2)


def count(connection: Connection, sent: Sequence[Sent]) -> Counts:
    """Count the rows of the accepted messages."""
    accepted = [one for one in sent if one.answer.status in {200, 201}]
    chats = [str(one.chat) for one in accepted]
    messages = [str(one.client_msg_id) for one in accepted]
    return count_once(connection, chats, messages)


def count_once(
    connection: Connection, chats: Sequence[str], messages: Sequence[str]
) -> Counts:
    """Count the rows and the answers of messages.

    Args:
        connection: To the database.
        chats: The conversation of each message.
        messages: The ``client_msg_id`` of each.
    """
    values = {"chats": list(chats), "messages": list(messages)}
    row = connection.execute(ONCE, values).fetchone() or (0, 0, 0, 0)
    names = ("accepted", "saved_once", "answered_once", "answers")
    return Counts(**dict(zip(names, (int(str(one)) for one in row), strict=True)))


def memories(
    connection: Connection, people: Sequence[tuple[UUID, UUID]], since: datetime
) -> int:
    """Count the memories that were made of messages since a time."""
    values = {"chats": [chat for _, chat in people], "since": since}
    row = connection.execute(MEMORIES, values).fetchone()
    return int(str(row[0])) if row else 0
