"""The environment of chat_send."""

from collections.abc import Mapping

import msgspec

from functions.shared import jwks
from functions.shared.auth import Credentials
from functions.shared.environment import Environment


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        credentials: What callers are checked against.
        allowed_origins: Origins whose pages may call.
        limit_hits: Messages that one window admits for a user.
        limit_window_s: Length of the window, in seconds.
        queue_url_llm: SQS queue of llm_handler; empty where there is none, and the
            outbox alone carries the work.
    """

    database_url: str
    credentials: Credentials
    allowed_origins: tuple[str, ...]
    limit_hits: int
    limit_window_s: int
    queue_url_llm: str

    @classmethod
    def from_environ(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: A variable is missing or unreadable; names all of them.
        """
        environment = Environment(variables)
        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            credentials=Credentials(
                jwt_secret=environment.required("JWT_SECRET"),
                jwt_issuer=environment.text("JWT_ISSUER"),
                internal_key=environment.text("INTERNAL_API_KEY"),
                keys=jwks.configured(environment),
            ),
            allowed_origins=environment.items("ALLOWED_ORIGINS"),
            limit_hits=environment.integer("CHAT_LIMIT_HITS", low=1),
            limit_window_s=environment.integer("CHAT_LIMIT_WINDOW_S", low=1),
            queue_url_llm=environment.text("QUEUE_URL_LLM"),
        )
        environment.check()
        return settings
