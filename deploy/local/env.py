"""What an app needs in its environment to use a local stack."""

from deploy.local.facts import LocalStack

ANY_KEY = "local"
"""The stand-in takes any key of a language model."""


def env_lines(stack: LocalStack) -> dict[str, str]:
    """Give the variables by name; several of the values are secrets.

    Args:
        stack: A stack that was started; its ports are in the values.
    """
    return {
        "SUPABASE_URL": stack.supabase_url,
        "CDN_BASE_URL": stack.edge_url,
        "SUPABASE_ANON_KEY": stack.anon_key,
        "SUPABASE_SERVICE_ROLE_KEY": stack.service_role_key,
        "SUPABASE_JWT_SECRET": stack.jwt_secret,
        "DATABASE_URL": stack.database_url,
        "INTERNAL_API_KEY": stack.internal_api_key,
        "AWS_ENDPOINT_URL": stack.emulator_url,
        "AWS_REGION": stack.region,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_ACCESS_KEY_ID": stack.access_key_id,
        "AWS_SECRET_ACCESS_KEY": stack.secret_access_key,
        "OPENAI_BASE_URL": f"{stack.supabase_url}/llm/v1",
        "OPENAI_API_KEY": ANY_KEY,
        "GEMINI_BASE_URL": f"{stack.supabase_url}/llm/gemini",
        "GEMINI_API_KEY": ANY_KEY,
    }
