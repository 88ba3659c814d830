"""Answer one message: lease, ask, save, announce, pass on."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec
import psycopg

from functions.llm_handler import queries
from functions.llm_handler.announcements import Announcer
from functions.llm_handler.budgets import Budget, Purse, lease_s
from functions.llm_handler.prompts import BUDGET_TEXT, answer_prompt, turns_of
from functions.llm_handler.replies import refusal, reply
from functions.llm_handler.rows import Answer, Saved, Taken
from functions.llm_handler.summaries import Finished, Summariser
from functions.shared.database import Connection, Database
from functions.shared.extraction_policy import Policy
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import DEFAULT, ModelConfig, Models, read_config
from functions.shared.providers.spending import Cost

logger = logging.getLogger(__name__)

SAVE_MARGIN_S = 8.0
"""Time kept for saving and announcing, in seconds: a reconnection takes up to 5."""


class Outcome(StrEnum):
    """What became of a request for an answer."""

    ANSWERED = "answered"
    REFUSED = "answered that the day's budget is used up"
    DONE_BEFORE = "done before"
    LEASED = "leased by another consumer"
    BUSY = "the user's other answers hold the rest of the day's budget"
    VOID = "the message is gone"


DELIVERED_AGAIN = frozenset({Outcome.LEASED, Outcome.BUSY})
"""Outcomes after which the work is still to be done."""


class Configs(Protocol):
    """The row ``llm_provider`` of ``system_config``, as `LlmConfigs` keeps it."""

    def get(self) -> dict[str, Any] | None:
        """Give its value; ``None`` without such a row."""

    def invalidate(self) -> None:
        """Forget it: the next message reads the row."""


class Lease(msgspec.Struct, frozen=True):
    """An outbox row that is ours until some moment."""

    outbox_id: int
    until: datetime


class Answerer:
    """Answers messages, each exactly once however often it is asked to.

    Args:
        database: Where the messages are.
        models: The language models.
        configs: Which of them.
        budget: What they may cost.
        policy: When turns are read for memories.
        announcer: Passes on what was saved.
        sleep: Waits some seconds; a test passes a fake.
    """

    def __init__(
        self,
        database: Database,
        models: Models,
        *,
        configs: Configs,
        budget: Budget,
        policy: Policy,
        announcer: Announcer,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._models = models
        self._configs = configs
        self._budget = budget
        self._policy = policy
        self._announcer = announcer
        self._purse = Purse(database, budget, sleep=sleep)
        self._summariser = Summariser(database, models, budget, self._purse)

    def answer(self, outbox_id: int, left_s: Callable[[], float]) -> Outcome:
        """Answer the message of one outbox row.

        Args:
            outbox_id: The row.
            left_s: Time that is left for everything, in seconds.

        Raises:
            ProviderError: No model answered. The reason stands on the row, the lease
                is released, the configuration forgotten, and the next delivery tries
                again.
        """
        value = self._configs.get()
        lasts_s = lease_s(left_s())
        ceiling = self._budget.ceiling(_readable(value))
        # If a first run took the lease and was cut off, the second finds it taken:
        # the delivery fails, and a later one meets the end of the lease.
        found = self._database.run(
            lambda connection: queries.take(
                connection, outbox_id, lease_s=lasts_s, ceiling=ceiling
            ),
            repeatable=True,
        )
        if not found.is_waiting:
            return Outcome.DONE_BEFORE
        if found.leased_until is None:
            return Outcome.LEASED
        taken = found.taken()
        if taken is None:
            self._database.run(
                lambda connection: queries.discard(connection, outbox_id),
                repeatable=True,
            )
            return Outcome.VOID
        return self._work(Lease(outbox_id, found.leased_until), taken, value, left_s)

    def _work(
        self,
        lease: Lease,
        taken: Taken,
        value: dict[str, Any] | None,
        left_s: Callable[[], float],
    ) -> Outcome:
        """Answer a message whose lease is ours."""
        state = taken.budget
        if state == "busy":
            state = self._purse.wait(
                lease.outbox_id, taken.user_id, taken.ceiling_microusd, left_s=left_s
            )
        if state == "busy":
            self._give_up(lease, taken, Outcome.BUSY.value)
            return Outcome.BUSY
        if state == "spent":
            if taken.ceiling_microusd > self._budget.day_microusd:
                logger.error("one answer may cost more than a user's budget of a day")
            text = _readable(value).budget_text or BUDGET_TEXT
            self._save(taken, refusal(lease.outbox_id, taken, text))
            return Outcome.REFUSED
        config, prompt, completion = self._ask(lease, taken, value, left_s)
        paid = self._budget.cost(config, prompt, completion)
        _log(completion, paid)
        answer = reply(
            lease.outbox_id,
            taken,
            completion=completion,
            cost=paid,
            policy=self._policy,
        )
        saved = self._save(taken, answer)
        if saved.answer_id is not None:
            turn = Finished(
                outbox_id=lease.outbox_id, taken=taken, saved=saved, text=answer.text
            )
            self._summariser.refresh(config, turn, left_s)
        return Outcome.ANSWERED

    def _ask(
        self,
        lease: Lease,
        taken: Taken,
        value: dict[str, Any] | None,
        left_s: Callable[[], float],
    ) -> tuple[ModelConfig, Prompt, Completion]:
        """Ask the model; leave the reason on the row if there is no answer."""
        try:
            config = read_config(value)
            prompt = answer_prompt(
                turns_of(taken.history),
                [memory.text for memory in taken.memories],
                taken.summary,
                config.instructions,
            )
            left = left_s() - SAVE_MARGIN_S
            return config, prompt, self._models.complete(config, prompt, left)
        except Exception as error:
            # The text of an unexpected error could quote the prompt.
            known = isinstance(error, ProviderError)
            self._configs.invalidate()
            self._give_up(lease, taken, str(error) if known else type(error).__name__)
            raise

    def _give_up(self, lease: Lease, taken: Taken, reason: str) -> None:
        """Release the lease and what is held of the budget."""
        self._database.run(
            lambda connection: queries.give_up(
                connection,
                lease.outbox_id,
                leased_until=lease.until,
                user_id=taken.user_id,
                reason=reason,
            ),
            repeatable=True,
        )

    def _save(self, taken: Taken, answer: Answer) -> Saved:
        """Save the answer and announce it."""
        statement = self._announcer.statement(taken)

        def save(connection: Connection) -> Saved:
            return queries.save(connection, answer, statement)

        # A second run after a commit that was cut off finds the outbox row deleted.
        try:
            saved = self._database.run(save, repeatable=True)
        except psycopg.errors.DeadlockDetected:
            # Something of the app locked the user's rows in another order. It has them
            # by now, and an answer that is paid for is not thrown away.
            saved = self._database.run(save, repeatable=True)
        self._announcer.announce(taken, saved)
        return saved


def _readable(value: dict[str, Any] | None) -> ModelConfig:
    """Read the configuration; the default stands for one that cannot be read.

    `Answerer` reports that when it comes to asking the model, on the message's row.
    """
    try:
        return read_config(value)
    except ProviderError:
        return DEFAULT


def _log(completion: Completion, paid: Cost) -> None:
    """Log counts, never a text."""
    fields = {
        "model": completion.model,
        "is_fallback": completion.is_fallback,
        "input_tokens": paid.input_tokens,
        "output_tokens": paid.output_tokens,
        "microusd": paid.microusd,
    }
    logger.info("model answered", extra={"fields": fields})
