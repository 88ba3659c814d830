"""Any API of the OpenAI form, by the openai SDK."""

import openai
from openai.types.chat import ChatCompletionMessageParam

from functions.shared.prompts import Prompt
from functions.shared.providers.deadline import DeadlineTransport
from functions.shared.providers.interface import (
    OUTPUT_TOKENS_MAX,
    Completion,
    ProviderError,
    status_error,
)
from functions.shared.providers.retry_after import header_s


class OpenAiCompatible:
    """A `Provider`.

    Args:
        api_key: Key of the API.
        base_url: Base of the API; empty takes OpenAI's.
    """

    def __init__(self, api_key: str, base_url: str) -> None:
        # Retries are ours: they must know what time is left.
        self._client = openai.OpenAI(
            api_key=api_key,
            base_url=base_url or None,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(transport=DeadlineTransport()),
        )
        # OpenAI's newer models refuse `max_tokens`; some other servers, Ollama among
        # them (ollama/ollama#7125), pass over `max_completion_tokens` in silence.
        self._limit: dict[str, int] = {
            "max_tokens" if base_url else "max_completion_tokens": OUTPUT_TOKENS_MAX
        }

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        """Ask a model, once; see `Provider.complete`."""
        try:
            answer = self._client.chat.completions.create(
                model=model,
                messages=_messages(prompt),
                timeout=timeout_s,
                extra_body=self._limit,
            )
            text = answer.choices[0].message.content
            usage = answer.usage
        except openai.APIStatusError as error:
            wait_s = header_s(error.response.headers)
            raise status_error(
                error.status_code, type(error).__name__, wait_s
            ) from error
        except Exception as error:  # time-outs, connections, and answers of no form
            raise ProviderError(type(error).__name__, is_transient=True) from error
        if not isinstance(text, str) or not text.strip():
            raise ProviderError("empty answer", is_transient=True)
        return Completion(
            text=text,
            model=answer.model or model,
            input_tokens=usage.prompt_tokens if usage else None,
            output_tokens=usage.completion_tokens if usage else None,
        )


def _messages(prompt: Prompt) -> list[ChatCompletionMessageParam]:
    """Write the prompt as OpenAI's messages."""
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": prompt.instructions}
    ]
    for turn in prompt.turns:
        if turn.role == "user":
            messages.append({"role": "user", "content": turn.text})
        else:
            messages.append({"role": "assistant", "content": turn.text})
    return messages
