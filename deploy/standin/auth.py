"""The auth API, in the form of GoTrue (Supabase Auth): log in, read and make users.

Sessions are access tokens only: refresh tokens are issued and not accepted.
"""

import json
import secrets
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from deploy.standin.tokens import LIFE_S, access_token, caller
from deploy.standin.users import EmailExistsError, User, Users

SHORTEST_PASSWORD = 6


def problem(status: int, code: str, message: str) -> JSONResponse:
    """Answer as GoTrue does: its ``error_code`` is what clients match on."""
    body = {"code": status, "error_code": code, "msg": message}
    return JSONResponse(body, status_code=status)


def _shown(user: User) -> dict[str, Any]:
    created = user.created_at.isoformat()
    return {
        "id": str(user.id),
        "aud": "authenticated",
        "role": "authenticated",
        "email": user.email,
        "email_confirmed_at": created,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {},
        "identities": [],
        "created_at": created,
        "updated_at": created,
        "is_anonymous": False,
    }


async def _credentials(request: Request) -> tuple[str, str] | None:
    try:
        body = await request.json()
        email, password = body["email"], body["password"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return None
    if not (isinstance(email, str) and isinstance(password, str)):
        return None
    return email, password


def _users(request: Request) -> Users:
    users: Users = request.app.state.users
    return users


async def token(request: Request) -> JSONResponse:
    """Log in with a password."""
    grant = request.query_params.get("grant_type", "")
    if grant != "password":
        return problem(400, "unsupported_grant_type", f"grant type {grant!r}")
    credentials = await _credentials(request)
    if credentials is None:
        return problem(400, "bad_json", "email and password are required")
    email, password = credentials
    user = await run_in_threadpool(_users(request).by_email, email)
    if user is None or not user.has_password(password):
        return problem(400, "invalid_credentials", "Invalid login credentials")
    signed, expires_at = access_token(
        request.app.state.facts(), str(user.id), user.email
    )
    return JSONResponse(
        {
            "access_token": signed,
            "token_type": "bearer",
            "expires_in": LIFE_S,
            "expires_at": expires_at,
            "refresh_token": secrets.token_urlsafe(12),
            "user": _shown(user),
        }
    )


async def read_user(request: Request) -> JSONResponse:
    """Give the user whose token it is."""
    who = caller(request)
    if who is None:
        return problem(403, "bad_jwt", "invalid JWT: unable to parse or verify")
    if who.user is None:
        return problem(403, "bad_jwt", "invalid claim: missing sub claim")
    user = await run_in_threadpool(_users(request).by_id, UUID(who.user))
    if user is None:
        message = "User from sub claim in JWT does not exist"
        return problem(403, "user_not_found", message)
    return JSONResponse(_shown(user))


def _refusal(request: Request) -> JSONResponse | None:
    """Refuse who is not an administrator."""
    who = caller(request)
    if who is None:
        message = "This endpoint requires a valid Bearer token"
        return problem(401, "no_authorization", message)
    return None if who.is_admin else problem(403, "not_admin", "User not allowed")


async def make_user(request: Request) -> JSONResponse:
    """Make a user; needs the service role's key."""
    if refused := _refusal(request):
        return refused
    credentials = await _credentials(request)
    if credentials is None:
        return problem(400, "validation_failed", "email and password are required")
    email, password = credentials
    if len(password) < SHORTEST_PASSWORD:
        message = f"Password should be at least {SHORTEST_PASSWORD} characters."
        return problem(422, "weak_password", message)
    try:
        user = await run_in_threadpool(_users(request).add, email, password)
    except EmailExistsError:
        message = "A user with this email address has already been registered"
        return problem(422, "email_exists", message)
    return JSONResponse(_shown(user))


async def remove_user(request: Request) -> JSONResponse:
    """Delete a user; needs the service role's key."""
    if refused := _refusal(request):
        return refused
    user: UUID = request.path_params["user"]
    if not await run_in_threadpool(_users(request).remove, user):
        return problem(404, "user_not_found", "User not found")
    return JSONResponse({})


async def key_set(request: Request) -> JSONResponse:
    """Give public keys: of the first pair, or of those that ``?keys=1,2`` names.

    The stand-in's own tokens are signed with the shared secret; a pair is there for
    whoever tests the other way.
    """
    # Here, because nothing else of the stand-in needs cryptography.
    from deploy.standin.signing import public_key

    numbers = request.query_params.get("keys", "1").split(",")
    stack = request.app.state.facts()
    keys = [public_key(stack, int(each)) for each in numbers if each.isdecimal()]
    return JSONResponse({"keys": keys})


ROUTES = [
    Route("/token", token, methods=["POST"]),
    Route("/user", read_user),
    Route("/admin/users", make_user, methods=["POST"]),
    Route("/admin/users/{user:uuid}", remove_user, methods=["DELETE"]),
    Route("/.well-known/jwks.json", key_set),
]
