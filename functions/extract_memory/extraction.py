"""Read what is unread of a conversation once: lease, ask, choose, save."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec
import psycopg

from functions.extract_memory import queries
from functions.extract_memory.conversations import Conversation, Found, Limit, Saved
from functions.extract_memory.language import Language
from functions.extract_memory.memories import (
    Kept,
    UnreadableAnswerError,
    decode,
    keep,
)
from functions.extract_memory.prompts import Message, extraction_prompt
from functions.shared.database import Connection, Database
from functions.shared.providers.interface import ProviderError
from functions.shared.providers.spending import Cost

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
    NOTHING_NEW = "nothing that was not read"
    VOID = "the conversation is gone"
    POSTPONED = "postponed: over the user's limit"


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
    """Reads conversations for memories, each message once.

    Args:
        database: Where the messages and the memories are.
        language: Who reads.
        limit: How many calls a user has.
    """

    def __init__(self, database: Database, language: Language, limit: Limit) -> None:
        self._database = database
        self._language = language
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
        if found.conversation is not None:
            conversation = msgspec.convert(found.conversation, Conversation)
            done = self._read(conversation, found, left_s() - SAVE_MARGIN_S)
            return msgspec.structs.replace(done, busy=busy)
        if busy and not found.is_there:
            self._database.run(
                lambda connection: queries.discard(connection, found.waiting),
                repeatable=True,
            )
            return Extraction(outcome=Outcome.VOID)
        outcome = Outcome.LEASED if busy else Outcome.DONE_BEFORE
        return Extraction(outcome=outcome, busy=busy)

    def _read(
        self, conversation: Conversation, found: Found, budget_s: float
    ) -> Extraction:
        """Read what was leased."""
        shown = conversation.shown
        if not shown:
            self._database.run(
                lambda connection: queries.finish(
                    connection,
                    conversation,
                    found.leased,
                    spent=None,
                    is_counted=found.is_admitted,
                ),
                repeatable=True,
            )
            return Extraction(outcome=Outcome.NOTHING_NEW)
        if not found.is_admitted:
            self._database.run(
                lambda connection: queries.postpone(
                    connection, conversation, found.leased, self._limit
                ),
                repeatable=True,
            )
            return Extraction(outcome=Outcome.POSTPONED)
        kept, refused, spent = self._ask(
            conversation, shown, found.leased, budget_s=budget_s
        )
        saved = self._save(conversation, found.leased, kept, spent)
        _log(conversation, kept, refused, saved)
        return Extraction(outcome=Outcome.READ, saved=saved.saved)

    def _ask(
        self,
        conversation: Conversation,
        shown: Sequence[Message],
        outbox_ids: Sequence[int],
        *,
        budget_s: float,
    ) -> tuple[list[Kept], Counter[str], Cost]:
        """Ask the model and choose; leave the reason on the rows if that fails."""
        spent: Cost | None = None
        try:
            completion, spent = self._language.ask(extraction_prompt(shown), budget_s)
            return *keep(decode(completion.text), shown), spent
        except Exception as error:
            # The text of an unexpected error could quote the conversation.
            known = isinstance(error, ProviderError | UnreadableAnswerError)
            reason = str(error) if known else type(error).__name__
            # Not repeated: a second run would give the call back twice. If it fails,
            # the leases run out by themselves.
            self._database.run(
                lambda connection: queries.give_up(
                    connection, conversation, outbox_ids, reason=reason, spent=spent
                ),
                repeatable=False,
            )
            raise

    def _save(
        self,
        conversation: Conversation,
        outbox_ids: Sequence[int],
        kept: Sequence[Kept],
        spent: Cost,
    ) -> Saved:
        """Save the memories; without any, only note what was read."""

        def save(connection: Connection) -> Saved:
            if not kept:
                queries.finish(connection, conversation, outbox_ids, spent=spent)
                return Saved()
            return queries.save(
                connection, conversation, outbox_ids, memories=kept, spent=spent
            )

        # A second run after a commit that was cut off finds the token gone.
        try:
            return self._database.run(save, repeatable=True)
        except psycopg.errors.DeadlockDetected:
            # Something of the app locked the user's rows in another order. It has them
            # by now, and a reading that is paid for is not thrown away.
            return self._database.run(save, repeatable=True)


def _log(
    conversation: Conversation,
    kept: Sequence[Kept],
    refused: Counter[str],
    saved: Saved,
) -> None:
    """Log counts and ids, never a memory."""
    fields = {
        "chat_id": conversation.chat_id,
        "messages": len(conversation.messages),
        "kept": len(kept),
        "refused": refused,
        "told_again": saved.told_again,
        "taken_back": saved.taken_back,
        "saved": saved.saved,
    }
    logger.info("memories chosen", extra={"fields": fields})
