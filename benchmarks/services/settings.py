"""The environment of the services as a benchmark runs them."""

import json

from benchmarks.cluster import Database
from infra.catalog.caches import CACHE_LIFETIMES
from infra.catalog.extraction import DEFAULT_POLICY
from infra.catalog.limits import PLAN_LIMITS, RATE_LIMITS
from infra.catalog.models import PRICES, UNKNOWN

UNLIMITED = 1_000_000_000
"""Hits of a window, and millionths of a USD: a benchmark must not meet a limit."""


def variables(
    database: Database, *, url: str, standin_url: str, policy: str = DEFAULT_POLICY
) -> dict[str, str]:
    """Give what all services read together.

    Args:
        database: Its keys are those of the tokens.
        url: Connection URI that the services use; secret.
        standin_url: Base of the stand-in for Supabase and the language models.
        policy: When turns are read for memories.
    """
    stack = database.stack
    limits = {f"{each.name.upper()}_LIMIT_HITS": UNLIMITED for each in RATE_LIMITS}
    limits |= {
        f"{each.name.upper()}_LIMIT_WINDOW_S": each.window_s for each in RATE_LIMITS
    }
    for quota in PLAN_LIMITS:
        limits[f"{quota.name.upper()}_LIMIT"] = quota.limit
        limits[f"{quota.name.upper()}_ALERT_AT"] = quota.alert_at
    limits |= {
        f"CACHE_{each.name.upper()}_S": each.lifetime_s for each in CACHE_LIFETIMES
    }
    prices = {
        each.model: [each.input_usd, each.output_usd] for each in (*PRICES, UNKNOWN)
    }
    return {
        **{name: str(value) for name, value in limits.items()},
        "STACK": "bench",
        "METRICS_NAMESPACE": "",
        "DATABASE_URL": url,
        "JWT_SECRET": stack.jwt_secret,
        "JWT_ISSUER": "",
        "INTERNAL_API_KEY": stack.internal_api_key,
        "ALLOWED_ORIGINS": "",
        "SUPABASE_URL": standin_url,
        "SUPABASE_SERVICE_KEY": stack.service_role_key,
        "GEMINI_API_KEY": "bench",
        "GEMINI_BASE_URL": f"{standin_url}/llm/gemini",
        "OPENAI_API_KEY": "bench",
        "OPENAI_BASE_URL": f"{standin_url}/llm/v1",
        "LIMIT_STORE": "postgres",
        "EXTRACTION_POLICY": policy,
        "LLM_PRICES": json.dumps(prices),
        "LLM_DAY_BUDGET_MICROUSD": str(UNLIMITED),
    }
