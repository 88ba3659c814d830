"""Check the signature of an S3 request (AWS Signature Version 4)."""

import hashlib
import hmac
import re

from starlette.requests import Request

ACCESS_KEY_ID = "kiloscale"
"""Of the stand-in's one key pair; its secret is the stack's service-role key."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>[^,]+), *"
    r"SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


def is_signed(request: Request, secret: str) -> bool:
    """Tell whether a request is signed with the stand-in's key."""
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if not found or found["id"] != ACCESS_KEY_ID:
        return False
    expected = _signature(request, found["scope"], found["headers"], secret)
    return hmac.compare_digest(expected, found["signature"])


def _signature(request: Request, scope: str, signed: str, secret: str) -> str:
    """Sign a request anew."""
    path = request.scope["raw_path"].decode()
    query = "&".join(sorted(_pairs(request.scope["query_string"].decode())))
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
        for name in signed.split(";")
    )
    content = request.headers.get("x-amz-content-sha256", "")
    canonical = "\n".join(
        [request.method, path, query, headers, signed, content]
    ).encode()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            request.headers.get("x-amz-date", ""),
            scope,
            hashlib.sha256(canonical).hexdigest(),
        ]
    )
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _pairs(query: str) -> list[str]:
    """Give the parameters as they are signed: one without a value has an empty one."""
    return [part if "=" in part else f"{part}=" for part in query.split("&") if part]
