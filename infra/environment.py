"""Renders the environment of each function from the catalog and the configuration."""

import json
from collections.abc import Mapping, Sequence

import pulumi

from infra.catalog.caches import CACHE_LIFETIMES
from infra.catalog.cdn import PUBLIC_BUCKETS
from infra.catalog.cdn_modes import WORKER_CACHE
from infra.catalog.limits import RATE_LIMITS, PlanLimit
from infra.catalog.models import PRICES, UNKNOWN
from infra.catalog.replicas import REPLICA_STALENESS_S
from infra.catalog.services import REDIS_SETTING, Service
from infra.cdn_config import CdnConfig
from infra.config import StackConfig
from infra.edge.worker_settings import PURGE_PATH
from infra.naming import metrics_namespace


def render(
    service: Service,
    config: StackConfig,
    queue_urls: Mapping[str, pulumi.Input[str]],
) -> dict[str, pulumi.Input[str]]:
    """Give the variables that a service's ``settings.py`` reads, and no others.

    Args:
        service: Whose environment.
        config: The stack's configuration.
        queue_urls: URLs of the queues by topic.

    Raises:
        ValueError: The catalog names a setting that nothing here provides.
    """
    known = {
        **_of_stack(config),
        **_of_limits(config.size.limits),
        **_of_queues(queue_urls),
    }
    unknown = [name for name in service.settings if name not in known]
    if unknown:
        raise ValueError(
            f"infra/catalog/services.py: {service.folder}: settings"
            f" {', '.join(unknown)}: nothing provides a value; add it to"
            f" infra/environment.py, or take one of {', '.join(sorted(known))}"
        )
    return {name: known[name] for name in service.settings}


def _of_stack(config: StackConfig) -> dict[str, pulumi.Input[str]]:
    """Give what differs between stacks."""
    return {
        "STACK": config.stack,
        "DATABASE_URL": config.database_url,
        "DATABASE_REPLICA_URL": config.database_replica_url or "",
        "REPLICA_STALENESS_S": str(REPLICA_STALENESS_S),
        "JWT_SECRET": config.jwt_secret,
        "JWT_ISSUER": config.jwt_issuer,
        "JWKS_URL": config.jwks_url,
        "INTERNAL_API_KEY": config.internal_api_key,
        "ALLOWED_ORIGINS": ",".join(config.allowed_origins),
        "SUPABASE_URL": config.supabase_url,
        "SUPABASE_SERVICE_KEY": config.supabase_service_key,
        **_of_cdn(config.cdn),
        "GEMINI_API_KEY": config.gemini_api_key,
        "GEMINI_BASE_URL": config.gemini_base_url,
        "OPENAI_API_KEY": config.openai_api_key,
        "OPENAI_BASE_URL": config.openai_base_url,
        "METRICS_NAMESPACE": metrics_namespace(config.stack),
        "LIMIT_STORE": config.limit_store,
        REDIS_SETTING: config.redis_url or "",
        "EXTRACTION_POLICY": config.extraction_policy,
        "LLM_DAY_BUDGET_MICROUSD": str(round(config.llm_day_budget_usd * 1_000_000)),
        "LLM_PRICES": _prices(),
        "IMAGE_BUCKETS": ",".join(PUBLIC_BUCKETS),
    }


def _of_cdn(cdn: CdnConfig) -> dict[str, pulumi.Input[str]]:
    """Give how a service has the CDN forget; only Workers Cache forgets everywhere."""
    forgets = cdn.mode == WORKER_CACHE
    return {
        "CDN_PURGE_URL": f"{cdn.base_url}{PURGE_PATH}" if forgets else "",
        "CDN_PURGE_KEY": (cdn.purge_key or "") if forgets else "",
    }


def _of_limits(quotas: Sequence[PlanLimit]) -> dict[str, pulumi.Input[str]]:
    """Give what the plan sets, e.g. ``CHAT_LIMIT_HITS`` and ``CACHE_USAGE_S``."""
    values: dict[str, pulumi.Input[str]] = {}
    for rate in RATE_LIMITS:
        values[f"{rate.name.upper()}_LIMIT_HITS"] = str(rate.hits)
        values[f"{rate.name.upper()}_LIMIT_WINDOW_S"] = str(rate.window_s)
    for quota in quotas:
        values[f"{quota.name.upper()}_LIMIT"] = str(quota.limit)
        values[f"{quota.name.upper()}_ALERT_AT"] = str(quota.alert_at)
    for cache in CACHE_LIFETIMES:
        values[f"CACHE_{cache.name.upper()}_S"] = str(cache.lifetime_s)
    return values


def _prices() -> str:
    """Write the models' prices: ``{model: [input_usd, output_usd]}``, a million each.

    ``*`` stands for every other model.
    """
    prices = (*PRICES, UNKNOWN)
    return json.dumps(
        {each.model: [each.input_usd, each.output_usd] for each in prices}
    )


def _of_queues(
    queue_urls: Mapping[str, pulumi.Input[str]],
) -> dict[str, pulumi.Input[str]]:
    """Give the queues' addresses, e.g. ``QUEUE_URL_LLM``."""
    return {f"QUEUE_URL_{topic.upper()}": url for topic, url in queue_urls.items()}
