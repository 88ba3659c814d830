"""Refresh the summary of a conversation every so many messages, after the answer."""

import logging
from collections.abc import Callable

import msgspec

from functions.llm_handler import queries
from functions.llm_handler.budgets import Budget, Purse
from functions.llm_handler.prompts import summary_prompt, turns_of
from functions.llm_handler.queries import HISTORY_MESSAGES
from functions.llm_handler.rows import Saved, Summary, Taken
from functions.shared.database import Database
from functions.shared.prompts import Prompt, Turn
from functions.shared.providers.models import ModelConfig, Models

logger = logging.getLogger(__name__)

EVERY_MESSAGES = HISTORY_MESSAGES
"""Messages between two summaries: as many as a turn reads, that is ten turns. Counted
are messages and not turns, because a voice session adds some without llm_handler. What
no summary covers stays in the history (`take_statement.TAKE`), so that nothing falls
between the two, even when a summary comes late."""

LEFT_MIN_S = 12.0
"""With less time left, in seconds, the next turn writes the summary."""

SAVE_MARGIN_S = 3.0


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A turn whose answer is saved.

    Attributes:
        outbox_id: Its outbox row, deleted by now; the cost is held under its number.
        taken: The message that was answered.
        saved: What became of the answer.
        text: The answer.
    """

    outbox_id: int
    taken: Taken
    saved: Saved
    text: str


class Summariser:
    """Writes summaries, within the user's budget as the answers.

    Args:
        database: Where they go.
        models: The language models.
        budget: What they may cost.
        purse: Holds that.
    """

    def __init__(
        self, database: Database, models: Models, budget: Budget, purse: Purse
    ) -> None:
        self._database = database
        self._models = models
        self._budget = budget
        self._purse = purse

    def refresh(
        self, config: ModelConfig, turn: Finished, left_s: Callable[[], float]
    ) -> bool:
        """Write a summary if one is due; a failure of it is logged and fails nothing.

        Args:
            config: Whom to ask.
            turn: The turn after which it may be due.
            left_s: Time that is left, in seconds.

        Returns:
            Whether a summary was saved.
        """
        due = turn.taken.unsummarised + 1 >= EVERY_MESSAGES
        if not due or left_s() < LEFT_MIN_S:
            return False
        turns = [*turns_of(turn.taken.history), Turn("assistant", turn.text)]
        prompt = summary_prompt(turns, turn.taken.summary)
        try:
            held = self._purse.hold(
                turn.outbox_id,
                turn.taken.user_id,
                self._budget.at_most(config, prompt),
                left_s=left_s(),
            )
            if held != "granted":
                logger.info("no budget for a summary")
                return False
            return self._write(config, turn, prompt, left_s() - SAVE_MARGIN_S)
        except Exception:  # the answer is saved; the next turn is due as well
            logger.exception("summary not written")
            return False

    def _write(
        self, config: ModelConfig, turn: Finished, prompt: Prompt, budget_s: float
    ) -> bool:
        """Ask for the summary and save it; give back what is held if that fails."""
        try:
            completion = self._models.complete(config, prompt, budget_s)
        except Exception:
            self._database.run(
                lambda connection: queries.release(
                    connection, turn.outbox_id, turn.taken.user_id
                ),
                repeatable=True,
            )
            raise
        summary = Summary(
            outbox_id=turn.outbox_id,
            user_id=turn.taken.user_id,
            chat_id=turn.taken.chat_id,
            message_id=turn.taken.message_id,
            text=completion.text.replace("\0", ""),
            turn_count=turn.saved.turn_count,
            last_summary_at_turn=turn.saved.last_summary_at_turn,
            message_count=len(turn.taken.history) + 1,
            cost=self._budget.cost(config, prompt, completion),
        )
        return self._database.run(
            lambda connection: queries.save_summary(connection, summary),
            repeatable=True,
        )
