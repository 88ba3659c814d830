"""The queries of extract_memory: what goes into each statement and what comes out.

The statements of a pipeline are sent in one go and are one transaction, since the
connection is in autocommit mode and nothing synchronises before the end: the locks cost
no round trip of their own. ``connection.transaction()`` within would synchronise, which
makes 8 round trips of one.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from functions.extract_memory import effects, statements
from functions.extract_memory.conversations import (
    Conversation,
    Done,
    Found,
    Limit,
    Saved,
)
from functions.extract_memory.known import Known, Sorted, sort_out
from functions.extract_memory.memories import Kept
from functions.shared.database import Connection
from functions.shared.providers.spending import Cost

SCOPE = "extraction"
"""``scope`` of the limit's counter."""

MESSAGES_MAX = 40
"""Messages that one call reads: twenty turns. As in kiloscale.begin_memory_progress."""

CONTEXT_MESSAGES = 24
"""Messages before them that were read already: the user's among them are read again.
Measured with ``./bootstrap policy-lab``: with 16 less is found, with 40 no more."""

MESSAGE_TEXT_MAX = 2_000
ANSWER_TEXT_MAX = 2_000
"""Characters that are read of a user's message, and of the end of an assistant's, which
only helps to understand the next one; see material.py for what is shown of it."""

LATE_S = 60
"""How late a message may be committed, in seconds, and still be found unread; as in the
comment of ``memory_progress.read_ids``. A request ends after 10."""

KNOWN_MAX = 1_000
"""Memories of a user that a new one is compared with; 100 kB at most in practice."""


def take(
    connection: Connection,
    chat_id: UUID,
    outbox_ids: Sequence[int],
    lease_s: int,
    limit: Limit,
) -> Found:
    """Lease a conversation and its rows, count the call, read what is unread."""
    parameters = {
        "chat_id": chat_id,
        "outbox_ids": list(outbox_ids),
        "lease_s": lease_s,
        "scope": SCOPE,
        "hits_max": limit.hits,
        "window_s": limit.window_s,
        "messages": MESSAGES_MAX,
        "context": CONTEXT_MESSAGES,
        "text_max": MESSAGE_TEXT_MAX,
        "answer_text_max": ANSWER_TEXT_MAX,
        "late_s": LATE_S,
    }
    with connection.cursor(row_factory=class_row(Found)) as cursor:
        with connection.pipeline():
            connection.execute(statements.BEGIN_PROGRESS, (chat_id,))
            connection.execute(statements.LOCK_PROGRESS, (chat_id,))
            cursor.execute(statements.TAKE, parameters)
        return cursor.fetchall()[0]


def finish(
    connection: Connection,
    conversation: Conversation,
    outbox_ids: Sequence[int],
    *,
    spent: Cost | None,
    is_counted: bool = True,
) -> Done:
    """Note that a conversation was read and told nothing; delete its rows.

    Args:
        connection: In autocommit mode.
        conversation: What was read.
        outbox_ids: The rows that asked.
        spent: What the call cost; ``None`` if there was none.
        is_counted: Whether a call was counted, which is given back if there was none.
    """
    parameters = _finishing(conversation, outbox_ids)
    with connection.cursor(row_factory=class_row(Done)) as cursor:
        with connection.pipeline():
            connection.execute(statements.LOCK_PROGRESS, (conversation.chat_id,))
            if spent is None and is_counted:
                connection.execute(effects.REFUND, _held(conversation, ()))
            _settle(connection, conversation, spent)
            cursor.execute(effects.FINISH, parameters)
        return cursor.fetchall()[0]


def save(
    connection: Connection,
    conversation: Conversation,
    outbox_ids: Sequence[int],
    *,
    memories: Sequence[Kept],
    spent: Cost,
) -> Saved:
    """Save what the user does not have yet, count what he told again, and finish."""
    keys = {
        "user_id": conversation.user_id,
        "profile_id": conversation.profile_id,
        "known": KNOWN_MAX,
    }
    with connection.cursor(row_factory=class_row(Done)) as cursor:
        with connection.pipeline():
            connection.execute(effects.LOCK_USER, (conversation.user_id,))
            connection.execute(effects.LOCK_CONVERSATION, (conversation.chat_id,))
            connection.execute(statements.LOCK_PROGRESS, (conversation.chat_id,))
            with connection.cursor(row_factory=class_row(Known)) as known:
                found = known.execute(effects.KNOWN, keys).fetchall()
            choice = sort_out(memories, found)
            _settle(connection, conversation, spent)
            cursor.execute(
                effects.SAVE,
                _finishing(conversation, outbox_ids)
                | {
                    "user_id": conversation.user_id,
                    "profile_id": conversation.profile_id,
                    "mode": conversation.mode,
                    "memories": _rows(choice, spent),
                    "known_ids": choice.told_again,
                },
            )
        done = cursor.fetchall()[0]
    return Saved(
        saved=done.saved,
        told_again=len(choice.told_again) if done.is_ours else 0,
        taken_back=choice.taken_back,
    )


def postpone(
    connection: Connection,
    conversation: Conversation,
    outbox_ids: Sequence[int],
    limit: Limit,
) -> None:
    """Let the rows wait until the user's window ends."""
    parameters = _held(conversation, outbox_ids) | {"window_s": limit.window_s}
    with connection.pipeline():
        connection.execute(statements.LOCK_PROGRESS, (conversation.chat_id,))
        connection.execute(effects.POSTPONE, parameters)


def give_up(
    connection: Connection,
    conversation: Conversation,
    outbox_ids: Sequence[int],
    *,
    reason: str,
    spent: Cost | None,
) -> None:
    """Release the leases, give the call back, record why there is nothing yet."""
    parameters = _held(conversation, outbox_ids) | {"reason": reason}
    with connection.pipeline():
        connection.execute(statements.LOCK_PROGRESS, (conversation.chat_id,))
        connection.execute(effects.REFUND, parameters)
        _settle(connection, conversation, spent)
        connection.execute(effects.GIVE_UP, parameters)


def discard(connection: Connection, outbox_ids: Sequence[int]) -> None:
    """Delete rows whose conversation is gone."""
    connection.execute(statements.DISCARD, (list(outbox_ids),))


def _settle(
    connection: Connection, conversation: Conversation, spent: Cost | None
) -> None:
    """Add a call to the record of costs."""
    if spent is not None:
        parameters = msgspec.structs.asdict(spent) | _held(conversation, ())
        connection.execute(effects.SETTLE, parameters)


def _held(conversation: Conversation, outbox_ids: Sequence[int]) -> dict[str, Any]:
    """Give the parameters by which a lease is known, and its rows."""
    return {
        "chat_id": conversation.chat_id,
        "user_id": conversation.user_id,
        "token": conversation.token,
        "outbox_ids": list(outbox_ids),
        "scope": SCOPE,
    }


def _finishing(conversation: Conversation, outbox_ids: Sequence[int]) -> dict[str, Any]:
    """Give the parameters of `effects.FINISH`."""
    has_rest = conversation.left_over > 0
    rest = {
        "chat_id": conversation.chat_id,
        "user_id": conversation.user_id,
        "window": None,
        "idle_s": conversation.idle_s,
    }
    is_full = conversation.left_over >= MESSAGES_MAX
    return _held(conversation, outbox_ids) | {
        "rest": msgspec.json.encode(rest).decode() if has_rest else None,
        "rest_s": 0 if is_full else conversation.idle_s,
        # How many of the turns are left over is not known; that there are some is.
        "turns": conversation.turns - has_rest,
        "read_through": conversation.read_through,
        "read_ids": [each.id for each in conversation.messages],
        "late_s": LATE_S,
    }


def _rows(choice: Sorted, spent: Cost) -> str:
    """Write new memories as JSON rows of ``user_memory``."""
    metadata = {
        "model": spent.model,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
    }
    rows = []
    for each in choice.new:
        row = msgspec.structs.asdict(each)
        del row["is_second_look"]
        told = {"value": row.pop("value"), "horizon_days": row.pop("horizon_days")}
        rows.append(row | {"memory_metadata": metadata | told})
    return msgspec.json.encode(rows).decode()
