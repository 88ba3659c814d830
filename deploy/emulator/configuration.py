"""The configuration that the Pulumi program gets for the local stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from deploy import stackfiles
from deploy.local.facts import LocalStack
from infra.catalog.services import REDIS_CONFIG
from infra.naming import PROJECT

STACK = "local"

LOCAL_MODEL_KEY = "stand-in"
"""The stand-in for the language models asks for a key and accepts any."""

WEBHOOK = "/webhooks/alarms"
"""Where the stand-in takes the alarms' notifications."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A stack's configuration as the engine would hand it to the program.

    Attributes:
        values: Values by full key, e.g. ``kiloscale:supabaseUrl``; lists as JSON.
        secrets: Keys whose values are secret.
    """

    values: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str]


def of_local(stack: LocalStack) -> Configuration:
    """Assemble the local stack's configuration.

    The defaults of ``Pulumi.yaml``, then ``Pulumi.local.yaml``, then what is known
    since the local stack was started.
    """
    secrets = {
        "databaseUrl": stack.database_url,
        "jwtSecret": stack.jwt_secret,
        "internalApiKey": stack.internal_api_key,
        "supabaseServiceKey": stack.service_role_key,
        "geminiApiKey": LOCAL_MODEL_KEY,
        "openaiApiKey": LOCAL_MODEL_KEY,
        "alertWebhook": f"{stack.supabase_url}{WEBHOOK}",
    }
    plain = {
        "supabaseUrl": stack.supabase_url,
        "geminiBaseUrl": f"{stack.supabase_url}/llm/gemini",
        "openaiBaseUrl": f"{stack.supabase_url}/llm/v1",
    }
    values = stackfiles.of_stack(STACK)
    values["aws:region"] = stack.region
    values |= {f"{PROJECT}:{key}": value for key, value in (plain | secrets).items()}
    hidden = {f"{PROJECT}:{key}" for key in secrets}
    redis = f"{PROJECT}:{REDIS_CONFIG}"
    # Nothing encrypts the local file. A Redis on this machine needs no password, and an
    # address without one is no secret; with one it is refused as in plain text.
    if not urlsplit(values.get(redis, "")).password:
        hidden.add(redis)
    return Configuration(values=values, secrets=frozenset(hidden))
