"""What every provider of a language model looks like."""

from typing import Protocol

import msgspec

from functions.shared.prompts import Prompt

OUTPUT_TOKENS_MAX = 4_096
"""Longest output of a call, in tokens: an answer of some paragraphs has 500, a summary
of 200 words 300, and what a model thinks before it writes counts as well. It bounds
what a call may cost: about 1 cent with the default model."""


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of a model.

    Attributes:
        text: Never blank.
        model: The model that wrote it, as the provider names it.
        input_tokens: Tokens of the prompt, if the provider counts them.
        output_tokens: Tokens of the answer and of what was thought before it, likewise.
        is_fallback: Whether the fallback of the configuration wrote it.
    """

    text: str
    model: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    is_fallback: bool = False


class ProviderError(Exception):
    """A provider gave no answer.

    Attributes:
        reason: Status and type of the failure; never a prompt, an answer or a key.
        is_transient: Whether the same request may succeed in a moment.
        retry_after_s: Time after which the provider wants to be asked again, in
            seconds; 0 if it did not say.
    """

    def __init__(
        self, reason: str, *, is_transient: bool, retry_after_s: float = 0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_transient = is_transient
        self.retry_after_s = retry_after_s


class Provider(Protocol):
    """One API."""

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        """Ask a model, once, for at most `OUTPUT_TOKENS_MAX` tokens.

        Args:
            model: Name of the model.
            prompt: What to ask.
            timeout_s: Limit of the call, in seconds.

        Raises:
            ProviderError: There is no answer; any failure of an SDK becomes one.
        """


def status_error(status: int, name: str, retry_after_s: float = 0) -> ProviderError:
    """Classify an HTTP status: 408, 409, 429 and 5xx pass, the others stay."""
    is_transient = status in {408, 409, 429} or status >= 500
    return ProviderError(
        f"{status} {name}", is_transient=is_transient, retry_after_s=retry_after_s
    )
