"""The environment of chat_send."""

from collections.abc import Mapping

import msgspec

from functions.shared.auth import Credentials
from functions.shared.environment import Environment
from functions.shared.extraction_policy import POLICIES
from functions.shared.limits import LIMIT_STORES


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        credentials: What callers are checked against.
        allowed_origins: Origins whose pages may call.
        limit_hits: Messages that one window admits for a user.
        limit_window_s: Length of the window, in seconds.
        limit_store: Where they are counted; one of `LIMIT_STORES`.
        redis_url: Redis or Valkey; empty where there is none.
        extraction_policy: When what was said is read for memories.
        queue_url_extraction: SQS queue of extract_memory; as below.
        queue_url_llm: SQS queue of llm_handler; empty where there is none, and the
            outbox alone carries the work.
    """

    database_url: str
    credentials: Credentials
    allowed_origins: tuple[str, ...]
    limit_hits: int
    limit_window_s: int
    limit_store: str
    redis_url: str
    extraction_policy: str
    queue_url_extraction: str
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
            credentials=Credentials.read(environment),
            allowed_origins=environment.items("ALLOWED_ORIGINS"),
            limit_hits=environment.integer("CHAT_LIMIT_HITS", low=1),
            limit_window_s=environment.integer("CHAT_LIMIT_WINDOW_S", low=1),
            limit_store=environment.choice("LIMIT_STORE", LIMIT_STORES),
            redis_url=environment.text("REDIS_URL"),
            extraction_policy=environment.choice("EXTRACTION_POLICY", POLICIES),
            queue_url_extraction=environment.text("QUEUE_URL_EXTRACTION"),
            queue_url_llm=environment.text("QUEUE_URL_LLM"),
        )
        environment.check()
        return settings
