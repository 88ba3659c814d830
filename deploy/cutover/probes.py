"""Asks a front who answers a user, without doing anything for one.

A probe is a preflight with an unsigned token: the front reads its user's id, and no
function does more for a preflight than to answer it.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from uuid import NAMESPACE_URL, uuid5

import httpx

from infra.front_routing import BUCKETS, bucket_of

SIDE_HEADER = "x-kiloscale-origin"
TIMEOUT_S = 20.0
"""Longer than a function's cold start."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a probe saw.

    Attributes:
        status: HTTP status code; ``None`` without an answer.
        side: Who answered, by the front's own word; empty where it says nothing.
        error: Why there was no answer.
    """

    status: int | None
    side: str
    error: str = ""

    def evidence(self) -> dict[str, object]:
        """Give what was seen."""
        found: dict[str, object] = {"status": self.status, SIDE_HEADER: self.side}
        return found | ({"error": self.error} if self.error else {})


def user_of_bucket(bucket: int) -> str:
    """Make up the id of a user in a bucket; always the same one, and nobody's.

    >>> bucket_of(user_of_bucket(42))
    42
    """
    ids = (str(uuid5(NAMESPACE_URL, f"kiloscale:probe:{n}")) for n in count())
    return next(each for each in ids if bucket_of(each) == bucket)


def boundaries(percent: int) -> Iterator[tuple[int, str]]:
    """Give the buckets at the edges of both sides, each with its side."""
    if percent > 0:
        yield from ((bucket, "ours") for bucket in sorted({0, percent - 1}))
    if percent < BUCKETS:
        yield from ((bucket, "present") for bucket in sorted({percent, BUCKETS - 1}))


def ask(
    url: str, *, user: str = "", client: httpx.Client, method: str = "OPTIONS"
) -> Seen:
    """Send one probe.

    Args:
        url: What to ask.
        user: Whose token the probe has; empty for none.
        client: Sends it.
        method: A preflight by default.
    """
    headers = {"access-control-request-method": "POST"}
    if user:
        headers["authorization"] = f"Bearer {_unsigned(user)}"
    try:
        answer = client.request(method, url, headers=headers)
    except httpx.HTTPError as exc:
        return Seen(status=None, side="", error=f"{type(exc).__name__}: {exc}")
    return Seen(status=answer.status_code, side=answer.headers.get(SIDE_HEADER, ""))


def _unsigned(user: str) -> str:
    """Write a token that nobody accepts, with a user's id."""
    parts = ({"alg": "none"}, {"sub": user, "role": "probe"})
    written = (base64.urlsafe_b64encode(json.dumps(each).encode()) for each in parts)
    return ".".join([*(each.decode().rstrip("=") for each in written), "unsigned"])
