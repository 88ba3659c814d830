"""Google's Gemini API, by the google-genai SDK."""

from google import genai
from google.genai import errors, types

from functions.shared.prompts import Prompt
from functions.shared.providers.interface import (
    Completion,
    ProviderError,
    status_error,
)


class Gemini:
    """A `Provider`.

    Args:
        api_key: Key of the API.
        base_url: Another base of the API; empty takes Google's.
    """

    def __init__(self, api_key: str, base_url: str) -> None:
        # Without retry options the SDK tries once: the retries are ours.
        options = types.HttpOptions(base_url=base_url or None)
        self._client = genai.Client(api_key=api_key, http_options=options)

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        """Ask a model, once; see `Provider.complete`."""
        try:
            answer = self._client.models.generate_content(
                model=model,
                contents=list(_contents(prompt)),
                config=types.GenerateContentConfig(
                    system_instruction=prompt.instructions,
                    http_options=types.HttpOptions(timeout=int(timeout_s * 1000)),
                ),
            )
            text = answer.text
        except errors.APIError as error:
            raise status_error(error.code, type(error).__name__) from error
        except Exception as error:  # time-outs, connections, and answers of no form
            raise ProviderError(type(error).__name__, is_transient=True) from error
        if not text or not text.strip():
            raise _no_text(answer)
        usage = answer.usage_metadata
        return Completion(
            text=text,
            model=answer.model_version or model,
            input_tokens=usage.prompt_token_count if usage else None,
            output_tokens=usage.candidates_token_count if usage else None,
        )


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
