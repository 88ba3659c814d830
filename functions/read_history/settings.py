"""The environment of read_history."""

from collections.abc import Mapping

import msgspec

from functions.shared.auth import Credentials
from functions.shared.caching import Lifetime
from functions.shared.environment import Environment
from functions.shared.limits import LIMIT_STORES


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        database_replica_url: The same of a read replica; empty where there is none.
        replica_staleness_s: How far that may be behind, in seconds.
        credentials: What callers are checked against.
        allowed_origins: Origins whose pages may call.
        limit_hits: Requests that one window admits for a user.
        limit_window_s: Length of the window, in seconds.
        limit_store: Where they are counted; one of `LIMIT_STORES`.
        redis_url: Redis or Valkey; empty where there is none.
        conversation_lifetime: How long a conversation's metadata are remembered.
        subscription_lifetime: How long a user's subscription is.
        usage_lifetime: How long a user's usage counters are.
        metrics_namespace: CloudWatch namespace of the stack; empty publishes none.
        stack: The stack's name.
    """

    database_url: str
    database_replica_url: str
    replica_staleness_s: int
    credentials: Credentials
    allowed_origins: tuple[str, ...]
    limit_hits: int
    limit_window_s: int
    limit_store: str
    redis_url: str
    conversation_lifetime: Lifetime
    subscription_lifetime: Lifetime
    usage_lifetime: Lifetime
    metrics_namespace: str
    stack: str

    @classmethod
    def from_environ(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: A variable is missing or unreadable; names all of them.
        """
        environment = Environment(variables)
        replica_url = environment.text("DATABASE_REPLICA_URL")
        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            database_replica_url=replica_url,
            replica_staleness_s=environment.integer("REPLICA_STALENESS_S", low=1)
            if replica_url
            else 0,
            credentials=Credentials.read(environment),
            allowed_origins=environment.items("ALLOWED_ORIGINS"),
            limit_hits=environment.integer("API_LIMIT_HITS", low=1),
            limit_window_s=environment.integer("API_LIMIT_WINDOW_S", low=1),
            limit_store=environment.choice("LIMIT_STORE", LIMIT_STORES),
            redis_url=environment.text("REDIS_URL"),
            conversation_lifetime=Lifetime.read(environment, "CONVERSATION"),
            subscription_lifetime=Lifetime.read(environment, "SUBSCRIPTION"),
            usage_lifetime=Lifetime.read(environment, "USAGE"),
            metrics_namespace=environment.text("METRICS_NAMESPACE"),
            stack=environment.required("STACK"),
        )
        environment.check()
        return settings
