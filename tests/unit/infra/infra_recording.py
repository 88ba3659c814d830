"""A complete configuration, and programs recorded with it."""

from collections.abc import Callable, Mapping
from typing import Any

from deploy.planning import recording
from infra.policies.resources import Resources

SECRETS = {
    "databaseUrl": "postgresql://postgres.abc:pw@aws-0-eu.pooler.supabase.com:6543/postgres",
    "jwtSecret": "j" * 40,
    "internalApiKey": "i" * 40,
    "supabaseServiceKey": "s" * 40,
    "geminiApiKey": "g" * 40,
    "alertWebhook": "https://hooks.example.com/services/T0/B0/x",
}
OPTIONAL_SECRETS = ("redisUrl", "purgeKey", "databaseReplicaUrl", "openaiApiKey")
PLAIN = {
    "users": "1000",
    "poolerClients": "0",
    "planDatabaseGib": "0",
    "planInvocations": "0",
    "planRealtimeConnections": "0",
    "monthlyBudgetUsd": "50",
    "supabaseUrl": "https://abc.supabase.co",
    "allowedOrigins": '["https://app.example.com"]',
    "logRetentionDays": "30",
    "reserveConcurrency": "false",
    "geminiBaseUrl": "https://generativelanguage.googleapis.com",
    "openaiBaseUrl": "https://api.openai.com/v1",
    "limitStore": "postgres",
    "extractionPolicy": "sampled",
    "llmDayBudgetUsd": "1",
    "alertEmail": "ops@example.com",
    "cdn": "none",
    "front": "none",
    "cutoverPercent": "100",
}


def config(**changes: str) -> dict[str, str]:
    """A complete configuration by full key, with some values changed."""
    values = {**PLAIN, **SECRETS, **changes}
    return {f"kiloscale:{key}": value for key, value in values.items()}


def record(
    program: Callable[[], Mapping[str, Any]],
    *,
    values: Mapping[str, str] | None = None,
    stack: str = "test",
    preview: bool = False,
) -> tuple[Resources, dict[str, Any]]:
    """Run a program; give its resources and its outputs."""
    secrets = [f"kiloscale:{key}" for key in (*SECRETS, *OPTIONAL_SECRETS)]
    found = recording.record(
        values or config(), secrets, stack=stack, program=program, preview=preview
    )
    return found.resources, found.outputs
