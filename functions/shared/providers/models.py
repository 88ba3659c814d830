"""Choose a provider, retry it, fall back to the other: within the time that is left."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from functions.shared.prompts import Prompt
from functions.shared.providers.breaker import Breaker
from functions.shared.providers.interface import (
    Completion,
    Provider,
    ProviderError,
)
from functions.shared.providers.keys import ModelKeys

logger = logging.getLogger(__name__)

CONFIG_KEY = "llm_provider"
"""Key of the row of ``system_config`` that chooses provider and model."""

DEFAULT_PROVIDER: Literal["gemini"] = "gemini"
DEFAULT_MODEL = "gemini-2.5-flash"

ATTEMPTS = 3
"""Calls of one provider for one answer."""

CALL_MAX_S = 20.0
"""Longest call, in seconds: an answer of some hundred tokens takes 1 to 10."""

CALL_MIN_S = 2.0
"""With less time left, in seconds, a call is not begun."""

PRIMARY_SHARE = 0.6
"""Share of the time that the first provider may use up if there is a second."""

BACKOFF_S = 0.5
"""Longest wait before the first repetition, in seconds; it doubles each time."""


Usd = Annotated[float, msgspec.Meta(ge=0, le=10_000)]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A provider and one of its models.

    Attributes:
        provider: Which API.
        model: Name of the model there.
        input_usd: Its price per million tokens of the prompt, in USD; ``None`` takes
            that of the list.
        output_usd: The same for the answer.
    """

    provider: Literal["gemini", "openai"]
    model: Annotated[str, msgspec.Meta(min_length=1)]
    input_usd: Usd | None = None
    output_usd: Usd | None = None


class ModelConfig(Choice, frozen=True, kw_only=True):
    """Value of the row ``llm_provider`` of ``system_config``.

    Attributes:
        fallback: Asked when the first gives no answer.
        instructions: Replaces the default instructions of an answer.
        budget_text: Replaces the default answer to whoever used up the day's budget.
    """

    fallback: Choice | None = None
    instructions: str | None = None
    budget_text: Annotated[str, msgspec.Meta(min_length=1)] | None = None


DEFAULT = ModelConfig(provider=DEFAULT_PROVIDER, model=DEFAULT_MODEL)


def read_config(value: dict[str, Any] | None) -> ModelConfig:
    """Decode the configuration row; without one Gemini answers.

    Raises:
        ProviderError: The row cannot be read; names the field.
    """
    if value is None:
        return DEFAULT
    try:
        return msgspec.convert(value, ModelConfig)
    except msgspec.ValidationError as error:
        reason = f"system_config llm_provider: {error}"
        raise ProviderError(reason, is_transient=False) from error


class Models:
    """The providers of one environment, opened when they are first asked.

    Args:
        openers: Opens each provider by its name in the configuration.
        sleep: Waits some seconds; a test passes a fake.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self,
        openers: Mapping[str, Callable[[], Provider]],
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._openers = openers
        self._open: dict[str, Provider] = {}
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._sleep = sleep
        self._clock = clock

    def complete(
        self, config: ModelConfig, prompt: Prompt, budget_s: float
    ) -> Completion:
        """Ask the configured model, then its fallback.

        Args:
            config: Whom to ask.
            prompt: What to ask.
            budget_s: Time for all of it, in seconds.

        Raises:
            ProviderError: Nobody answered; the reason has that of each.
        """
        end = self._clock() + budget_s
        if config.fallback is None:
            return self._retry(config, prompt, end)
        try:
            return self._retry(config, prompt, end - budget_s * (1 - PRIMARY_SHARE))
        except ProviderError as first:
            fields = {"provider": config.provider, "reason": first.reason}
            logger.warning("falling back", extra={"fields": fields})
            try:
                completion = self._retry(config.fallback, prompt, end)
            except ProviderError as second:
                reason = f"{first.reason}; fallback {second.reason}"
                raise ProviderError(
                    reason, is_transient=first.is_transient or second.is_transient
                ) from second
            return msgspec.structs.replace(completion, is_fallback=True)

    def _retry(self, choice: Choice, prompt: Prompt, end: float) -> Completion:
        """Ask one provider until it answers, refuses for good, or time is up."""
        breaker = self._breakers.setdefault(
            (choice.provider, choice.model), Breaker(self._clock)
        )
        error = ProviderError("no time left", is_transient=True)
        for attempt in range(ATTEMPTS):
            if attempt:
                # Full jitter: consumers that failed together do not return together.
                # A provider that says when to return is not asked before.
                jitter = random.uniform(0, BACKOFF_S * 2 ** (attempt - 1))  # noqa: S311 - spreads retries, protects nothing
                pause = error.retry_after_s + jitter
                if end - self._clock() - pause < CALL_MIN_S:
                    break
                self._sleep(pause)
            left = end - self._clock()
            if left < CALL_MIN_S:
                break
            if not breaker.admits():
                if not attempt:
                    error = ProviderError("left alone for a while", is_transient=True)
                break
            try:
                return self._call(choice, prompt, min(CALL_MAX_S, left), breaker)
            except ProviderError as failed:
                error = failed
            if not error.is_transient:
                break
        reason = f"{choice.provider} {choice.model}: {error.reason}"
        raise ProviderError(reason, is_transient=error.is_transient) from error

    def _call(
        self, choice: Choice, prompt: Prompt, timeout_s: float, breaker: Breaker
    ) -> Completion:
        """Ask one provider once; tell the breaker how it ended."""
        try:
            completion = self._provider(choice.provider).complete(
                choice.model, prompt, timeout_s
            )
        except ProviderError as error:
            # A refusal is the request's or the key's fault: it says nothing about the
            # next request, and costs no waiting.
            if error.is_transient:
                breaker.failed()
            else:
                breaker.answered()
            raise
        breaker.answered()
        return completion

    def _provider(self, name: str) -> Provider:
        """Open a provider once."""
        if name not in self._open:
            self._open[name] = self._openers[name]()
        return self._open[name]


def models(keys: ModelKeys) -> Models:
    """Give the providers that the environment configures."""

    def gemini() -> Provider:
        _require(keys.gemini_api_key, "GEMINI_API_KEY")
        from functions.shared.providers.gemini import Gemini

        return Gemini(keys.gemini_api_key, keys.gemini_base_url)

    def openai() -> Provider:
        _require(keys.openai_api_key, "OPENAI_API_KEY")
        from functions.shared.providers.openai_compatible import OpenAiCompatible

        return OpenAiCompatible(keys.openai_api_key, keys.openai_base_url)

    return Models({"gemini": gemini, "openai": openai})


def _require(key: str, name: str) -> None:
    """Refuse a provider without a key."""
    if not key:
        raise ProviderError(f"{name} is not set", is_transient=False)
