"""The configuration of one stack, read once and passed down."""

from dataclasses import dataclass
from typing import Self

import pulumi

from infra.catalog.extraction import POLICIES
from infra.catalog.limits import LIMIT_STORES
from infra.catalog.services import JWKS_CONFIG, REDIS_CONFIG
from infra.config_checks import (
    database,
    email,
    long_enough,
    origin,
    redis_address,
    url,
    uuid,
    webhook,
)
from infra.config_values import Values, of_selected_stack

LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What PutRetentionPolicy accepts (CloudWatch Logs API reference)."""


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """Values of ``Pulumi.<stack>.yaml``, with the defaults of ``Pulumi.yaml``.

    Attributes:
        stack: Name of the stack, e.g. ``production``.
        database_url: libpq connection URI through the transaction pooler; secret.
        jwt_secret: Signs the app's access tokens (HS256); secret.
        jwks_url: Public keys of the app's access tokens (RS256, ES256); empty where
            only the secret signs them.
        internal_api_key: Key of the app's own backend calls; secret.
        supabase_url: Base URL of the Supabase project, without a path.
        supabase_service_key: Its API key with role ``service_role``; secret.
        gemini_api_key: Secret; empty where only OpenAI is used.
        gemini_base_url: Base URL of the Gemini API.
        openai_api_key: Secret; empty where only Gemini is used.
        openai_base_url: Base URL of an OpenAI-compatible API.
        allowed_origins: Web origins that may call the functions.
        log_retention_days: How long CloudWatch keeps the logs, in days.
        reserve_concurrency: Whether functions without a queue get the reserved
            concurrency of the catalog. If not, nothing bounds their pooler clients.
        limit_store: Where limits of requests are counted; one of `LIMIT_STORES`.
        redis_url: Redis or Valkey, ``rediss://...``; secret; ``None`` for none.
        extraction_policy: When conversations are read for memories.
        llm_day_budget_usd: What language models may cost for a user in a UTC day.
        alert_email: Who is told of alarms; empty for nobody.
        alert_webhook: URL that is told of alarms; secret; ``None`` for none.
        smoke_user_id: Whose message proves a deploy; empty for nobody's.
    """

    stack: str
    database_url: pulumi.Output[str]
    jwt_secret: pulumi.Output[str]
    jwks_url: str
    internal_api_key: pulumi.Output[str]
    supabase_url: str
    supabase_service_key: pulumi.Output[str]
    gemini_api_key: pulumi.Output[str]
    gemini_base_url: str
    openai_api_key: pulumi.Output[str]
    openai_base_url: str
    allowed_origins: tuple[str, ...]
    log_retention_days: int
    reserve_concurrency: bool
    limit_store: str
    redis_url: pulumi.Output[str] | None
    extraction_policy: str
    llm_day_budget_usd: float
    alert_email: str
    alert_webhook: pulumi.Output[str] | None
    smoke_user_id: str

    @property
    def jwt_issuer(self) -> str:
        """``iss`` of the access tokens: Supabase Auth's own URL."""
        return f"{self.supabase_url}/auth/v1"

    @property
    def extras(self) -> frozenset[str]:
        """Names of the libraries that only such stacks' zips have."""
        wanted = {"jwks": self.jwks_url != "", "redis": self.redis_url is not None}
        return frozenset(name for name, is_wanted in wanted.items() if is_wanted)

    @classmethod
    def load(cls) -> Self:
        """Read the selected stack.

        Raises:
            ConfigError: Names every value that is missing or wrong.
        """
        return cls.read(of_selected_stack())

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read and check the values of a stack.

        Raises:
            ConfigError: Names every value that is missing or wrong.
        """
        keys = values.secret("geminiApiKey", ""), values.secret("openaiApiKey", "")
        if not any(keys):
            values.problem("geminiApiKey", "needed, or openaiApiKey: both are missing")
        redis = values.secret(REDIS_CONFIG, "", check=redis_address)
        store = values.choice("limitStore", LIMIT_STORES)
        if store == "redis" and not redis:
            values.problem(
                "limitStore", f"redis needs {REDIS_CONFIG}, which is missing"
            )
        hook = values.secret("alertWebhook", "", check=webhook(values.stack))
        config = cls(
            stack=values.stack,
            database_url=_secret(values.secret("databaseUrl", check=database)),
            jwt_secret=_secret(values.secret("jwtSecret", check=long_enough)),
            jwks_url=values.text(JWKS_CONFIG, "", check=url),
            internal_api_key=_secret(
                values.secret("internalApiKey", check=long_enough)
            ),
            supabase_url=values.text("supabaseUrl", check=origin),
            supabase_service_key=_secret(values.secret("supabaseServiceKey")),
            gemini_api_key=_secret(keys[0]),
            gemini_base_url=values.text("geminiBaseUrl", check=url),
            openai_api_key=_secret(keys[1]),
            openai_base_url=values.text("openaiBaseUrl", check=url),
            allowed_origins=values.texts("allowedOrigins", check=origin),
            log_retention_days=values.number("logRetentionDays", LOG_RETENTION_DAYS),
            reserve_concurrency=values.boolean("reserveConcurrency"),
            limit_store=store,
            redis_url=_secret(redis) if redis else None,
            extraction_policy=values.choice("extractionPolicy", POLICIES),
            llm_day_budget_usd=values.decimal("llmDayBudgetUsd", 0.001, 1_000),
            alert_email=values.text("alertEmail", "", check=email),
            alert_webhook=_secret(hook) if hook else None,
            smoke_user_id=values.text("smokeUserId", "", check=uuid),
        )
        values.finish()
        return config


def _secret(value: str) -> pulumi.Output[str]:
    """Keep a value encrypted in the stack's state."""
    return pulumi.Output.secret(value)
