"""What every provider of a language model looks like."""

from typing import Protocol

import msgspec

from functions.shared.prompts import Prompt


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of a model.

    Attributes:
        text: Never blank.
        model: The model that wrote it, as the provider names it.
        input_tokens: Tokens of the prompt, if the provider counts them.
        output_tokens: Tokens of the answer, likewise.
    """

    text: str
    model: str
    input_tokens: int | None = None
    output_tokens: int | None = None


class ProviderError(Exception):
    """A provider gave no answer.

    Attributes:
        reason: Status and type of the failure; never a prompt, an answer or a key.
        is_transient: Whether the same request may succeed in a moment.
    """

    def __init__(self, reason: str, *, is_transient: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_transient = is_transient


class Provider(Protocol):
    """One API."""

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        """Ask a model, once.

        Args:
            model: Name of the model.
            prompt: What to ask.
            timeout_s: Limit of the call, in seconds.

        Raises:
            ProviderError: There is no answer; any failure of an SDK becomes one.
        """


def status_error(status: int, name: str) -> ProviderError:
    """Classify an HTTP status: 408, 409, 429 and 5xx pass, the others stay."""
    is_transient = status in {408, 409, 429} or status >= 500
    return ProviderError(f"{status} {name}", is_transient=is_transient)
