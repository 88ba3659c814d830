"""The environment of llm_handler."""

from collections.abc import Mapping

import msgspec

from functions.shared.caching import Lifetime
from functions.shared.environment import Environment
from functions.shared.extraction_policy import POLICIES
from functions.shared.providers.keys import ModelKeys
from functions.shared.providers.prices import Prices


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        supabase_url: Base of Supabase's APIs; empty where there is no realtime.
        supabase_service_key: Key with which realtime messages are sent.
        model_keys: What opens the language models.
        prices: What the models cost.
        day_budget_microusd: What they may cost for a user in a UTC day, in millionths
            of a USD.
        extraction_policy: When answers are read for memories.
        redis_url: Redis or Valkey; empty where there is none.
        config_lifetime: How long the models' configuration is remembered.
        metrics_namespace: CloudWatch namespace of the stack; empty publishes none.
        stack: The stack's name.
        queue_url_extraction: SQS queue of extract_memory; empty where there is none,
            and the outbox alone carries the work.
    """

    database_url: str
    supabase_url: str
    supabase_service_key: str
    model_keys: ModelKeys
    prices: Prices
    day_budget_microusd: int
    extraction_policy: str
    redis_url: str
    config_lifetime: Lifetime
    metrics_namespace: str
    stack: str
    queue_url_extraction: str

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
            model_keys=ModelKeys.read(environment),
            prices=Prices.read(environment),
            day_budget_microusd=environment.integer("LLM_DAY_BUDGET_MICROUSD", low=1),
            extraction_policy=environment.choice("EXTRACTION_POLICY", POLICIES),
            redis_url=environment.text("REDIS_URL"),
            config_lifetime=Lifetime.read(environment, "LLM_CONFIG"),
            metrics_namespace=environment.text("METRICS_NAMESPACE"),
            stack=environment.required("STACK"),
            queue_url_extraction=environment.text("QUEUE_URL_EXTRACTION"),
        )
        environment.check()
        return settings
