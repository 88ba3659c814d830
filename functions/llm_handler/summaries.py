"""Refresh the summary of a conversation every so many turns, after the answer."""

import logging
from collections.abc import Callable, Sequence

from functions.llm_handler import queries
from functions.llm_handler.prompts import summary_prompt
from functions.llm_handler.queries import Saved, Taken
from functions.shared.database import Database
from functions.shared.prompts import Turn
from functions.shared.providers.models import Models, read_config

logger = logging.getLogger(__name__)

EVERY_TURNS = 10
"""Turns between two summaries: they cover the history that a turn reads, 20 messages
by two a turn, so that nothing falls between summary and history."""

LEFT_MIN_S = 12.0
"""With less time left, in seconds, the next turn writes the summary."""

SAVE_MARGIN_S = 3.0


def summarise(
    database: Database,
    models: Models,
    *,
    taken: Taken,
    saved: Saved,
    turns: Sequence[Turn],
    left_s: Callable[[], float],
) -> bool:
    """Write a summary if one is due; a failure of it is logged and fails nothing.

    Args:
        database: Where it goes.
        models: The language models.
        taken: The message that was answered.
        saved: Its answer.
        turns: The history with the answer.
        left_s: Time that is left, in seconds.

    Returns:
        Whether a summary was saved.
    """
    due = saved.turn_count - saved.last_summary_at_turn >= EVERY_TURNS
    if not due or left_s() < LEFT_MIN_S:
        return False
    try:
        completion = models.complete(
            read_config(taken.config),
            summary_prompt(turns, taken.summary),
            left_s() - SAVE_MARGIN_S,
        )
        parameters: dict[str, object] = {
            "chat_id": taken.chat_id,
            "text": completion.text.replace("\0", ""),
            "turn_count": saved.turn_count,
            "last_summary_at_turn": saved.last_summary_at_turn,
            "turn_range": f"{saved.last_summary_at_turn + 1}-{saved.turn_count}",
            "message_count": len(turns),
        }
        return database.run(
            lambda connection: queries.save_summary(connection, parameters),
            repeatable=True,
        )
    except Exception:  # the answer is saved; the next turn is due as well
        logger.exception("summary not written")
        return False
