"""What the models may cost a user in a day, and how a call gets its part of it."""

import time
from collections.abc import Callable
from uuid import UUID

import msgspec

from functions.llm_handler import queries
from functions.llm_handler.prompts import fixed_bytes
from functions.llm_handler.rows import BudgetState, Ceiling
from functions.shared.database import Database
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion
from functions.shared.providers.models import ModelConfig
from functions.shared.providers.prices import Prices
from functions.shared.providers.spending import Cost, cost, highest, prompt_bytes

LEASE_MARGIN_S = 10
"""How much longer lease and reservation last than the work may, in seconds. Without it
a second consumer could call the model while the first one saves."""

BUSY_PAUSE_S = 0.5
"""Pause before the budget is asked for again that other calls hold, in seconds."""

BUSY_LEFT_MIN_S = 30.0
"""With less time left, in seconds, the next delivery asks for it: enough for a call and
its repetition."""


class Budget(msgspec.Struct, frozen=True):
    """Prices of the models, and what a user may spend in a UTC day.

    Attributes:
        prices: Of the models.
        day_microusd: Millionths of a USD.
    """

    prices: Prices
    day_microusd: int

    def ceiling(self, config: ModelConfig) -> Ceiling:
        """Bound the cost of an answer, whoever of the configuration gives it."""
        rates = highest(self.prices, config)
        return Ceiling(
            input_usd=rates.input_usd,
            fixed_microusd=rates.at_most(fixed_bytes(config.instructions), turns=0),
            day_microusd=self.day_microusd,
        )

    def at_most(self, config: ModelConfig, prompt: Prompt) -> int:
        """Give the most that a call may cost, in millionths of a USD."""
        rates = highest(self.prices, config)
        return rates.at_most(prompt_bytes(prompt), len(prompt.turns))

    def cost(self, config: ModelConfig, prompt: Prompt, completion: Completion) -> Cost:
        """Give what a call cost."""
        return cost(self.prices, config, prompt=prompt, completion=completion)


class Purse:
    """Holds parts of the users' budgets.

    Args:
        database: Where they are counted.
        budget: How large they are.
        sleep: Waits some seconds; a test passes a fake.
    """

    def __init__(
        self,
        database: Database,
        budget: Budget,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._budget = budget
        self._sleep = sleep

    def hold(
        self, outbox_id: int, user_id: UUID, microusd: int, *, left_s: float
    ) -> BudgetState:
        """Hold a part for an outbox row, as long as its work may last.

        Args:
            outbox_id: The row.
            user_id: Whose budget.
            microusd: How much, in millionths of a USD.
            left_s: Time that is left for the work, in seconds.
        """
        # A second run replaces what the first one held.
        return self._database.run(
            lambda connection: queries.hold(
                connection,
                outbox_id,
                user_id,
                microusd=microusd,
                day_microusd=self._budget.day_microusd,
                lease_s=lease_s(left_s),
            ),
            repeatable=True,
        )

    def wait(
        self,
        outbox_id: int,
        user_id: UUID,
        microusd: int,
        *,
        left_s: Callable[[], float],
    ) -> BudgetState:
        """Hold a part as soon as other calls of the user leave it, if there is time.

        Most calls cost a tenth of what is held for them, so that a budget that is held
        is seldom spent.
        """
        state: BudgetState = "busy"
        while state == "busy" and left_s() > BUSY_LEFT_MIN_S:
            self._sleep(BUSY_PAUSE_S)
            state = self.hold(outbox_id, user_id, microusd, left_s=left_s())
        return state


def lease_s(left_s: float) -> int:
    """Give how long a lease must last whose holder has ``left_s`` seconds left."""
    return max(int(left_s), 0) + LEASE_MARGIN_S
