"""Put the document together: paths, schemas, headers, security."""

import tomllib
from typing import Any

import msgspec

from deploy.openapi.operations import (
    HTML,
    OPERATIONS,
    Operation,
    Outcome,
)
from deploy.openapi.schemas import Schemas
from deploy.paths import REPOSITORY
from functions.shared.auth import INTERNAL_KEY_HEADER
from functions.shared.http import Problem

OF_ALL_ANSWERS = ("x-request-id", "cache-control")

HEADERS = {
    "x-request-id": ("string", "Finds the request in the logs."),
    "cache-control": ("string", "`no-store`: answers are for the caller alone."),
    "www-authenticate": ("string", "How to authenticate."),
    "retry-after": ("integer", "Seconds to wait before the next attempt."),
    "ratelimit-limit": ("integer", "What one window of the limit admits."),
    "ratelimit-remaining": ("integer", "What this window still admits."),
    "ratelimit-reset": ("integer", "Seconds until the window ends."),
    "access-control-allow-methods": ("string", "Methods of the route."),
    "access-control-allow-headers": ("string", "Headers that a page may send."),
    "access-control-max-age": ("integer", "Seconds to remember this answer for."),
}
PREFLIGHT = (
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
)

DESCRIPTION = """\
The functions of the chat app that Kiloscale deploys. Every answer with an error is a \
problem document (RFC 9457). A path takes its own method and `OPTIONS`; any other is \
answered with 405 and `allow`. In front of the functions Lambda itself may answer 413, \
429, 502 or 504, without a body of this form."""


def document() -> dict[str, Any]:
    """Give the OpenAPI document."""
    types: list[type[msgspec.Struct]] = [Problem]
    for one in OPERATIONS:
        types += [*one.body, *([one.query] if one.query else [])]
        types += [kind for each in one.outcomes for kind in each.content]
    schemas = Schemas(types)
    paths = {one.route.path: _path(one, schemas) for one in OPERATIONS}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kiloscale functions",
            "version": _version(),
            "description": DESCRIPTION,
        },
        "servers": [
            {
                "url": "{base}",
                "description": "The stable base in front of the function URLs.",
                "variables": {"base": {"default": "https://api.example.com"}},
            }
        ],
        "security": [{"token": []}, {"internalKey": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": {name: _header(name) for name in HEADERS},
            "securitySchemes": _security_schemes(),
        },
    }


def _version() -> str:
    """Give the version of the project."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def _security_schemes() -> dict[str, Any]:
    """Describe the two ways in."""
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A user's access token of Supabase Auth; for the app's own"
            " backend its service-role key or the internal key.",
        },
        "internalKey": {
            "type": "apiKey",
            "in": "header",
            "name": INTERNAL_KEY_HEADER,
            "description": "The internal key of the app's own backend.",
        },
    }


def _path(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """Describe a route: its method, and the preflight of a browser."""
    described: dict[str, Any] = {
        "operationId": operation.route.service,
        "summary": operation.summary,
        "description": operation.description,
        "responses": {
            str(each.status): _response(each, schemas) for each in operation.outcomes
        },
    }
    if operation.query is not None:
        described["parameters"] = schemas.parameters(operation.query)
    if operation.body:
        content = {"application/json": {"schema": schemas.any_of(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    preflight = {
        "operationId": f"{operation.route.service}_preflight",
        "summary": "Answer the preflight of a browser",
        "security": [],
        "responses": {
            "204": {
                "description": "Without the headers the origin is not allowed.",
                "headers": _headers(
                    OF_ALL_ANSWERS, PREFLIGHT if operation.has_pages else ()
                ),
            }
        },
    }
    return {operation.route.method.lower(): described, "options": preflight}


def _response(outcome: Outcome, schemas: Schemas) -> dict[str, Any]:
    """Describe an answer."""
    if not outcome.content:
        schema = schemas.any_of((Problem,))
        content = {"application/problem+json": {"schema": schema}}
    else:
        content = {
            media: {
                "schema": {"type": "string"}
                if media == HTML
                else schemas.any_of(outcome.content)
            }
            for media in outcome.media
        }
    return {
        "description": outcome.when,
        "headers": _headers((*OF_ALL_ANSWERS, *outcome.headers), outcome.may_have),
        "content": content,
    }


def _headers(always: tuple[str, ...], sometimes: tuple[str, ...]) -> dict[str, Any]:
    """Refer to headers; one that is always there is told to be so."""
    return {
        **{name: {**_header(name), "required": True} for name in always},
        **{name: {"$ref": f"#/components/headers/{name}"} for name in sometimes},
    }


def _header(name: str) -> dict[str, Any]:
    """Describe a header."""
    kind, description = HEADERS[name]
    return {"description": description, "schema": {"type": kind}}
