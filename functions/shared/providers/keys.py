"""The keys and addresses of the language models' APIs."""

import msgspec

from functions.shared.environment import Environment


class ModelKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What opens the providers.

    Attributes:
        gemini_api_key: Empty turns Gemini off.
        gemini_base_url: Another base of its API; empty takes Google's.
        openai_api_key: Empty turns the OpenAI-compatible API off.
        openai_base_url: Another base of its API; empty takes OpenAI's.
    """

    gemini_api_key: str
    gemini_base_url: str
    openai_api_key: str
    openai_base_url: str

    @classmethod
    def read(cls, environment: Environment) -> "ModelKeys":
        """Read them; each may be absent."""
        return cls(
            gemini_api_key=environment.text("GEMINI_API_KEY"),
            gemini_base_url=environment.text("GEMINI_BASE_URL"),
            openai_api_key=environment.text("OPENAI_API_KEY"),
            openai_base_url=environment.text("OPENAI_BASE_URL"),
        )
