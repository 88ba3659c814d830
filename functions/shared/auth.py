"""Who is calling: a user with a Supabase JWT, or the app's own backend."""

import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt
import msgspec

from functions.shared.environment import Environment
from functions.shared.http import HttpError
from functions.shared.jwks import (
    RETRY_S,
    KeySet,
    KeysUnavailableError,
    configured,
)

HMAC = "HS256"
SIGNATURES = ("RS256", "ES256")

AUDIENCE = "authenticated"
"""``aud`` of the access token of every signed-in user (Supabase Auth)."""

SERVICE_ROLE = "service_role"
"""``role`` of the key that Supabase gives to backends."""

INTERNAL_KEY_HEADER = "x-internal-api-key"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What callers are checked against. An empty value turns its way in off.

    Attributes:
        jwt_secret: Secret with which Supabase signs tokens.
        keys: Public keys of the pairs with which it does; ``None`` for none.
        jwt_issuer: ``iss`` of users' tokens; empty accepts any.
        internal_key: Key of the app's own backend.
    """

    jwt_secret: str
    jwt_issuer: str
    internal_key: str
    keys: KeySet | None = None

    @classmethod
    def read(cls, environment: Environment) -> "Credentials":
        """Read them; the secret must be there."""
        return cls(
            jwt_secret=environment.required("JWT_SECRET"),
            jwt_issuer=environment.text("JWT_ISSUER"),
            internal_key=environment.text("INTERNAL_API_KEY"),
            keys=configured(environment),
        )


class Caller(msgspec.Struct, frozen=True):
    """Who is calling; ``user_id`` is ``None`` for the app's own backend."""

    user_id: UUID | None


BACKEND = Caller(None)


def authenticate(headers: Mapping[str, str], credentials: Credentials) -> Caller:
    """Find out who is calling.

    Args:
        headers: Headers with names in lower case: ``authorization: Bearer`` with a
            token or with the internal key, or the key in ``x-internal-api-key``.
        credentials: What to check against.

    Raises:
        HttpError: 401; the detail says which check failed, never the token. 503 if
            the keys that it takes could not be fetched.
    """
    if INTERNAL_KEY_HEADER in headers:
        if _is_internal(headers[INTERNAL_KEY_HEADER], credentials):
            return BACKEND
        raise _unauthorized("the internal key is wrong")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("the request has no bearer token")
    if _is_internal(token, credentials):
        return BACKEND
    return _verify(token, credentials)


def _is_internal(key: str, credentials: Credentials) -> bool:
    """Compare with the internal key in a time that does not depend on the guess."""
    expected = credentials.internal_key
    # Without this an unset key would be equal to an empty one.
    if not expected:
        return False
    return hmac.compare_digest(key.encode(), expected.encode())


def _verify(token: str, credentials: Credentials) -> Caller:
    """Check the signature, then what the token says."""
    if not (credentials.jwt_secret or credentials.keys):
        raise _unauthorized("tokens are not accepted here")
    try:
        key, algorithm = _key(token, credentials)
        claims = jwt.decode(
            token,
            key,
            # Pinned to the key: the token's header chooses among keys and never how
            # one of them is used.
            algorithms=[algorithm],
            options={"require": ["exp"], "verify_aud": False, "verify_iat": False},
        )
        if claims.get("role") == SERVICE_ROLE:
            # Supabase's service key has neither an audience nor a subject.
            return BACKEND
        return _user(claims, credentials.jwt_issuer)
    except jwt.ExpiredSignatureError as error:
        raise _unauthorized("the token has expired") from error
    except jwt.PyJWTError as error:
        raise _unauthorized("the token is not valid") from error


def _key(token: str, credentials: Credentials) -> tuple[Any, str]:
    """Give the key that a token's header names, and the one algorithm of that key.

    Raises:
        HttpError: 401 if nothing here verifies such a token; 503 if that cannot be
            told, because no public key was ever fetched.
    """
    if not credentials.keys:
        # There is no choice, and to read the header twice costs as much as the rest.
        return credentials.jwt_secret, HMAC
    header = jwt.get_unverified_header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm == HMAC and credentials.jwt_secret:
        return credentials.jwt_secret, HMAC
    if algorithm not in SIGNATURES or not isinstance(kid, str):
        raise _unauthorized("the token is not valid")
    try:
        key = credentials.keys.find(kid, algorithm)
    except KeysUnavailableError as error:
        raise HttpError(
            503,
            "Keys unavailable",
            "the keys of tokens could not be fetched; nothing is lost, send it again",
            {"retry-after": str(RETRY_S)},
        ) from error
    if key is None:
        raise _unauthorized("the token's key is not known")
    return key, algorithm


def _user(claims: dict[str, object], issuer: str) -> Caller:
    """Check audience, issuer and subject of a user's token."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if AUDIENCE not in audiences:
        raise _unauthorized(f"the token is not for the audience {AUDIENCE!r}")
    if issuer and claims.get("iss") != issuer:
        raise _unauthorized("the token is of another issuer")
    try:
        return Caller(UUID(str(claims.get("sub", ""))))
    except ValueError as error:
        raise _unauthorized("the token's subject is not a user id") from error


def _unauthorized(detail: str) -> HttpError:
    """Build the 401."""
    return HttpError(401, "Unauthorized", detail, {"www-authenticate": "Bearer"})
