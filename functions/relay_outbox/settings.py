"""The environment of relay_outbox."""

from collections.abc import Mapping

import msgspec

from functions.shared.environment import Environment


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        queue_url_llm: SQS queue of llm_handler; empty leaves its rows alone.
        queue_url_extraction: SQS queue of extract_memory; likewise.
        queue_url_images: SQS queue of compress_image; likewise.
        supabase_url: Base of Supabase's APIs; empty leaves realtime events alone.
        supabase_service_key: Key with which realtime events are sent.
        cdn_purge_url: Purge path of the CDN's Worker; empty leaves its rows alone.
        cdn_purge_key: What callers of that path must know.
    """

    database_url: str
    queue_url_llm: str
    queue_url_extraction: str
    queue_url_images: str
    supabase_url: str
    supabase_service_key: str
    cdn_purge_url: str
    cdn_purge_key: str

    @classmethod
    def from_environ(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: A variable is missing; names it.
        """
        environment = Environment(variables)
        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            queue_url_llm=environment.text("QUEUE_URL_LLM"),
            queue_url_extraction=environment.text("QUEUE_URL_EXTRACTION"),
            queue_url_images=environment.text("QUEUE_URL_IMAGES"),
            supabase_url=environment.text("SUPABASE_URL"),
            supabase_service_key=environment.text("SUPABASE_SERVICE_KEY"),
            cdn_purge_url=environment.text("CDN_PURGE_URL"),
            cdn_purge_key=environment.text("CDN_PURGE_KEY"),
        )
        environment.check()
        return settings
