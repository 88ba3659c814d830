"""API keys in Supabase's legacy form: tokens that name a role and nobody."""

import time

TEN_YEARS_S = 10 * 365 * 24 * 3600


def api_key(role: str, jwt_secret: str) -> str:
    """Sign an API key as ``supabase start`` and older projects have it.

    Args:
        role: ``anon`` or ``service_role``.
        jwt_secret: The project's HS256 secret.
    """
    import jwt

    issued_at = int(time.time())
    claims = {
        "iss": "supabase",
        "ref": "local",
        "role": role,
        "iat": issued_at,
        "exp": issued_at + TEN_YEARS_S,
    }
    return jwt.encode(claims, jwt_secret, algorithm="HS256")
