"""Read the end of a conversation once: lease, ask, choose, save."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from functions.extract_memory import queries
from functions.extract_memory.memories import (
    Kept,
    UnreadableAnswerError,
    decode,
    keep,
)
from functions.extract_memory.prompts import extraction_prompt
from functions.extract_memory.queries import Conversation, Limit, Saved
from functions.shared.database import Database
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import Models, read_config

logger = logging.getLogger(__name__)

SAVE_MARGIN_S = 8.0
"""Time kept for saving, in seconds: a reconnection takes up to 5."""

LEASE_MARGIN_S = 10
"""How much longer the lease lasts than the work may, in seconds. Without it a second
consumer could call the model while the first one saves."""


class Outcome(StrEnum):
    """What became of a conversation's rows."""

    READ = "conversation read"
    DONE_BEFORE = "done before"
    LEASED = "leased by another consumer"
    VOID = "the messages are gone"
    OVER_LIMIT = "dropped: over the user's limit"


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a conversation.

    Attributes:
        outcome: Of the rows that were leased, or why none was.
        busy: Rows that another consumer works on: they must be delivered again.
        saved: Memories that were saved.
    """

    outcome: Outcome
    busy: frozenset[int] = frozenset()
    saved: int = 0


class Extractor:
    """Reads conversations for memories, each message that asks for it once.

    Args:
        database: Where the messages and the memories are.
        models: The language models.
        limit: How many calls a user has.
    """

    def __init__(self, database: Database, models: Models, limit: Limit) -> None:
        self._database = database
        self._models = models
        self._limit = limit

    def extract(
        self, chat_id: UUID, outbox_ids: Sequence[int], left_s: Callable[[], float]
    ) -> Extraction:
        """Read one conversation for all of its rows, with one call of the model.

        Args:
            chat_id: The conversation.
            outbox_ids: The rows that ask for it.
            left_s: Time that is left for everything, in seconds.

        Raises:
            ProviderError: No model answered.
            UnreadableAnswerError: It answered something else than was asked for. In
                both cases the reason stands on the rows, the leases are released and
                the call is given back; the next delivery tries again.
        """
        lease_s = int(left_s()) + LEASE_MARGIN_S
        # If a first run took the leases and was cut off, the second finds them taken:
        # the delivery fails, and a later one meets the end of the leases.
        found = self._database.run(
            lambda connection: queries.take(
                connection, chat_id, outbox_ids, lease_s, self._limit
            ),
            repeatable=True,
        )
        busy = frozenset(found.waiting) - frozenset(found.leased)
        if not found.leased:
            outcome = Outcome.LEASED if busy else Outcome.DONE_BEFORE
            return Extraction(outcome=outcome, busy=busy)
        if found.conversation is None:
            self._discard(found.leased)
            return Extraction(outcome=Outcome.VOID, busy=busy)
        if not found.is_admitted:
            self._discard(found.leased)
            return Extraction(outcome=Outcome.OVER_LIMIT, busy=busy)
        conversation = msgspec.convert(found.conversation, Conversation)
        budget_s = left_s() - SAVE_MARGIN_S
        kept, refused, completion = self._ask(conversation, found.leased, budget_s)
        saved = self._save(conversation, found.leased, kept, completion)
        _log(conversation, kept, refused, saved)
        return Extraction(outcome=Outcome.READ, busy=busy, saved=saved.saved)

    def _ask(
        self, conversation: Conversation, outbox_ids: Sequence[int], budget_s: float
    ) -> tuple[list[Kept], Counter[str], Completion]:
        """Ask the model and choose; leave the reason on the rows if that fails."""
        try:
            completion = self._models.complete(
                read_config(conversation.config),
                extraction_prompt(conversation.turns),
                budget_s,
            )
            return *keep(decode(completion.text)), completion
        except Exception as error:
            # The text of an unexpected error could quote the conversation.
            known = isinstance(error, ProviderError | UnreadableAnswerError)
            reason = str(error) if known else type(error).__name__
            # Not repeated: a second run would give the call back twice. If it fails,
            # the leases run out by themselves.
            self._database.run(
                lambda connection: queries.give_up(
                    connection, conversation.user_id, outbox_ids, reason
                ),
                repeatable=False,
            )
            raise

    def _save(
        self,
        conversation: Conversation,
        outbox_ids: Sequence[int],
        kept: Sequence[Kept],
        completion: Completion,
    ) -> Saved:
        """Save the memories; without any, only the rows that asked are deleted."""
        if not kept:
            self._discard(outbox_ids)
            return Saved(unknown=0, saved=0)
        metadata = {
            "model": completion.model,
            "input_tokens": completion.input_tokens,
            "output_tokens": completion.output_tokens,
        }
        # A second run after a commit that was cut off finds the rows deleted.
        return self._database.run(
            lambda connection: queries.save(
                connection, conversation, outbox_ids, kept, metadata
            ),
            repeatable=True,
        )

    def _discard(self, outbox_ids: Sequence[int]) -> None:
        """Delete outbox rows."""
        self._database.run(
            lambda connection: queries.discard(connection, outbox_ids), repeatable=True
        )


def _log(
    conversation: Conversation,
    kept: Sequence[Kept],
    refused: Counter[str],
    saved: Saved,
) -> None:
    """Log counts and ids, never a memory."""
    fields = {
        "chat_id": conversation.chat_id,
        "kept": len(kept),
        "refused": refused,
        "known": len(kept) - saved.unknown,
        "saved": saved.saved,
    }
    logger.info("memories chosen", extra={"fields": fields})
