"""The secrets of a stack: where each is configured, and which setting gets it."""

from dataclasses import dataclass

from infra.catalog.services import REDIS_CONFIG, REDIS_SETTING, Service


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A secret value of a stack.

    Attributes:
        config: Key in ``Pulumi.<stack>.yaml``.
        field: Path of the field in ``StackConfig``, e.g. ``cdn.purge_key``.
        setting: Environment variable of the functions; empty if none reads it.
    """

    config: str
    field: str
    setting: str


SECRETS: tuple[Secret, ...] = (
    Secret(config="databaseUrl", field="database_url", setting="DATABASE_URL"),
    Secret(
        config="databaseReplicaUrl",
        field="database_replica_url",
        setting="DATABASE_REPLICA_URL",
    ),
    Secret(config="jwtSecret", field="jwt_secret", setting="JWT_SECRET"),
    Secret(
        config="internalApiKey", field="internal_api_key", setting="INTERNAL_API_KEY"
    ),
    Secret(
        config="supabaseServiceKey",
        field="supabase_service_key",
        setting="SUPABASE_SERVICE_KEY",
    ),
    Secret(config="geminiApiKey", field="gemini_api_key", setting="GEMINI_API_KEY"),
    Secret(config="openaiApiKey", field="openai_api_key", setting="OPENAI_API_KEY"),
    Secret(config=REDIS_CONFIG, field="redis_url", setting=REDIS_SETTING),
    Secret(config="alertWebhook", field="alert_webhook", setting=""),
    Secret(config="purgeKey", field="cdn.purge_key", setting="CDN_PURGE_KEY"),
)


def secret_settings(service: Service) -> tuple[str, ...]:
    """Give the settings of a service that are secret, in the catalog's order."""
    read = set(service.settings)
    return tuple(each.setting for each in SECRETS if each.setting in read)
