"""Ask the configured language model, and say what it cost."""

from typing import Any, Protocol

import msgspec

from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion, ProviderError
from functions.shared.providers.models import Models, read_config
from functions.shared.providers.prices import Prices
from functions.shared.providers.spending import Cost, cost


class Configs(Protocol):
    """The row ``llm_provider`` of ``system_config``, as `LlmConfigs` keeps it."""

    def get(self) -> dict[str, Any] | None:
        """Give its value; ``None`` without such a row."""

    def invalidate(self) -> None:
        """Forget it: the next reading reads the row."""


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to call a language model.

    Attributes:
        models: The models.
        configs: Which of them is configured.
        prices: What they cost.
    """

    models: Models
    configs: Configs
    prices: Prices

    def ask(self, prompt: Prompt, budget_s: float) -> tuple[Completion, Cost]:
        """Ask, and say what it cost.

        Args:
            prompt: What to ask.
            budget_s: Time for it, in seconds.

        Raises:
            ProviderError: No model answered.
        """
        try:
            config = read_config(self.configs.get())
            completion = self.models.complete(config, prompt, budget_s)
        except ProviderError:
            # What is wrong may be the configuration, and mended since it was read.
            self.configs.invalidate()
            raise
        return completion, cost(
            self.prices, config, prompt=prompt, completion=completion
        )
