"""The queries of llm_handler: a function for each statement."""

from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from functions.llm_handler import statements
from functions.llm_handler.rows import (
    Answer,
    BudgetState,
    Ceiling,
    Found,
    Saved,
    Summary,
)
from functions.llm_handler.take_statement import TAKE
from functions.shared.database import Connection
from functions.shared.extraction_policy import MATURE_AT
from functions.shared.providers.spending import TURN_TOKENS, Cost

HISTORY_MESSAGES = 20
MEMORIES = 20
"""As many of each as the app's own path reads for a turn."""

HISTORY_MAX = 100
"""Messages that a turn reads at most, if no summary covers them yet: what came in
without llm_handler, above all batches of a voice session."""

HISTORY_BYTES = 200_000
"""UTF-8 bytes of a history beyond which older messages are left out: 50,000 tokens of
English, 70,000 of Chinese. Models of 128,000 tokens refuse a longer prompt, and would
refuse it at each delivery."""


def take(
    connection: Connection, outbox_id: int, *, lease_s: int, ceiling: Ceiling
) -> Found:
    """Take the lease of a row, read all that its answer needs, hold what it may cost.

    Args:
        connection: In autocommit mode: the statement is the transaction.
        outbox_id: The row.
        lease_s: How long the lease and the reservation last, in seconds.
        ceiling: What bounds the cost.
    """
    parameters = {
        "outbox_id": outbox_id,
        "lease_s": lease_s,
        "history": HISTORY_MESSAGES,
        "history_max": HISTORY_MAX,
        "history_bytes": HISTORY_BYTES,
        "memories": MEMORIES,
        "mature_at": MATURE_AT,
        "turn_tokens": TURN_TOKENS,
        **msgspec.structs.asdict(ceiling),
    }
    with connection.cursor(row_factory=class_row(Found)) as cursor:
        return cursor.execute(TAKE, parameters).fetchall()[0]


def save(connection: Connection, answer: Answer, statement: str) -> Saved:
    """Save an answer and its cost, delete its outbox row, count the turn, announce it.

    Args:
        connection: In autocommit mode: the statement is the transaction.
        answer: The answer.
        statement: One of the three of ``statements.py`` that begin with ``SAVE_``.
    """
    reading = answer.reading
    parameters = {
        "outbox_id": answer.outbox_id,
        "message_id": answer.message_id,
        "chat_id": answer.chat_id,
        "answer_id": answer.answer_id,
        "text": answer.text,
        "meta": answer.meta,
        "call_id": answer.call_id,
        "memory_ids": answer.memory_ids,
        "turns_max": reading.turns_max if reading else None,
        "idle_s": reading.idle_s if reading else None,
        "window": reading.window if reading else None,
        **_cost(answer.cost),
    }
    with connection.cursor(row_factory=class_row(Saved)) as cursor:
        return cursor.execute(statement, parameters).fetchall()[0]


def discard(connection: Connection, outbox_id: int) -> None:
    """Delete an outbox row whose work is done or void."""
    connection.execute(statements.DISCARD, (outbox_id,))


def give_up(
    connection: Connection,
    outbox_id: int,
    *,
    leased_until: datetime,
    user_id: UUID,
    reason: str,
) -> None:
    """Release a lease and what is held; record why there is no answer yet."""
    parameters = {
        "outbox_id": outbox_id,
        "leased_until": leased_until,
        "user_id": user_id,
        "reason": reason,
    }
    connection.execute(statements.GIVE_UP, parameters)


def hold(
    connection: Connection,
    outbox_id: int,
    user_id: UUID,
    *,
    microusd: int,
    day_microusd: int,
    lease_s: int,
) -> BudgetState:
    """Hold a part of a user's budget of today for an outbox row."""
    parameters = {
        "outbox_id": outbox_id,
        "user_id": user_id,
        "microusd": microusd,
        "day_microusd": day_microusd,
        "lease_s": lease_s,
    }
    [(state,)] = connection.execute(statements.HOLD, parameters).fetchall()
    return state  # type: ignore[return-value]  # one of the three, says the function


def release(connection: Connection, outbox_id: int, user_id: UUID) -> None:
    """Give back what is held for an outbox row."""
    parameters = {"outbox_id": outbox_id, "user_id": user_id}
    connection.execute(statements.RELEASE, parameters)


def save_summary(connection: Connection, summary: Summary) -> bool:
    """Save a summary and its cost; say whether no other consumer had saved one."""
    first = summary.last_summary_at_turn + 1
    parameters: dict[str, object] = {
        **msgspec.structs.asdict(summary),
        "turn_range": f"{first}-{summary.turn_count}",
        **_cost(summary.cost),
    }
    row = connection.execute(statements.SAVE_SUMMARY, parameters).fetchall()[0]
    return bool(row[0])


def _cost(cost: Cost | None) -> dict[str, object]:
    """Give the parameters of a cost; without one nothing is counted."""
    return {
        "model": cost.model if cost else None,
        "input_tokens": cost.input_tokens if cost else 0,
        "output_tokens": cost.output_tokens if cost else 0,
        "microusd": cost.microusd if cost else 0,
    }
