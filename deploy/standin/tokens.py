"""Tokens and API keys as Supabase signs them: HS256 with the project's secret."""

import time
from dataclasses import dataclass
from typing import Any

import jwt
from starlette.requests import Request

from deploy.local.facts import LocalStack

LIFE_S = 3600
"""Life of an access token, in seconds; Supabase's default."""

ADMIN_ROLES = frozenset({"service_role", "supabase_admin"})


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sent a request.

    Attributes:
        role: Database role of the token: anon, authenticated, service_role.
        user: Id of the user, or ``None`` for an API key.
    """

    role: str
    user: str | None

    @property
    def is_admin(self) -> bool:
        """Whether the token may administer users and objects."""
        return self.role in ADMIN_ROLES


def issuer(stack: LocalStack) -> str:
    """Give the ``iss`` claim of the stack's tokens."""
    return f"{stack.supabase_url}/auth/v1"


def access_token(stack: LocalStack, user: str, email: str) -> tuple[str, int]:
    """Sign the token of a user who logged in.

    Returns:
        The token, and when it expires in seconds since 1970.
    """
    issued_at = int(time.time())
    expires_at = issued_at + LIFE_S
    claims = {
        "iss": issuer(stack),
        "sub": user,
        "aud": "authenticated",
        "role": "authenticated",
        "email": email,
        "iat": issued_at,
        "exp": expires_at,
        "is_anonymous": False,
    }
    token = jwt.encode(claims, stack.jwt_secret, algorithm="HS256")
    return token, expires_at


def caller(request: Request) -> Caller | None:
    """Read who sent a request: its bearer token, else its ``apikey``.

    Returns:
        ``None`` if there is neither, or it is expired or not signed by the stack.
    """
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else request.headers.get("apikey", "")
    stack: LocalStack = request.app.state.facts()
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            stack.jwt_secret,
            algorithms=["HS256"],
            options={"verify_aud": False, "require": ["exp"]},
        )
    except jwt.InvalidTokenError:
        return None
    return Caller(role=str(claims.get("role", "anon")), user=claims.get("sub"))
