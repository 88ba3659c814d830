"""The environment of extract_memory."""

from collections.abc import Mapping

import msgspec

from functions.shared.caching import Lifetime
from functions.shared.environment import Environment
from functions.shared.providers.keys import ModelKeys
from functions.shared.providers.prices import Prices


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        limit_hits: Calls of the model that one window admits for a user.
        limit_window_s: Length of the window, in seconds.
        model_keys: What opens the language models.
        prices: What they cost.
        redis_url: Redis or Valkey; empty where there is none.
        config_lifetime: How long the models' configuration is remembered.
        metrics_namespace: CloudWatch namespace of the stack; empty publishes none.
        stack: The stack's name.
    """

    database_url: str
    limit_hits: int
    limit_window_s: int
    model_keys: ModelKeys
    prices: Prices
    redis_url: str
    config_lifetime: Lifetime
    metrics_namespace: str
    stack: str

    @classmethod
    def from_environ(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: A variable is missing or unreadable; names all of them.
        """
        environment = Environment(variables)
        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            limit_hits=environment.integer("EXTRACTION_LIMIT_HITS", low=1),
            limit_window_s=environment.integer("EXTRACTION_LIMIT_WINDOW_S", low=1),
            model_keys=ModelKeys.read(environment),
            prices=Prices.read(environment),
            redis_url=environment.text("REDIS_URL"),
            config_lifetime=Lifetime.read(environment, "LLM_CONFIG"),
            metrics_namespace=environment.text("METRICS_NAMESPACE"),
            stack=environment.required("STACK"),
        )
        environment.check()
        return settings
