"""The services: one folder below ``functions/``, one zip, one Lambda function each."""

from dataclasses import dataclass

CLOUD_RUNTIME = "python3.13"
CLOUD_ARCHITECTURE = "arm64"

JWKS_SETTING = "JWKS_URL"
JWKS_CONFIG = "jwksUrl"
"""The setting that lets a service check tokens by public keys, and the configuration
key behind it. Only a stack that has it gets zips with cryptography: they are twice as
large, and their import takes half as long again."""

REDIS_SETTING = "REDIS_URL"
REDIS_CONFIG = "redisUrl"
"""The setting that lets a service use Redis or Valkey, and the configuration key behind
it. Only a stack that has it gets zips with their clients."""

CACHE_SETTINGS = ("CACHE_ABSENT_S", "METRICS_NAMESPACE", "STACK")
"""What a service with caches reads beside their lifetimes: it publishes their hits."""

LLM_CONFIG_SETTINGS = ("CACHE_LLM_CONFIG_S", *CACHE_SETTINGS)
"""What a service reads that asks language models and remembers which."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One deployable Python service.

    Attributes:
        folder: Folder below ``functions/``, verb_noun.
        summary: What it does, in a few words.
        route: ``(method, path)`` of its function URL, or ``None`` if no HTTP.
        memory_mib: Memory of one invocation, in MiB (128 to 10,240).
        timeout_s: Longest run of one invocation, in seconds (1 to 900).
        concurrency: Most simultaneous invocations, each with one connection to the
            pooler; ``reserved_concurrent_executions`` where nothing else bounds it.
        sends_to: Topics whose queues it may send to.
        reads_metrics: Whether it may read CloudWatch metrics, publish the gauges of
            the stack's own namespace and ask the queues for their depth.
        settings: Names of the environment variables that its ``settings.py`` reads.
    """

    folder: str
    summary: str
    route: tuple[str, str] | None
    memory_mib: int
    timeout_s: int
    concurrency: int
    sends_to: tuple[str, ...] = ()
    reads_metrics: bool = False
    settings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Kebab-case name: of the resources and the zip."""
        return self.folder.replace("_", "-")

    @property
    def handler(self) -> str:
        """Handler string; the archive keeps the path in the repository."""
        return f"functions.{self.folder}.handler.handle"

    def __post_init__(self) -> None:
        """Refuse what CreateFunction would refuse.

        Raises:
            ValueError: A value is out of its range; names the service and the range.
        """
        for field, low, high in (
            ("memory_mib", 128, 10_240),
            ("timeout_s", 1, 900),
            ("concurrency", 1, 1_000),
        ):
            value = getattr(self, field)
            if not low <= value <= high:
                raise ValueError(
                    f"service {self.folder}: {field} must be between {low} and"
                    f" {high}, got {value}"
                )


CHAT_SEND = Service(
    folder="chat_send",
    summary="accepts a chat message, once",
    route=("POST", "/functions/v1/chat-send"),
    memory_mib=512,
    timeout_s=10,
    concurrency=40,
    sends_to=("llm", "extraction"),
    settings=(
        "DATABASE_URL",
        "JWT_SECRET",
        "JWT_ISSUER",
        JWKS_SETTING,
        "INTERNAL_API_KEY",
        "ALLOWED_ORIGINS",
        "CHAT_LIMIT_HITS",
        "CHAT_LIMIT_WINDOW_S",
        "LIMIT_STORE",
        REDIS_SETTING,
        "EXTRACTION_POLICY",
        "QUEUE_URL_LLM",
        "QUEUE_URL_EXTRACTION",
    ),
)
RELAY_OUTBOX = Service(
    folder="relay_outbox",
    summary="sends again what a queue does not have",
    route=None,
    memory_mib=256,
    timeout_s=50,
    concurrency=1,
    sends_to=("llm", "extraction", "images"),
    settings=(
        "DATABASE_URL",
        "QUEUE_URL_LLM",
        "QUEUE_URL_EXTRACTION",
        "QUEUE_URL_IMAGES",
        "SUPABASE_URL",
        "SUPABASE_SERVICE_KEY",
        "CDN_PURGE_URL",
        "CDN_PURGE_KEY",
    ),
)
LLM_HANDLER = Service(
    folder="llm_handler",
    summary="answers a message with a language model, once",
    route=None,
    memory_mib=512,
    timeout_s=60,
    concurrency=10,
    sends_to=("extraction",),
    settings=(
        "DATABASE_URL",
        "SUPABASE_URL",
        "SUPABASE_SERVICE_KEY",
        "GEMINI_API_KEY",
        "GEMINI_BASE_URL",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "LLM_PRICES",
        "LLM_DAY_BUDGET_MICROUSD",
        "EXTRACTION_POLICY",
        REDIS_SETTING,
        *LLM_CONFIG_SETTINGS,
        "QUEUE_URL_EXTRACTION",
    ),
)
EXTRACT_MEMORY = Service(
    folder="extract_memory",
    summary="keeps what a conversation tells about its user",
    route=None,
    memory_mib=512,
    timeout_s=60,
    # Sampled, it has a quarter of llm_handler's calls, and nobody waits for it.
    concurrency=4,
    settings=(
        "DATABASE_URL",
        "EXTRACTION_LIMIT_HITS",
        "EXTRACTION_LIMIT_WINDOW_S",
        "GEMINI_API_KEY",
        "GEMINI_BASE_URL",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "LLM_PRICES",
        REDIS_SETTING,
        *LLM_CONFIG_SETTINGS,
    ),
)
COMPRESS_IMAGE = Service(
    folder="compress_image",
    summary="makes images smaller and keeps the originals",
    # A request asks and does not wait: the work itself is the queue's.
    route=("POST", "/functions/v1/compress-image"),
    # A whole core (Lambda developer guide, "Configure memory"). The largest images take
    # 1,400 MiB beside the service's own 60.
    memory_mib=1_769,
    # 40 s for the decoder, its start, and the transfers.
    timeout_s=80,
    # 3 images a day of 1,000 users, 3 s each, are a tenth of an invocation on average.
    concurrency=2,
    settings=(
        "DATABASE_URL",
        "JWT_SECRET",
        "INTERNAL_API_KEY",
        "SUPABASE_URL",
        "SUPABASE_SERVICE_KEY",
        "IMAGE_BUCKETS",
    ),
)
READ_HISTORY = Service(
    folder="read_history",
    summary="reads a conversation for its user, page by page",
    route=("GET", "/functions/v1/chat-history"),
    memory_mib=512,
    timeout_s=10,
    concurrency=20,
    settings=(
        "DATABASE_URL",
        "DATABASE_REPLICA_URL",
        "REPLICA_STALENESS_S",
        "JWT_SECRET",
        "JWT_ISSUER",
        JWKS_SETTING,
        "INTERNAL_API_KEY",
        "ALLOWED_ORIGINS",
        "API_LIMIT_HITS",
        "API_LIMIT_WINDOW_S",
        "LIMIT_STORE",
        REDIS_SETTING,
        "CACHE_CONVERSATION_S",
        "CACHE_SUBSCRIPTION_S",
        "CACHE_USAGE_S",
        *CACHE_SETTINGS,
    ),
)
HEALTH_CHECK = Service(
    folder="health_check",
    summary="measures the plan's limits and says what is close",
    route=("GET", "/functions/v1/health-check"),
    memory_mib=256,
    timeout_s=30,
    concurrency=2,
    reads_metrics=True,
    settings=(
        "DATABASE_URL",
        "JWT_SECRET",
        "INTERNAL_API_KEY",
        "METRICS_NAMESPACE",
        "STACK",
        "DATABASE_BYTES_LIMIT",
        "DATABASE_BYTES_ALERT_AT",
        "INVOCATIONS_MONTH_LIMIT",
        "INVOCATIONS_MONTH_ALERT_AT",
        "REALTIME_CONNECTIONS_LIMIT",
        "REALTIME_CONNECTIONS_ALERT_AT",
    ),
)

SERVICES: tuple[Service, ...] = (
    CHAT_SEND,
    RELAY_OUTBOX,
    LLM_HANDLER,
    EXTRACT_MEMORY,
    COMPRESS_IMAGE,
    READ_HISTORY,
    HEALTH_CHECK,
)
