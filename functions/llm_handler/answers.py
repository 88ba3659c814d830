"""Answer one message: lease, ask, save, announce, pass on."""

import logging
from collections.abc import Callable
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from functions.llm_handler import queries, statements
from functions.llm_handler.prompts import answer_prompt
from functions.llm_handler.queries import Answer, Saved, Taken
from functions.llm_handler.summaries import summarise
from functions.shared.database import Database
from functions.shared.extraction_policy import Answered, Policy
from functions.shared.logging import request_id
from functions.shared.prompts import Turn
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import Models, read_config
from functions.shared.queues import Queue
from functions.shared.realtime import Broadcaster, BroadcastError

logger = logging.getLogger(__name__)

SAVE_MARGIN_S = 8.0
"""Time kept for saving and announcing, in seconds: a reconnection takes up to 5."""

LEASE_MARGIN_S = 10
"""How much longer the lease lasts than the work may, in seconds. Without it a second
consumer could call the model while the first one saves."""

ANSWERS = uuid5(NAMESPACE_URL, "kiloscale:answers")
"""Namespace of the answers' ids."""


class Outcome(StrEnum):
    """What became of a request for an answer."""

    ANSWERED = "answered"
    DONE_BEFORE = "done before"
    LEASED = "leased by another consumer"
    VOID = "the message is gone"


def answer_id(message_id: UUID) -> UUID:
    """Give the id of the one answer to a message."""
    return uuid5(ANSWERS, str(message_id))


class Answerer:
    """Answers messages, each exactly once however often it is asked to.

    Args:
        database: Where the messages are.
        models: The language models.
        policy: When turns are read for memories.
        broadcaster: Announces an answer where SQL cannot; ``None`` where there is no
            realtime.
        extractions: Takes what is to be read for memories to extract_memory; ``None``
            where the outbox alone does.
    """

    def __init__(
        self,
        database: Database,
        models: Models,
        broadcaster: Broadcaster | None,
        policy: Policy,
        extractions: Queue | None = None,
    ) -> None:
        self._database = database
        self._models = models
        self._broadcaster = broadcaster
        self._policy = policy
        self._extractions = extractions

    def answer(self, outbox_id: int, left_s: Callable[[], float]) -> Outcome:
        """Answer the message of one outbox row.

        Args:
            outbox_id: The row.
            left_s: Time that is left for everything, in seconds.

        Raises:
            ProviderError: No model answered. The reason stands on the row, the lease
                is released, and the next delivery tries again.
        """
        lease_s = int(left_s()) + LEASE_MARGIN_S
        # If a first run took the lease and was cut off, the second finds it taken:
        # the delivery fails, and a later one meets the end of the lease.
        found = self._database.run(
            lambda connection: queries.take(connection, outbox_id, lease_s),
            repeatable=True,
        )
        if not found.is_waiting:
            return Outcome.DONE_BEFORE
        if not found.is_leased:
            return Outcome.LEASED
        taken = found.taken()
        if taken is None:
            self._discard(outbox_id)
            return Outcome.VOID
        completion = self._ask(outbox_id, taken, left_s() - SAVE_MARGIN_S)
        saved = self._save(outbox_id, taken, completion)
        self._announce(taken, saved)
        self._enqueue(taken, saved)
        if saved.answer_id is not None:
            turns = [*taken.history, Turn("assistant", completion.text)]
            summarise(
                self._database,
                self._models,
                taken=taken,
                saved=saved,
                turns=turns,
                left_s=left_s,
            )
        return Outcome.ANSWERED

    def _ask(self, outbox_id: int, taken: Taken, budget_s: float) -> Completion:
        """Ask the model; leave the reason on the row if there is no answer."""
        try:
            config = read_config(taken.config)
            prompt = answer_prompt(
                taken.history,
                taken.memories,
                taken.summary,
                config.instructions,
            )
            return self._models.complete(config, prompt, budget_s)
        except Exception as error:
            # The text of an unexpected error could quote the prompt.
            known = isinstance(error, ProviderError)
            reason = str(error) if known else type(error).__name__
            self._database.run(
                lambda connection: queries.give_up(connection, outbox_id, reason),
                repeatable=True,
            )
            raise

    def _save(self, outbox_id: int, taken: Taken, completion: Completion) -> Saved:
        """Save the answer, by the way in which this deployment announces it."""
        meta = {
            "reply_to": taken.message_id,
            "model": completion.model,
            "input_tokens": completion.input_tokens,
            "output_tokens": completion.output_tokens,
        }
        # PostgreSQL's text holds every character but this one.
        text = completion.text.replace("\0", "")
        own_id = answer_id(taken.message_id)
        answer = Answer(
            outbox_id=outbox_id,
            message_id=taken.message_id,
            answer_id=own_id,
            text=text,
            reading=self._policy(
                Answered(
                    message_id=own_id,
                    asked=taken.history[-1].text if taken.history else "",
                    answered=text,
                    messages=taken.message_count + 1,
                )
            ),
            meta=msgspec.json.encode(meta).decode(),
        )
        statement = (
            statements.SAVE_AND_ENQUEUE if self._broadcaster else statements.SAVE_ONLY
        )
        if taken.has_realtime:
            statement = statements.SAVE_AND_SEND
        # A second run after a commit that was cut off finds the outbox row deleted.
        return self._database.run(
            lambda connection: queries.save(connection, answer, statement),
            repeatable=True,
        )

    def _announce(self, taken: Taken, saved: Saved) -> None:
        """Broadcast the answer, best effort: its outbox row stays if that fails."""
        if not (saved.notice_id and self._broadcaster):
            return
        event = {
            "topic": f"user-realtime:{taken.user_id}",
            "event": "message",
            "payload": {"chat_id": taken.chat_id, "message_id": saved.answer_id},
        }
        try:
            self._broadcaster.send([event])
        except BroadcastError as error:
            fields = {"reason": error.reason, "outbox_id": saved.notice_id}
            logger.warning("the relay will announce it", extra={"fields": fields})
            return
        self._discard(saved.notice_id)

    def _enqueue(self, taken: Taken, saved: Saved) -> None:
        """Send a sampled answer on to extract_memory, best effort like all sends."""
        if saved.extraction_id is None or self._extractions is None:
            return
        work = {
            "outbox_id": saved.extraction_id,
            "chat_id": taken.chat_id,
            "user_id": taken.user_id,
            "message_id": saved.answer_id,
            "request_id": request_id.get(),
        }
        self._extractions.send(work)

    def _discard(self, outbox_id: int) -> None:
        """Delete an outbox row."""
        self._database.run(
            lambda connection: queries.discard(connection, outbox_id), repeatable=True
        )
