"""The configuration of one stack, read once and passed down."""

from dataclasses import dataclass
from typing import Self

import pulumi

from infra.catalog.extraction import POLICIES
from infra.catalog.limits import LIMIT_STORES
from infra.catalog.services import JWKS_CONFIG, REDIS_CONFIG
from infra.cdn_config import CdnConfig
from infra.config_checks import (
    another_than,
    database,
    email,
    issuer,
    long_enough,
    one_word,
    origin,
    redis_address,
    url,
    uuid,
    webhook,
)
from infra.config_sizes import REPLICA_KEY, StackSize, check_needs
from infra.config_spending import day_budget_usd, month_budget_usd
from infra.config_values import Values, of_selected_stack
from infra.edge_accounts import EdgeAccounts
from infra.front_config import FrontConfig

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
        users: How many users it is for.
        size: What follows from that, and from the limits of its own plan.
        database_url: libpq connection URI through the transaction pooler; secret.
        database_replica_url: The same of a read replica; secret; ``None`` for none.
        jwt_secret: Signs the app's access tokens (HS256); secret.
        jwks_url: Public keys of the app's access tokens (RS256, ES256); empty where
            only the secret signs them.
        internal_api_key: Key of the app's own backend calls; secret.
        jwt_issuer: ``iss`` of the app's access tokens; empty accepts any.
        supabase_url: Base URL of the Supabase project, without a path; empty where
            the database is no project of Supabase.
        supabase_service_key: Its API key with role ``service_role``; secret; empty
            likewise.
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
        monthly_budget_usd: What the AWS account may cost in a month; 0 for no budget.
        alert_email: Who is told of alarms; empty for nobody.
        alert_webhook: URL that is told of alarms; secret; ``None`` for none.
        edge: Where names and certificates of the edge are made.
        cdn: What stands in front of the public images.
        front: What stands before the function URLs.
        smoke_user_id: Whose message proves a deploy; empty for nobody's.
    """

    stack: str
    users: int
    size: StackSize
    database_url: pulumi.Output[str]
    database_replica_url: pulumi.Output[str] | None
    jwt_secret: pulumi.Output[str]
    jwks_url: str
    internal_api_key: pulumi.Output[str]
    jwt_issuer: str
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
    monthly_budget_usd: float
    alert_email: str
    alert_webhook: pulumi.Output[str] | None
    edge: EdgeAccounts
    cdn: CdnConfig
    front: FrontConfig
    smoke_user_id: str

    @property
    def extras(self) -> frozenset[str]:
        """Names of the libraries that only such stacks' zips have."""
        wanted = {"jwks": self.jwks_url != "", "redis": self.redis_url is not None}
        return frozenset(name for name, is_wanted in wanted.items() if is_wanted)

    @classmethod
    def load(cls) -> Self:
        """Read the selected stack; log what works and should be different.

        Raises:
            ConfigError: Names every value that is missing or wrong.
        """
        values = of_selected_stack()
        config = cls.read(values)
        for warning in values.warnings:
            pulumi.log.warn(warning)
        return config

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read and check the values of a stack.

        Raises:
            ConfigError: Names every value that is missing or wrong.
        """
        size = StackSize.read(values)
        gemini, openai = _model_keys(values)
        primary = values.secret("databaseUrl", check=database)
        replica = values.secret(REPLICA_KEY, "", check=another_than(primary))
        supabase_url, service_key = _supabase(values)
        store, redis = _limit_store(values)
        check_needs(values, size.size, limit_store=store, has_replica=replica != "")
        mail = values.text("alertEmail", "", check=email)
        hook = values.secret("alertWebhook", "", check=webhook(values.stack))
        edge = EdgeAccounts.read(values)
        cdn = CdnConfig.read(values, edge, supabase_url)
        day_budget = day_budget_usd(values, gemini=gemini != "", openai=openai != "")
        config = cls(
            stack=values.stack,
            users=size.size.users,
            size=size,
            database_url=_secret(primary),
            database_replica_url=_secret(replica) if replica else None,
            jwt_secret=_secret(values.secret("jwtSecret", check=long_enough)),
            jwks_url=values.text(JWKS_CONFIG, "", check=url),
            internal_api_key=_secret(
                values.secret("internalApiKey", check=long_enough)
            ),
            jwt_issuer=_issuer(values, supabase_url),
            supabase_url=supabase_url,
            supabase_service_key=_secret(service_key),
            gemini_api_key=_secret(gemini),
            gemini_base_url=values.text("geminiBaseUrl", check=url),
            openai_api_key=_secret(openai),
            openai_base_url=values.text("openaiBaseUrl", check=url),
            allowed_origins=values.texts("allowedOrigins", check=origin),
            log_retention_days=values.number("logRetentionDays", LOG_RETENTION_DAYS),
            reserve_concurrency=values.boolean("reserveConcurrency"),
            limit_store=store,
            redis_url=_secret(redis) if redis else None,
            extraction_policy=values.choice("extractionPolicy", POLICIES),
            llm_day_budget_usd=day_budget,
            monthly_budget_usd=month_budget_usd(
                values, is_somebody_told=bool(mail or hook)
            ),
            alert_email=mail,
            alert_webhook=_secret(hook) if hook else None,
            edge=edge,
            cdn=cdn,
            front=FrontConfig.read(values, edge, supabase_url, cdn.domain),
            smoke_user_id=values.text("smokeUserId", "", check=uuid),
        )
        values.finish()
        return config


def _model_keys(values: Values) -> tuple[str, str]:
    """Read the keys of Gemini and of OpenAI; one of them is enough."""
    keys = (
        values.secret("geminiApiKey", "", check=one_word),
        values.secret("openaiApiKey", "", check=one_word),
    )
    if not any(keys):
        values.problem("geminiApiKey", "needed, or openaiApiKey: both are missing")
    return keys


def _supabase(values: Values) -> tuple[str, str]:
    """Read URL and key of the Supabase project: both, or none for a plain Postgres."""
    address = values.text("supabaseUrl", "", check=origin)
    key = values.secret("supabaseServiceKey", "", check=one_word)
    if address and not key:
        what = "missing, and supabaseUrl is there: realtime needs both; run"
        command = "pulumi config set --secret supabaseServiceKey"
        values.problem("supabaseServiceKey", f"{what} `{command}`")
    if key and not address:
        what = "missing, and supabaseServiceKey is there: realtime needs both; run"
        values.problem("supabaseUrl", f"{what} `pulumi config set supabaseUrl ...`")
    return address, key


def _issuer(values: Values, supabase_url: str) -> str:
    """Read who signs the access tokens: Supabase Auth, where nothing else is said."""
    given = values.text("jwtIssuer", "", check=issuer)
    return given or (f"{supabase_url}/auth/v1" if supabase_url else "")


def _limit_store(values: Values) -> tuple[str, str]:
    """Read where requests are counted, and the address of the Redis if there is one."""
    redis = values.secret(REDIS_CONFIG, "", check=redis_address)
    store = values.choice("limitStore", LIMIT_STORES)
    if store == "redis" and not redis:
        command = f"pulumi config set --secret {REDIS_CONFIG}"
        what = f"missing, and limitStore is redis; run `{command}`"
        values.problem(REDIS_CONFIG, what)
    return store, redis


def _secret(value: str) -> pulumi.Output[str]:
    """Keep a value encrypted in the stack's state."""
    return pulumi.Output.secret(value)
