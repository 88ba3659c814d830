"""The environment of llm_handler."""

from collections.abc import Mapping

import msgspec

from functions.shared.environment import Environment


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        supabase_url: Base of Supabase's APIs; empty where there is no realtime.
        supabase_service_key: Key with which realtime messages are sent.
        gemini_api_key: Empty turns Gemini off.
        gemini_base_url: Another base of its API; empty takes Google's.
        openai_api_key: Empty turns the OpenAI-compatible API off.
        openai_base_url: Another base of its API; empty takes OpenAI's.
    """

    database_url: str
    supabase_url: str
    supabase_service_key: str
    gemini_api_key: str
    gemini_base_url: str
    openai_api_key: str
    openai_base_url: str

    @classmethod
    def from_environ(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: A variable is missing; names it.
        """
        environment = Environment(variables)
        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            supabase_url=environment.text("SUPABASE_URL"),
            supabase_service_key=environment.text("SUPABASE_SERVICE_KEY"),
            gemini_api_key=environment.text("GEMINI_API_KEY"),
            gemini_base_url=environment.text("GEMINI_BASE_URL"),
            openai_api_key=environment.text("OPENAI_API_KEY"),
            openai_base_url=environment.text("OPENAI_BASE_URL"),
        )
        environment.check()
        return settings
