"""Google's Gemini API, by the google-genai SDK."""

from google import genai
from google.genai import errors, types

from functions.shared.prompts import Prompt
from functions.shared.providers.deadline import DeadlineTransport
from functions.shared.providers.interface import (
    OUTPUT_TOKENS_MAX,
    Completion,
    ProviderError,
    status_error,
)
from functions.shared.providers.retry_after import details_s, header_s

THINKING = "gemini-2.5"
THINKING_TOKENS_MAX = 1_024
"""The models of this name think before they write, as long as they like, and it counts
as output: without a bound a hard question leaves no room for its answer. All of them
take this one (Gemini API, "Thinking": Flash to 24,576, Pro from 128, Lite from 512)."""


class Gemini:
    """A `Provider`.

    Args:
        api_key: Key of the API.
        base_url: Another base of the API; empty takes Google's.
    """

    def __init__(self, api_key: str, base_url: str) -> None:
        # Without retry options the SDK tries once: the retries are ours.
        options = types.HttpOptions(
            base_url=base_url or None, client_args={"transport": DeadlineTransport()}
        )
        self._client = genai.Client(api_key=api_key, http_options=options)

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        """Ask a model, once; see `Provider.complete`."""
        try:
            answer = self._client.models.generate_content(
                model=model,
                contents=list(_contents(prompt)),
                config=_config(model, prompt, timeout_s),
            )
            text = answer.text
        except errors.APIError as error:
            headers = getattr(error.response, "headers", None) or {}
            wait_s = max(header_s(headers), details_s(error.details))
            raise status_error(error.code, type(error).__name__, wait_s) from error
        except Exception as error:  # time-outs, connections, and answers of no form
            raise ProviderError(type(error).__name__, is_transient=True) from error
        if not text or not text.strip():
            raise _no_text(answer)
        usage = answer.usage_metadata
        return Completion(
            text=text,
            model=answer.model_version or model,
            input_tokens=usage.prompt_token_count if usage else None,
            output_tokens=_written(usage) if usage else None,
        )


def _config(
    model: str, prompt: Prompt, timeout_s: float
) -> types.GenerateContentConfig:
    """Write the options of a call."""
    thinking = None
    if model.startswith(THINKING):
        thinking = types.ThinkingConfig(thinking_budget=THINKING_TOKENS_MAX)
    return types.GenerateContentConfig(
        system_instruction=prompt.instructions,
        max_output_tokens=OUTPUT_TOKENS_MAX,
        thinking_config=thinking,
        http_options=types.HttpOptions(timeout=int(timeout_s * 1000)),
    )


def _written(usage: types.GenerateContentResponseUsageMetadata) -> int | None:
    """Count what is paid as output: the answer, and what was thought before it."""
    if usage.candidates_token_count is None:
        return None
    return usage.candidates_token_count + (usage.thoughts_token_count or 0)


def _contents(prompt: Prompt) -> list[types.Content]:
    """Write the turns as Gemini's contents."""
    return [
        types.Content(
            role="user" if turn.role == "user" else "model",
            parts=[types.Part(text=turn.text)],
        )
        for turn in prompt.turns
    ]


def _no_text(answer: types.GenerateContentResponse) -> ProviderError:
    """Say why there is no text: a blocked prompt is blocked the next time as well."""
    feedback = answer.prompt_feedback
    if feedback and feedback.block_reason:
        return ProviderError(f"blocked {feedback.block_reason}", is_transient=False)
    return ProviderError("empty answer", is_transient=True)
